"""Bars of classes and confusion matrices: lengths, colours, places, what is refused."""

import numpy as np
import pytest

from minicv.inspection.classification import (
    BAR,
    BARS_WIDTH,
    ROW,
    draw_class_bars,
    draw_classification,
    draw_confusion_matrix,
)
from minicv.inspection.palette import BLUE, BLUISH_GREEN, VERMILLION

NAMES = ("cow", "cat", "dog", "duck", "person", "goose", "hen")


def lengths(picture, colour):
    """First column and length of the bar of each row, in that colour; None for none."""
    here = (np.asarray(picture) == colour).all(axis=2)
    found = []
    for row in range(len(here) // ROW):
        line = here[row * ROW + 31 + BAR // 2]
        found.append((int(line.argmax()), int(line.sum())) if line.any() else None)
    return found


def count(picture, colour):
    return int((np.asarray(picture) == colour).all(axis=2).sum())


def test_bars_are_as_long_as_their_scores():
    bars = draw_class_bars([("Quokka", 0.75), ("cat", 0.25), ("dog", 0.0)])
    (start, long), (_, short), (_, least) = lengths(bars, BLUE)
    assert start == 1 and long == pytest.approx(0.75 * (BARS_WIDTH - 2), abs=2)
    assert short == pytest.approx(long / 3, abs=2) and least <= 2


def test_negative_scores_go_to_the_left_of_0():
    bars = draw_class_bars([("a", 3.0), ("b", -1.0)], longest=None)
    (right, long), (left, short) = lengths(bars, BLUE)
    assert left == 1 and long == pytest.approx(3 * short, abs=4)
    assert right == pytest.approx(left + short, abs=3)


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="'a' has nan"):
        draw_class_bars([("a", float("nan"))])
    with pytest.raises(ValueError, match="1 rows but 2 colours"):
        draw_class_bars([("a", 0.5)], [BLUE, BLUE])


def scores(best, second):
    values = np.full(7, 0.01)
    values[best], values[second] = 0.6, 0.3
    return values


def image():
    return np.full((3, 30, 40), 0.5, np.float32)


def test_the_five_best_are_drawn():
    five = draw_classification(image(), scores(2, 1), NAMES)
    two = draw_classification(image(), np.array([0.7, 0.3]), NAMES[:2])
    assert count(five, BLUISH_GREEN) == count(five, VERMILLION) == 0
    assert count(five, BLUE) == pytest.approx(count(two, BLUE), rel=0.15)


def test_the_true_class_is_green_and_a_wrong_best_class_red():
    right = draw_classification(image(), scores(2, 1), NAMES, truth=2)
    assert count(right, VERMILLION) == 0
    wrong = draw_classification(image(), scores(2, 1), NAMES, truth=1)
    assert count(wrong, VERMILLION) == pytest.approx(2 * count(wrong, BLUISH_GREEN), rel=0.1)
    assert count(right, BLUISH_GREEN) == pytest.approx(count(wrong, VERMILLION), rel=0.05)


def test_a_true_class_beyond_the_five_best_follows_them():
    values = np.array([0.3, 0.2, 0.15, 0.12, 0.1, 0.09, 0.04])
    drawn = draw_classification(image(), values, NAMES, truth=6)
    assert count(drawn, BLUISH_GREEN) > 0.03 * BARS_WIDTH * BAR


@pytest.mark.parametrize(
    ("values", "truth", "message"),
    [
        (np.zeros(6), None, r"shape \(6,\), expected one for each of 7"),
        (np.zeros((7, 1)), None, r"shape \(7, 1\)"),
        (np.zeros(7), 7, "the true label is 7"),
        (np.zeros(7), -1, "the true label is -1"),
    ],
)
def test_what_cannot_be_drawn(values, truth, message):
    with pytest.raises(ValueError, match=message):
        draw_classification(image(), values, NAMES, truth)


def greens_and_reds(confusion, names=NAMES[:3]):
    """Where pixels are greener or redder than a grey one: boxes' middles, as rows and columns."""
    picture = np.asarray(draw_confusion_matrix(np.array(confusion), names)).astype(int)
    red, green, _ = picture.transpose(2, 0, 1)
    return (green > red + 20), (red > green + 20)


def test_right_is_green_on_the_diagonal_and_wrong_red_beside_it():
    green, red = greens_and_reds([[5, 0, 0], [0, 5, 0], [0, 0, 5]])
    rows, columns = np.nonzero(green)
    assert not red.any()
    np.testing.assert_allclose(rows - rows.min(), columns - columns.min(), atol=33)
    green, red = greens_and_reds([[0, 0, 5], [0, 0, 0], [0, 0, 0]])
    assert not green.any()
    top, left = np.nonzero(red)[0].mean(), np.nonzero(red)[1].mean()
    assert top < np.nonzero(greens_and_reds([[0, 0, 0], [0, 5, 0], [0, 0, 0]])[0])[0].mean()
    assert left > np.nonzero(greens_and_reds([[0, 0, 0], [0, 5, 0], [0, 0, 0]])[0])[1].mean()


def test_of_many_classes_the_confused_ones_are_drawn():
    names = [f"class {k}" for k in range(40)]
    confusion = 9 * np.eye(40, dtype=int)
    all_right = draw_confusion_matrix(confusion, names, most=10)
    confusion[30, 31] = 4
    two = draw_confusion_matrix(confusion, names, most=10)
    assert two.width < all_right.width


@pytest.mark.parametrize("confusion", [np.zeros((2, 3), int), -np.eye(3), np.zeros((0, 0))])
def test_what_is_no_confusion_matrix(confusion):
    with pytest.raises(ValueError, match="draw_confusion_matrix: confusion has the shape"):
        draw_confusion_matrix(confusion, NAMES[:3])
