"""Where boxes were and went, and which region a detection came from."""

import numpy as np
import pytest

from minicv.inspection import draw_moved_boxes, regions_behind
from minicv.inspection.palette import class_colour

IMAGE = np.full((3, 300, 600), 0.5, np.float32)
BEFORE, AFTER = np.array([[50, 50, 200, 250]]), np.array([[90, 60, 260, 270]])


def test_white_before_and_the_colour_of_the_class_after():
    pixels = np.asarray(draw_moved_boxes(IMAGE, BEFORE, AFTER, np.array([3]))).astype(int)
    assert pixels[150, 50].min() > 200
    assert pixels[160, 260].tolist() == list(class_colour(3))
    on_the_way = pixels[55, 70]  # between the two upper left corners
    assert np.abs(on_the_way - class_colour(3)).max() < 40
    assert pixels[10, 500].tolist() == [128, 128, 128]


def test_the_first_lies_on_top():
    pixels = draw_moved_boxes(IMAGE, BEFORE.repeat(2, 0), AFTER.repeat(2, 0), np.array([1, 4]))
    assert np.asarray(pixels)[160, 260].tolist() == list(class_colour(1))


def test_no_boxes_leave_the_image():
    none = np.zeros((0, 4))
    assert (np.asarray(draw_moved_boxes(IMAGE, none, none, np.zeros(0, int))) == 128).all()


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"have \(1, 4\) and \(2, 4\)"):
        draw_moved_boxes(IMAGE, BEFORE, AFTER.repeat(2, 0), np.array([0]))
    with pytest.raises(ValueError, match=r"labels expect the shape \(1,\)"):
        draw_moved_boxes(IMAGE, BEFORE, AFTER, np.array([0, 1]))


def test_the_region_behind_each_detection():
    rng = np.random.default_rng(0)
    refined = rng.uniform(0, 100, (20, 5, 4))
    regions, labels = rng.permutation(20)[:8], rng.integers(0, 5, 8)
    boxes = refined[regions, labels] + rng.normal(0, 1e-4, (8, 4))
    assert regions_behind(refined, boxes, labels).tolist() == regions.tolist()


def test_no_detections_and_no_regions():
    none, no_labels = np.zeros((0, 4)), np.zeros(0, int)
    assert regions_behind(np.zeros((3, 2, 4)), none, no_labels).shape == (0,)
    assert regions_behind(np.zeros((0, 2, 4)), none, no_labels).shape == (0,)
    with pytest.raises(ValueError, match="refined holds no region"):
        regions_behind(np.zeros((0, 2, 4)), np.zeros((1, 4)), np.zeros(1, int))
