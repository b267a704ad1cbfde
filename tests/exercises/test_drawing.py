"""Arrays in a terminal: what is shown of large ones, marks, and colours beside the marks."""

import numpy as np

from minicv.exercises.drawing import WIDTH, Pen, draw_arguments, draw_expected, draw_results

PLAIN = Pen(False)


def drawn(expected, got, pen=PLAIN):
    expected, got = np.asarray(expected), np.asarray(got)
    return draw_results("y", expected, got, np.asarray(expected != got), pen)


def test_a_wrong_cell_is_marked():
    assert drawn([[1.0, 22.0]], [[1.0, 2.0]]) == ["y must be     y is", "   1  22         1 [ 2]"]
    assert drawn(3.0, 4.0) == ["y must be     y is", "  3            [4]"]


def test_colours_stand_beside_the_marks_and_move_nothing():
    plain = drawn([[1.0, 2.0]], [[1.0, 3.0]])
    coloured = drawn([[1.0, 2.0]], [[1.0, 3.0]], Pen(True))
    assert "\x1b[31m[3]\x1b[0m" in coloured[1]
    for code in ("\x1b[31m", "\x1b[2m", "\x1b[0m"):
        coloured = [line.replace(code, "") for line in coloured]
    assert coloured == plain


def test_as_many_digits_as_it_takes():
    (_, line) = drawn([0.12345678], [0.12345679])
    assert line.split() == ["0.12345678", "[0.12345679]"]


def test_only_maps_with_wrong_cells_and_not_too_many():
    expected = np.zeros((5, 1, 2))
    got = expected.copy()
    got[1:, 0, 1] = 7
    lines = drawn(expected, got)
    assert lines[0].split() == ["y[1]", "must", "be", "y[1]", "is"]
    assert lines[-1] == "and 2 more maps with wrong cells"
    assert not any("y[0]" in line for line in lines)


def test_of_a_large_map_the_part_with_the_wrong_cell():
    expected = np.zeros((40, 50))
    got = expected.copy()
    got[20, 30] = 7
    lines = drawn(expected, got)
    assert any("[7]" in line for line in lines) and any("rows 16 to 23" in line for line in lines)
    assert len(lines) < 14 and max(map(len, lines)) < WIDTH


def test_arguments_side_by_side_as_far_as_there_is_room():
    arguments = {name: np.arange(20.0).reshape(2, 10) for name in "abcd"}
    lines = draw_arguments({**arguments, "size": (2, 3), "rate": np.float64(0.5)}, PLAIN)
    assert max(map(len, lines)) <= WIDTH
    assert lines[0].split() == ["a,", "(2,", "10)", "b,", "(2,", "10)"]
    assert [line.split() for line in lines[-2:]] == [["size", "rate"], ["(2,", "3)", "0.5"]]


def test_empty_arrays_and_many_maps():
    lines = draw_arguments({"x": np.zeros((0, 4)), "y": np.zeros((5, 1, 1))}, PLAIN)
    assert "empty" in lines[1] and lines[-1].strip() == "and 2 more"


def test_expected_alone():
    lines = draw_expected({"loss": np.float64(2.5), "flags": np.array([True, False])}, PLAIN)
    assert [line.split() for line in lines] == [
        ["loss", "must", "be", "flags", "must", "be,", "(2,)"],
        ["2.5", "True", "False"],
    ]
