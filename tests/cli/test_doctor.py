"""``minicv doctor``: what it prints and writes for sets with faults in them, and its status."""

import json

import numpy as np
import pytest
from command_line import refused, run
from hardening import small_sets
from label_map_folders import camvid_folder
from meadow_voc import COW, DUCK, VOCSet
from PIL import Image


@pytest.fixture
def data(tmp_path):
    return VOCSet(tmp_path / "meadow")


def findings(capsys, tmp_path, source, *options):
    """Status, the kinds of findings that spoil and the others, and the text."""
    status, text, error = run(capsys, "doctor", source, "--out", tmp_path / "out", *options)
    assert "Traceback" not in error
    record = json.loads((tmp_path / "out" / "report.json").read_text())
    of = {True: {}, False: {}}
    for finding in record["findings"]:
        of[finding["spoils_a_training"]][finding["kind"]] = finding["count"]
    assert status == bool(of[True]) == record["spoils_a_training"]
    return of[True], of[False], text


def test_a_clean_set(tmp_path, capsys, data):
    assert findings(capsys, tmp_path, data.source)[:2] == ({}, {})
    status, text, error = run(capsys, "doctor", data.source)
    assert status == 0 and not error
    lines = text.splitlines()
    assert lines[-1] == "nothing is wrong in 14 pictures examined"
    rows = [line.split() for line in lines]
    assert ["train", "10", "80", "x", "60"] in rows
    assert ["cow", "10", "2", "2"] in rows and ["all", "20", "4", "4"] in rows
    assert ["large", "0", "0", "0"] not in rows  # classes and sizes that never occur are left out
    with Image.open(tmp_path / "out" / "contact_sheet.png") as sheet:
        assert sheet.size == (2128, 1436)  # 12 tiles of 500 x 375 in three rows


def test_boxes_that_are_wrong(tmp_path, capsys, data):
    data.label("train0", COW, DUCK, ("cow", 30, 30, 30, 30))  # no area
    data.label("train1", COW, DUCK, ("cow", 60, 40, 90, 55))  # reaches out
    spoils, look, text = findings(capsys, tmp_path, data.source)
    assert spoils == {} and sum(look.values()) == 2
    assert "train0.xml" in text and "train1.xml" in text
    assert text.splitlines()[-1].startswith("nothing would spoil a training, in 14 pictures")


def test_what_is_odd_about_boxes(tmp_path, capsys, data):
    data.label("train2", COW, COW, DUCK)
    data.label("train3", ("cow", 1, 1, 80, 60), DUCK)
    data.label("val0", COW, DUCK, ("duck", 2, 2, 2, 40))
    data.label("val1", COW, DUCK, ("duck", 2, 2, 75, 6))
    spoils, look, text = findings(capsys, tmp_path, data.source)
    assert spoils == {}
    assert look["repeated box"] == look["box of the whole picture"] == 1
    assert look["slender box"] == 1
    assert "objects 1 and 2 (cow, cow) have the same box" in text


def test_truncated_pictures_are_all_found(tmp_path, capsys, data):
    for name in ("train4", "val1"):
        path = data.picture(name)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    spoils, look, text = findings(capsys, tmp_path, data.source)
    assert spoils == {"unreadable picture": 2} and look.keys() <= {"class with few objects"}
    assert "train4.jpg" in text and "val1.jpg" in text and "--skip-unreadable" in text
    assert text.splitlines()[-1].startswith("1 kind of fault would spoil a training")


def test_sizes_against_the_annotation(tmp_path, capsys, data):
    data.label("train5", COW, DUCK, size=(160, 120))
    spoils, _, text = findings(capsys, tmp_path, data.source)
    assert spoils == {"annotation of another size": 1} and "train5.xml" in text


def test_leaks_and_duplicates(tmp_path, capsys, data):
    data.picture("train6").write_bytes(data.picture("test0").read_bytes())  # another name
    data.picture("train8").write_bytes(data.picture("train7").read_bytes())
    spoils, look, text = findings(capsys, tmp_path, data.source)
    assert spoils == {"picture in two splits": 1} and look == {"duplicate picture": 1}
    assert "test0.jpg: has the pixels of train" in text
    train = data.root / "ImageSets" / "Main" / "train.txt"
    train.write_text(train.read_text() + "\nval0")  # the same name
    assert findings(capsys, tmp_path, data.source)[0] == {"picture in two splits": 2}


def test_names_that_differ_by_case(tmp_path, capsys, data):
    data.label("train9", ("Cow", 3, 5, 40, 45), DUCK)
    spoils, look, _ = findings(capsys, tmp_path, data.source)
    assert spoils == {"names of classes that differ by case or blanks": 1}
    assert look["class with few objects"] == 2  # nine cows and a Cow


def test_pictures_without_labels_and_labels_without_pictures(tmp_path, capsys, data):
    data.label("train0")
    (data.root / "Annotations" / "train1.xml").unlink()
    data.picture("train2").unlink()
    spoils, look, text = findings(capsys, tmp_path, data.source)
    assert look["picture without objects"] == 1
    assert "train1" in text and "train2" in text and len(spoils | look) >= 3


def test_a_set_with_nothing_to_learn(tmp_path, capsys, data):
    for number in range(10):
        data.label(f"train{number}")
    spoils, _, _ = findings(capsys, tmp_path, data.source)
    assert spoils == {"training without objects": 1}


def test_label_maps(tmp_path, capsys):
    source = camvid_folder(tmp_path / "CamVid")
    spoils, _, text = findings(capsys, tmp_path, source)
    assert spoils == {} and "no class" in text and "share" not in text
    for split in ("train", "val", "test"):
        for path in (tmp_path / "CamVid" / f"{split}annot").iterdir():
            Image.fromarray(np.where(np.eye(24, 32) > 0, 0, 11).astype(np.uint8)).save(path)
    spoils, _, text = findings(capsys, tmp_path, source)
    assert spoils.keys() == {"fewer than two classes"} and "Sky" in text


def test_drawn_scenes_and_a_part_of_them(tmp_path, capsys):
    spoils, _, text = findings(capsys, tmp_path, "farmyard:12", "--most", 3, "--workers", 1)
    assert spoils == {} and "joints" in text and "pixels (pictures)" in text
    assert "9 of 152 pictures examined" in text


def test_only_the_first_places_are_printed_and_all_are_counted(tmp_path, capsys, data):
    for number in range(6):
        data.label(f"train{number}", COW, COW, DUCK)
    _, look, text = findings(capsys, tmp_path, data.source)
    assert look == {"repeated box": 6}
    assert text.count("have the same box") == 3 and "    and 3 more" in text.splitlines()


def test_what_cannot_be_examined_is_refused_in_a_sentence(tmp_path, capsys, data):
    assert "there is no file or folder" in refused(capsys, "doctor", "voc:absent")
    assert "expected farmyard" in refused(capsys, "doctor", "smell:here")
    assert "--most 0" in refused(capsys, "doctor", data.source, "--most", 0)
    assert "--workers -1" in refused(capsys, "doctor", data.source, "--workers", -1)
    assert "--classes" in refused(capsys, "doctor", data.source, "--classes", "cow,,duck")
    file = tmp_path / "file"
    file.write_text("")
    assert "--out" in refused(capsys, "doctor", data.source, "--out", file)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "there is no folder" in refused(capsys, "doctor", f"camvid:{empty}")


def test_a_file_on_which_all_others_depend(tmp_path, capsys):
    """It would spoil a training, and the status says so as for any other file."""
    folder = tmp_path / "cows"
    folder.mkdir()
    for k in range(3):
        Image.fromarray(np.full((8, 9, 3), 50 * k, np.uint8)).save(folder / f"{k}.png")
        (folder / f"{k}.txt").write_text("0 .5 .5 .2 .2\n")
    for name, content, what in (
        ("classes.txt", "Küh\n".encode("latin-1"), "is not text in utf-8"),
        ("data.yaml", b"nc: 3\nnames: [cow, duck]\n", "nc is '3', but there are 2 names"),
    ):
        (folder / name).write_bytes(content)
        spoils, look, text = findings(capsys, tmp_path, f"yolo:{folder}")
        assert spoils == {"set that does not open": 1} and look == {}
        assert what in text and text.endswith("would spoil a training; nothing was examined\n")
        (folder / name).unlink()


@pytest.mark.parametrize(
    ("name", "source", "row"),
    [
        ("idx", "idx:{}", ["all", "11", "1", "3"]),
        ("csv", "csv:{}/list.csv", ["cow", "1", "1", "1"]),
        ("leeds_sports", "lsp:{}", ["head", "top", "6", "1", "1"]),
    ],
)
def test_sets_to_classify_and_of_one_person(tmp_path, capsys, name, source, row):
    folder = tmp_path / name
    for path, content in getattr(small_sets, name)().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    spoils, look, text = findings(capsys, tmp_path, source.format(folder))
    assert spoils == {} and set(look) <= {
        "class with few objects",
        "class without validation objects",
    }
    assert row in [line.split() for line in text.splitlines()]
    with Image.open(tmp_path / "out" / "contact_sheet.png") as sheet:
        assert sheet.width == 2128


def test_one_name_twice(capsys, data):
    sentence = refused(capsys, "doctor", data.source, "--classes", "cow,duck, cow")
    assert "'cow' is there twice" in sentence
