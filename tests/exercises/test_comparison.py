"""What is told of a wrong result: a cell, a shape, a kind of number, what all have in common."""

import numpy as np
import pytest

from minicv.exercises.comparison import difference, number, wrong_cells

Y = np.array([[1.0, 2.0], [-3.0, 0.0]])


def said(expected, got):
    found = difference("y", np.asarray(expected), np.asarray(got), 1e-7)
    return found and found.sentence


@pytest.mark.parametrize(
    ("got", "words"),
    [
        (Y, None),
        (Y + 1e-9, None),
        (Y.astype(">f8"), None),
        (Y + np.array([[0, 1e-5], [0, 0]]), "y[0, 1] is 2.00001 but must be 2; 1 of 4 cells is"),
        (np.where(Y > 1, np.nan, Y), "y[0, 1] is nan but must be 2; 1 of 4 cells is wrong"),
        (-Y, "3 of 4 cells are wrong: every sign is wrong"),
        (0 * Y, "3 of 4 cells are wrong: everything is 0"),
        (2.5 * Y, "all are 2.5 times what they must be"),
        (Y + 3, "y[0, 0] is 4 but must be 1; 4 of 4 cells are wrong: all are larger by 3"),
        (Y - 3, "all are smaller by 3"),
        (Y[None], "y has the shape (1, 2, 2) but must have (2, 2): 3 axes, not 2"),
        (Y[:1], "y has the shape (1, 2) but must have (2, 2): 1 too few along axis 0"),
        (np.zeros((2, 4)), "2 too many along axis 1"),
        (Y.astype(int), "the dtype int64, which is whole numbers, but must be float64; whole"),
        (Y > 0, "y has the dtype bool, which is booleans, but must be float64"),
        (Y.astype(np.float32), "y has the dtype float32 but must be float64"),
    ],
)
def test_floating_numbers(got, words):
    assert words is None if said(Y, got) is None else words in said(Y, got)


def test_whole_numbers_are_exact():
    assert said([10**9, 2], [10**9 + 1, 2]) == (
        "y[0] is 1000000001 but must be 1000000000; 1 of 2 cells is wrong"
    )
    assert said([1, 2], np.array([1, 2], np.int32)) is None
    assert "but must be int64" in said([1, 2], [1.0, 2.0])
    assert said([True, False], [True, True]).startswith("y[1] is True but must be False; 1 of 2")


def test_one_number():
    assert said(2.0404, 2.1) == "y is 2.1 but must be 2.04"  # as many digits as it takes


def test_infinity_and_nan_are_equal_to_themselves():
    values = np.array([np.inf, -np.inf, np.nan, 0.0])
    assert not wrong_cells(values, values.copy(), 1e-7).any()
    assert wrong_cells(values, np.array([-np.inf, 1.0, 0.0, np.nan]), 1e-7).all()


def test_a_small_number_beside_great_ones_is_not_held_to_its_own_size():
    expected = np.array([1e6, 1e-9])
    assert not wrong_cells(expected, expected + 1e-4, 1e-7).any()
    assert wrong_cells(np.array([1e-9]), np.array([2e-9]), 1e-7).all()


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.0, "0"), (1e-3, "0.001"), (123456.0, "123456"), (1e9, "1e+09"), (np.inf, "inf"), (2, "2")],
)
def test_numbers_as_texts(value, text):
    assert number(np.asarray(value)[()]) == text
