"""The plain part of YAML: the files that tools write, and refusals of what is beyond it."""

import time

import pytest

from minicv.data.image_files import AnnotationError
from minicv.data.plain_yaml import parse_yaml, read_yaml

ROBOFLOW = """train: ../train/images
val: ../valid/images

nc: 2
names: ['cow', 'duck']

roboflow:
  workspace: farm
  license: CC BY 4.0
  url: https://universe.roboflow.com/x/y
"""
ULTRALYTICS = """# Ultralytics
---
path: ../datasets/farm # root
train: images/train # 4 images
test: # optional

# Classes
names:
  0: cow
  1: wild duck

kpt_shape: [17, 3]
flip_idx:
  [0, 2,
   1]
download: |
  import os
  x = {1: [

"""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            ROBOFLOW,
            {
                "train": "../train/images",
                "val": "../valid/images",
                "nc": "2",
                "names": ["cow", "duck"],
                "roboflow": {
                    "workspace": "farm",
                    "license": "CC BY 4.0",
                    "url": "https://universe.roboflow.com/x/y",
                },
            },
        ),
        (
            ULTRALYTICS,
            {
                "path": "../datasets/farm",
                "train": "images/train",
                "test": None,
                "names": {"0": "cow", "1": "wild duck"},
                "kpt_shape": ["17", "3"],
                "flip_idx": ["0", "2", "1"],
                "download": "",
            },
        ),
        ("names:\n- cow\n- 'it''s # one'\n- \"a\\tb\"\nnc: 3\n",
         {"names": ["cow", "it's # one", "a\tb"], "nc": "3"}),
        ("names:\n    - t-shirt\n    - don't care\n    - c#\n",
         {"names": ["t-shirt", "don't care", "c#"]}),
        ("names: [\n  'a', \"b\", # first\n  c d,\n]\nnc: 3\n",
         {"names": ["a", "b", "c d"], "nc": "3"}),
        ("names: {0: cow, 1: 'du, ck'}\n", {"names": {"0": "cow", "1": "du, ck"}}),
        ("names: []\nm: {}\n", {"names": [], "m": {}}),
        ("a: 'x' # y\nb: \"x # y\"\nc: x#y\n", {"a": "x", "b": "x # y", "c": "x#y"}),
        ("train: C:\\data\\x\nval: C:/data\n", {"train": "C:\\data\\x", "val": "C:/data"}),
        ("a: no\nb: 007\nc: null\nd: ~\ne: 'null'\n",
         {"a": "no", "b": "007", "c": None, "d": None, "e": "null"}),
        ("'a b': 1\r\n\"c\": 2\r\n", {"a b": "1", "c": "2"}),
        ("a: [[1, 2], [3]]\n", {"a": [["1", "2"], ["3"]]}),
        ("{a: 1}\n", {"a": "1"}),
        ("a: 1\n...\nrest", {"a": "1"}),
        ("", None),
        ("# nothing\n", None),
    ],
)  # fmt: skip
def test_what_the_tools_write(text, value):
    assert parse_yaml(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1\n", "line 1: '&x 1' begins as YAML's anchors"),
        ("a: 1\nb: *x\n", "line 2: .*anchors"),
        ("a: !!python/object:os.system x\n", "line 1: .*tags"),
        ("? a\n: b\n", "line 1|line 2"),
        ("a: b\n  c\n", "line 2: a value over several lines"),
        ("a: b: c\n", "line 1: 'b: c' holds a colon"),
        ("a: 1\n\na: 2\n", "line 3: the key 'a' stands there for the second time"),
        ("a: {b: 1, b: 2}\n", "the key 'b' stands there for the second time"),
        ("a: [1, 2\nb: 3\n", "line 1: a bracket is not closed"),
        ("a: [x]]\n", "line 1"),
        ("a: [x] y\n", "follows a closed bracket"),
        ("a:\n\tb: 1\n", "line 2: it is indented by a tab"),
        ("a:\n  - b: c\n", "line 2: a map or a list as the item of a list"),
        ("a: 'x\n", "quotes of .* are not closed"),
        ('a: "x\\q"\n', "escape"),
        ("a: 1\n b: 2\n", "line 2"),
        ("a:\n    b: 1\n  c: 2\n", "line 3: 'c: 2' is indented unevenly"),
        ("a: 1\n---\nb: 2\n", "line 2: a second document"),
        ("a: " + "[" * 50 + "]" * 50, "within each other"),
        ("".join(" " * i + f"k{i}:\n" for i in range(500)), "within each other"),
        ("a: {b}\n", "is no 'key: value'"),
    ],
)
def test_what_is_beyond_it_is_refused_by_line(tmp_path, text, message):
    file = tmp_path / "data.yaml"
    file.write_text(text)
    with pytest.raises(AnnotationError, match=rf"^Reader: .*data\.yaml, .*({message})"):
        read_yaml(file, "Reader")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "hello\n"])
def test_a_file_without_keys(tmp_path, text):
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(AnnotationError, match="holds no map of keys to values"):
        read_yaml(tmp_path / "data.yaml", "Reader")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(tmp_path, encoding):
    (tmp_path / "data.yaml").write_text("names: [K\u00fche]\n", encoding=encoding)
    assert read_yaml(tmp_path / "data.yaml", "Reader") == {"names": ["K\u00fche"]}


@pytest.mark.parametrize(
    "text",
    [
        "names: [" + ", ".join(f"'n {i}'" for i in range(20_000)) + "]\n",
        "names: [\n" + ",\n".join(f" n{i}" for i in range(20_000)) + "]\n",
        "a" + " " * 300_000,
        "a: " + "[ " * 100_000,
        "' " * 100_000,
        'a: "' + "\\" * 200_001,
    ],
)
def test_no_file_takes_long(text):
    begin = time.perf_counter()
    try:
        parse_yaml(text)
    except Exception as error:
        assert str(error).startswith("line 1")
    assert time.perf_counter() - begin < 5
