"""Files of names and colours: the forms that tools write, and what is refused."""

import json

import pytest

from minicv.data.image_files import AnnotationError
from minicv.data.label_names import Label, find_label_file, read_labels

COLOURED = [Label("background", (0, 0, 0)), Label("traffic light", (128, 64, 0))]
NAMED = [Label("background"), Label("traffic light")]


@pytest.mark.parametrize(
    "text",
    [
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ntraffic light:128,64,0::\n",
        "background:0, 0, 0\ntraffic light:128, 64, 0:lamp,pole:go\n",
        "background 0 0 0\n\ntraffic light 128 64 0\n",
        "name,r,g,b\nbackground,0,0,0\ntraffic light,128,64,0\n",
        "Class; Red; Green; Blue\nbackground;0;0;0\ntraffic light;128;64;0\n",
        "0 0 0\tbackground\n128 64 0\ttraffic light\n",
        "0 0 0 0 background\n1 128 64 0 traffic light\n",
        "background #000000\ntraffic light #804000\n",
        "\ufeffbackground:0,0,0::\r\ntraffic light:128,64,0::\r\n",
    ],
)
def test_lines_with_colours(tmp_path, text):
    (tmp_path / "labelmap.txt").write_text(text, encoding="utf-8")
    assert read_labels(tmp_path / "labelmap.txt", "R") == COLOURED


@pytest.mark.parametrize(
    "text",
    [
        "background\ntraffic light\n",
        "0: background\n1: traffic light",
        "0 background\n1 traffic light",
        "# names\nbackground\n\ntraffic light",
    ],
)
def test_lines_with_names(tmp_path, text):
    (tmp_path / "classes.txt").write_text(text)
    assert read_labels(tmp_path / "classes.txt", "R") == NAMED


def test_names_with_numbers_in_them_stay(tmp_path):
    (tmp_path / "classes.txt").write_text("2 wheels\n4 wheels\nroute 66\n")
    names = [label.name for label in read_labels(tmp_path / "classes.txt", "R")]
    assert names == ["2 wheels", "4 wheels", "route 66"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"background": [0, 0, 0], "traffic light": [128, 64, 0]}, COLOURED),
        ({"background": "#000000", "traffic light": "804000"}, COLOURED),
        ([{"name": "background", "color": "#000000"},
          {"name": "traffic light", "color": [128, 64, 0]}], COLOURED),
        ({"labels": [{"label": "background", "colour": [0, 0, 0]},
                     {"label": "traffic light", "colour": [128, 64, 0, 255]}]}, COLOURED),
        (["background", "traffic light"], NAMED),
        ({"1": "traffic light", "0": "background"}, NAMED),
        ({"traffic light": 1, "background": 0}, NAMED),
    ],
)  # fmt: skip
def test_json(tmp_path, content, expected):
    (tmp_path / "a.json").write_text(json.dumps(content))
    assert read_labels(tmp_path / "a.json", "R") == expected


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.txt", "", "it names no class"),
        ("a.txt", "# only a heading\n", "it names no class"),
        ("a.txt", "cow:1,2,3\nduck\n", "class 2 is 'duck', expected a name and three numbers"),
        ("a.txt", "cow:1,2,300\n", r"class 'cow': colour \(1, 2, 300\), expected 0..255"),
        ("a.txt", "cow:1,2,3\nduck:1,2,3\n", r"classes 1 and 2 are both \(1, 2, 3\)"),
        ("a.txt", "cow\nduck\ncow\n", "classes 1 and 3 are both 'cow'"),
        ("a.json", "3", "expected a list of classes"),
        ("a.json", "[]", "it names no class"),
        ("a.json", "[1, 2]", "a class is 1, expected a name"),
        ("a.json", '[{"id": 1}]', "expected a name in it"),
        ("a.json", '{"cow": 1, "duck": 3}', "its numbers are 1, 3, expected 0, 1, 2"),
        ("a.json", '{"cow": "red"}', "class 'cow': its colour is 'red', expected"),
        ("a.json", '{"cow": [1, 2]}', "its colour is"),
        ("a.json", '{"cow": [1.5, 2, 3]}', "its colour is"),
        (
            "a.json",
            '[{"name": "cow"}, {"name": "duck", "color": [1, 2, 3]}]',
            "'cow' has no colour",
        ),
        ("a.json", "{", "no complete JSON"),
    ],
)
def test_files_that_cannot_be_meant(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(AnnotationError, match=f"^R: .*a\\..*{said}"):
        read_labels(tmp_path / name, "R")


def test_the_nearest_file_is_found(tmp_path):
    masks = tmp_path / "masks"
    masks.mkdir()
    assert find_label_file(masks, tmp_path, tmp_path / "away") is None
    (tmp_path / "classes.txt").write_text("a")
    assert find_label_file(masks, tmp_path) == tmp_path / "classes.txt"
    (masks / "LabelMap.txt").write_text("a")
    (masks / "labels.txt").write_text("a")
    assert find_label_file(masks, tmp_path) == masks / "LabelMap.txt"
