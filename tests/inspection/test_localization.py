"""One box by itself and beside the true one: what is drawn where, and what the caption says."""

import numpy as np
import pytest

from minicv.inspection.localization import (
    _verdict,
    draw_localization,
    draw_localization_beside_truth,
)
from minicv.inspection.palette import WHITE, class_colour

IMAGE = np.full((3, 400, 600), 0.5, np.float32)
NAMES = ("cow", "cat", "duck")
FOUND = {
    "boxes": np.array([[60.0, 80, 240, 320], [300, 40, 560, 360], [10, 10, 50, 50]]),
    "labels": np.array([1, 0, 2]),
    "scores": np.array([0.4, 0.35, 0.25]),
}
NOTHING = {name: values[:0] for name, values in FOUND.items()}


def count(picture, colour):
    return int((np.asarray(picture) == colour).all(axis=2).sum())


def test_only_the_best_is_drawn_however_unsure_it_is():
    picture = np.asarray(draw_localization(IMAGE, FOUND, NAMES))
    assert count(picture, class_colour(1)) > 1000
    assert count(picture, class_colour(0)) == count(picture, class_colour(2)) == 0
    assert (picture[80, 100:200] == class_colour(1)).all()  # on the upper edge
    np.testing.assert_array_equal(
        np.asarray(draw_localization(IMAGE, NOTHING, NAMES)), np.full((400, 600, 3), 128)
    )


def test_the_true_box_is_white_and_lies_below():
    truth = np.array([60.0, 80, 240, 360])
    sheet = draw_localization_beside_truth(IMAGE, FOUND, 2, truth, NAMES)
    picture = np.asarray(sheet)[-28 - 400 : -28, 28:-28]
    assert picture.shape == (400, 600, 3)
    assert (picture[200, 60] == class_colour(1)).all()  # both edges are here
    assert (picture[359, 100:200] == WHITE).all()
    assert count(picture, class_colour(2)) == 0


def test_one_pixel_of_area_less_and_the_box_is_wrong():
    label, box = np.array([1]), np.array([[0.0, 0, 10, 10]])
    right, wrong = np.array([[0.0, 0, 10, 20]]), np.array([[0.0, 0, 10, 20.1]])
    verdicts = {
        (1, 0): "Class and box are right\nIoU 0.50 (white: the true box)",
        (1, 1): "The class is right, the box is not\nIoU 0.50 (white: the true box)",
        (0, 0): "The box is right, the class is not\nIoU 0.50 (white: the true box)",
        (0, 1): "Neither class nor box is right\nIoU 0.50 (white: the true box)",
    }
    for (true_label, is_wrong), text in verdicts.items():
        assert _verdict(box, label, true_label, (right, wrong)[is_wrong]) == text
    assert _verdict(box[:0], label[:0], 1, right) == "No answer"


def test_without_an_answer_and_with_a_label_that_has_no_name():
    sheet = draw_localization_beside_truth(IMAGE, NOTHING, 0, np.array([60.0, 80, 240, 360]), NAMES)
    assert count(sheet, class_colour(1)) == 0
    wrong = {**FOUND, "labels": np.array([3, 0, 2])}
    with pytest.raises(ValueError, match=r"draw_localization_beside_truth: label 3 .* 0\.\.2"):
        draw_localization_beside_truth(IMAGE, wrong, 0, np.zeros(4), NAMES)
