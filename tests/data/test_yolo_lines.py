"""Lines of a YOLO label file: boxes, outlines, poses, and all that a line can be instead."""

import pytest

from minicv.data.faults import Faults
from minicv.data.yolo_lines import looks_like_labels, read_label_file


def read(tmp_path, text, joint_numbers=0, encoding="utf-8"):
    """(class, corners rounded to 6 digits) of each box, and the faults."""
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    faults = Faults(raises=False)
    boxes = read_label_file(path, joint_numbers, faults)
    return [(box.index, tuple(round(v, 6) for v in box.corners)) for box in boxes], faults.found


BOX = (0.4, 0.25, 0.6, 0.75)


@pytest.mark.parametrize(
    "line",
    [
        "1 0.5 0.5 0.2 0.5",
        "1.0 .5 .5 2e-1 0.50000",
        "  1\t0.5\t0.5  0.2 0.5  ",
        "1 0,5 0,5 0,2 0,5",
        "+1 0.5 0.5 0.2 0.5",
        "\n\n1 0.5 0.5 0.2 0.5\r\n\r\n",
    ],
)
def test_one_box(tmp_path, line):
    assert read(tmp_path, line) == ([(1, BOX)], [])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings(tmp_path, encoding):
    assert read(tmp_path, "1 0.5 0.5 0.2 0.5\n", encoding=encoding) == ([(1, BOX)], [])


def test_nothing(tmp_path):
    assert read(tmp_path, "") == ([], []) == read(tmp_path, " \r\n\n")


def test_an_outline_is_a_box_around_it(tmp_path):
    assert read(tmp_path, "0 0.1 0.2 0.5 0.2 0.3 0.8") == ([(0, (0.1, 0.2, 0.5, 0.8))], [])
    turned = "0 0.5 0.1 0.9 0.5 0.5 0.9 0.1 0.5"  # a box that is turned, by its corners
    assert read(tmp_path, turned) == ([(0, (0.1, 0.1, 0.9, 0.9))], [])


@pytest.mark.parametrize(
    ("joints", "numbers"),
    [
        ("0.45 0.5 2 0.5 0.6 1", 0),
        ("0.45 0.5 2 0.5 0.6 1", 6),
        ("0.45 0.5 2 0 0 0 0.55 0.7 2", 0),
        ("0.45 0.5 1 0.5 0.6 1", 0),
        ("0.45 0.5 0.5 0.6", 4),
        ("0.45 0.5 2", 0),
        ("0 0 0 0 0 0", 0),
    ],
)
def test_a_pose_is_its_box(tmp_path, joints, numbers):
    assert read(tmp_path, f"1 0.5 0.5 0.2 0.5 {joints}", numbers) == ([(1, BOX)], [])


def test_an_outline_along_the_border_is_no_pose(tmp_path):
    """Its seventh and tenth numbers are 0 and 1, as visibilities could be."""
    line = "0 0.5 0.2 0.2 0.3 0.1 0.4 0 0.6 0.1 1"
    assert read(tmp_path, line) == ([(0, (0.0, 0.2, 0.5, 1.0))], [])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.5 0.5 0.2", "it has 3 numbers behind the class, expected the four"),
        ("0", "it has 0 numbers"),
        ("0 0.1 0.2 0.5 0.2 0.3 0.8 0.9", "it has 7 numbers"),
        ("cow 0.5 0.5 0.2 0.5", "'cow' is no number"),
        ("0.5 0.5 0.5 0.2 0.5", "the class is '0.5', expected 0, 1, 2"),
        ("-1 0.5 0.5 0.2 0.5", "the class is '-1'"),
        ("1e300 0.5 0.5 0.2 0.5", "the class is '1e300'"),
        ("0 nan 0.5 0.2 0.5", "'nan' is no number"),
        ("0 inf 0.5 0.2 0.5", "'inf' is no number"),
        ("0 1e999 0.5 0.2 0.5", "'1e999' is no number"),
        ("0 1_0 0.5 0.2 0.5", "'1_0' is no number"),
        ("0 \u0661 0.5 0.2 0.5", "is no number"),
        ("0,0.5,0.5,0.2,0.5", "blanks, not commas, part the numbers"),
        ("0, 0.5, 0.5, 0.2, 0.5", "is no number"),
        ("# cow", "is no number"),
        ("0 320 240 100 80", "it holds 320, expected fractions.*look like pixels: divide"),
        ("0 0.5 0.5 1.5 0.5", "it holds 1.5, expected fractions"),
        ("0 -0.5 0.5 0.2 0.5", r"the centre is \(-0.5, 0.5\), expected fractions"),
        ("0 0.1 0.2 0.5 0.2 3 0.8", "it holds 3, expected fractions"),
        ("0 -0.1 0.2 0.5 0.2 0.3 0.8", "it holds -0.1, expected fractions"),
        ("0 0.5 0.5 0.2 0.5 45", "it has a sixth number, 45, .*turned by an angle"),
    ],
)
def test_wrong_lines(tmp_path, line, message):
    boxes, faults = read(tmp_path, f"1 0.5 0.5 0.2 0.5\n{line}\n")
    assert boxes == [(1, BOX)]  # the other line counts
    (fault,) = faults
    assert (fault.kind, fault.repair) == ("wrong value", "") and fault.what.startswith("line 2: ")
    assert fault.file.name == "a.txt"
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(fault.what)


@pytest.mark.parametrize(
    ("line", "kind", "boxes"),
    [
        ("0 0.5 0.5 0 0.5", "box without area", []),
        ("0 0.5 0.5 0.2 -0.5", "box without area", []),
        ("0 0.1 0.2 0.1 0.2 0.1 0.2", "box without area", []),
        ("0 0.05 0.5 0.2 0.5", "box outside of its picture", [(0, (0.0, 0.25, 0.15, 0.75))]),
        ("0 1 0.5 0.2 0.5", "box outside of its picture", [(0, (0.9, 0.25, 1.0, 0.75))]),
        ("0 0.5 0.5 0.2 0.5 0.93", "predictions as labels", [(0, BOX)]),
    ],
)
def test_repaired_lines(tmp_path, line, kind, boxes):
    found, faults = read(tmp_path, line)
    assert found == boxes
    assert [fault.kind for fault in faults] == [kind] and faults[0].repair


@pytest.mark.parametrize(
    ("line", "corners"),
    [
        ("0 0.0996 0.5 0.2 0.5", (0.0, 0.25, 0.1996, 0.75)),
        ("0 0.5 0.5 1.0004 1.0", (0.0, 0.0, 1.0, 1.0)),
        ("0 -0.0004 0.5 0.001 0.5", (0.0, 0.25, 0.0001, 0.75)),
    ],
)
def test_a_box_that_rounding_leads_out_is_cut_without_a_word(tmp_path, line, corners):
    assert read(tmp_path, line) == ([(0, corners)], [])


def test_repeated_lines_are_dropped(tmp_path):
    boxes, faults = read(tmp_path, "1 0.5 0.5 0.2 0.5\n0 0.5 0.5 0.2 0.5\n1 0.50 0.5 0.2 0.5\n")
    assert boxes == [(1, BOX), (0, BOX)]
    assert [fault.what for fault in faults] == ["line 3 repeats line 1"]


def test_what_is_no_text(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xff\x00\x81")
    faults = Faults(raises=False)
    assert read_label_file(tmp_path / "a.txt", 0, faults) == []
    assert [fault.kind for fault in faults.found] == ["damaged file"]


@pytest.mark.parametrize(
    ("text", "labels"),
    [("0 .5 .5 .1 .1", True), ("\n0 1 2 3 4 5 6", True), ("cow\nduck\n", False), ("", False)]
    + [("images/train/a.jpg\n", False), ("1\n2\n", False), ("See the paper of 2016 at x", False)],
)
def test_which_texts_are_labels(tmp_path, text, labels):
    (tmp_path / "a.txt").write_text(text)
    assert looks_like_labels(tmp_path / "a.txt") is labels
