"""SelectiveSearch: the paper's grids, what it finds, its order, and the edges of its domain."""

import numpy as np
import pytest

from minicv.proposals import SelectiveSearch
from minicv.vision import box_iou

OBJECTS = np.array([[20, 15, 60, 55], [80, 40, 120, 90], [88, 48, 110, 70]], np.float32)


def scene():
    """Two things on a noisy ground, one of them with a part of another colour."""
    image = np.full((3, 100, 140), 0.3, np.float32)
    for (x1, y1, x2, y2), colour in zip(
        OBJECTS.astype(int), [(0.9, 0.2, 0.2), (0.2, 0.8, 0.3), (0.2, 0.5, 0.9)], strict=True
    ):
        image[:, y1:y2, x1:x2] = np.reshape(colour, (3, 1, 1))
    noise = np.random.default_rng(0).normal(0, 0.02, image.shape)
    return np.clip(image + noise, 0, 1).astype(np.float32)


def test_the_presets_are_the_papers_grids():
    image = np.zeros((3, 3, 3), np.float32)
    assert len(list(SelectiveSearch.fast()._hierarchies(image))) == 2 * 2 * 2
    assert len(list(SelectiveSearch.quality()._hierarchies(image))) == 5 * 4 * 4
    assert SelectiveSearch.fast() == SelectiveSearch(
        colour_spaces=("HSV", "Lab"), similarities=("CTSF", "TSF"), ks=(50, 100)
    )


def test_finds_objects_and_their_parts():
    boxes, scores = SelectiveSearch.fast().propose(scene(), np.random.default_rng(0))
    assert (box_iou(OBJECTS, boxes).max(axis=1) > 0.9).all()
    assert boxes.dtype == scores.dtype == np.float32 and len(boxes) == len(scores)
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] <= [140, 100]).all()
    assert (boxes[:, 2:] - boxes[:, :2] >= 20).all()
    assert len(np.unique(boxes, axis=0)) == len(boxes)
    assert (np.diff(scores) <= 0).all() and (scores > 0).all() and (scores <= 1).all()


def test_the_rng_decides_the_order_and_nothing_else():
    search = SelectiveSearch.fast()
    one, _ = search.propose(scene(), np.random.default_rng(1))
    same, _ = search.propose(scene(), np.random.default_rng(1))
    other, _ = search.propose(scene(), np.random.default_rng(2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(np.unique(one, axis=0), np.unique(other, axis=0))


def test_a_duplicate_keeps_its_better_rank():
    search = SelectiveSearch(min_side=0)
    boxes = np.array([[0, 0, 9, 9], [1, 1, 5, 5], [0, 0, 9, 9], [2, 2, 4, 2.0]])
    found, scores = search._tidy(boxes, np.array([3.0, 1.0, 0.5, 0.1]))
    assert found.tolist() == [[0, 0, 9, 9], [1, 1, 5, 5]]
    np.testing.assert_allclose(scores, [1 / 1.5, 1 / 2])


def test_max_boxes_keeps_the_first():
    few = SelectiveSearch(max_boxes=3).propose(scene(), np.random.default_rng(0))
    many = SelectiveSearch().propose(scene(), np.random.default_rng(0))
    for short, long in zip(few, many, strict=True):
        np.testing.assert_array_equal(short, long[:3])


@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 1, 40), (3, 40, 1)])
def test_an_image_too_small_for_a_box_has_none(shape):
    boxes, scores = SelectiveSearch.fast().propose(
        np.ones(shape, np.float32), np.random.default_rng(0)
    )
    assert boxes.shape == (0, 4) and scores.shape == (0,)


def test_an_image_without_structure_is_one_box():
    image = np.full((3, 30, 40), 0.5, np.float32)
    boxes, _ = SelectiveSearch.fast().propose(image, np.random.default_rng(0))
    assert boxes.tolist() == [[0, 0, 40, 30]]
    one_pixel = SelectiveSearch(min_side=1)
    boxes, _ = one_pixel.propose(image[:, :1, :1], np.random.default_rng(0))
    assert boxes.tolist() == [[0, 0, 1, 1]]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"colour_spaces": ("hsv",)}, "colour_spaces holds 'hsv', expected .*'HSV'"),
        ({"similarities": ("CTX",)}, "similarities holds 'CTX'"),
        ({"similarities": ("",)}, "similarities holds ''"),
        ({"ks": ()}, "ks is empty"),
    ],
)
def test_wrong_parameters_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        SelectiveSearch(**wrong)
