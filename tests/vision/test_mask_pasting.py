"""Pasted masks: loops over every pixel, torchvision, and boxes at and beyond the border."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import reference
from minicv.backend import to_numpy
from minicv.testing import strategies
from minicv.vision import paste_masks, paste_masks_expanded

FIXTURE = np.load(Path(__file__).parent.parent / "fixtures" / "masks_and_joints.npz")
BOTH = pytest.mark.parametrize("paste", [paste_masks, paste_masks_expanded])

side = st.tuples(st.floats(-8, 12), st.one_of(st.just(0.0), st.floats(-1, 25))).map(
    lambda pair: (pair[0], pair[0] + pair[1])
)
boxes_anywhere = st.lists(st.tuples(side, side), max_size=4).map(
    lambda pairs: np.array([[x[0], y[0], x[1], y[1]] for x, y in pairs]).reshape(-1, 4)
)


@BOTH
@given(strategies.distinct_sizes(3, low=1, high=13), boxes_anywhere, strategies.seeds())
def test_against_loops(xp, paste, sizes, boxes, seed):
    cells, height, width = sizes
    probabilities = np.random.default_rng(seed).random((len(boxes), cells, cells))
    pasted = paste(xp.asarray(probabilities), xp.asarray(boxes), height, width)
    assert isinstance(pasted, xp.ndarray)
    assert pasted.dtype == bool
    values = getattr(reference, paste.__name__)(probabilities, boxes, height, width)
    sure = np.abs(values - 0.5) > 1e-9  # elsewhere rounding decides
    assert pasted.shape == values.shape
    np.testing.assert_array_equal(to_numpy(pasted)[sure], values[sure] > 0.5)


def test_as_torchvision_pastes():
    """Boxes inside, on whole pixels, degenerate, thin, and partly outside."""
    pasted = paste_masks_expanded(FIXTURE["probabilities"], FIXTURE["boxes"], 37, 52)
    np.testing.assert_array_equal(pasted, FIXTURE["pasted"])
    assert FIXTURE["pasted"][2].any()  # of the degenerate box


def test_a_grid_of_the_size_of_its_box_is_copied():
    rng = np.random.default_rng(0)
    grid = rng.random((1, 5, 5))
    pasted = paste_masks(grid, np.array([[3.0, 2.0, 8.0, 7.0]]), 9, 11)
    np.testing.assert_array_equal(pasted[0, 2:7, 3:8], grid[0] >= 0.5)
    assert pasted.sum() == (grid >= 0.5).sum()


def test_one_half_is_enough_only_at_pixel_centres():
    grid, box = np.full((1, 4, 4), 0.5), np.array([[2.0, 2.0, 6.0, 6.0]])
    assert paste_masks(grid, box, 8, 8).sum() == 16
    assert not paste_masks_expanded(grid, box, 8, 8).any()


def test_a_full_grid_fills_the_pixels_whose_centre_is_in_the_box():
    """Where the value is at least 3/4 towards both sides, the corner is, too."""
    pasted = paste_masks(np.ones((1, 8, 8)), np.array([[2.6, 1.4, 9.4, 7.5]]), 9, 12)[0]
    assert np.flatnonzero(pasted.any(axis=0)).tolist() == [3, 4, 5, 6, 7, 8]
    assert np.flatnonzero(pasted.any(axis=1)).tolist() == [1, 2, 3, 4, 5, 6, 7]


@BOTH
def test_boxes_outside_and_without_pixels(xp, paste):
    boxes = np.array(
        [[20.0, 1, 30, 5], [-30, 1, -20, 5], [1, 20, 5, 30], [1, -30, 5, -20], [5, 5, 2, 2]]
    )
    grids = xp.ones((len(boxes), 3, 3))
    assert not to_numpy(paste(grids, xp.asarray(boxes), 7, 9)).any()
    assert paste(grids[:0], xp.zeros((0, 4)), 7, 9).shape == (0, 7, 9)


def test_a_degenerate_box_has_a_column_only_where_boxes_are_expanded():
    boxes = np.array([[4.0, 1.0, 4.0, 6.0]])
    assert not paste_masks(np.ones((1, 3, 3)), boxes, 7, 9).any()
    columns = paste_masks_expanded(np.ones((1, 3, 3)), boxes, 7, 9)[0].any(axis=0)
    assert np.flatnonzero(columns).tolist() == [4]


@BOTH
def test_an_image_of_one_pixel(paste):
    grids = np.stack([np.ones((4, 4)), np.zeros((4, 4))])
    boxes = np.array([[0.0, 0, 1, 1], [0, 0, 1, 1]])
    assert paste(grids, boxes, 1, 1).tolist() == [[[True]], [[False]]]


@BOTH
def test_a_huge_box_costs_no_more_than_the_image(paste):
    boxes = np.array([[-1e8, -1e8, 1e8, 1e8], [-3e38, -3e38, 3e38, 3e38]], np.float32)
    assert paste(np.ones((2, 4, 4), np.float32), boxes[:1].repeat(2, 0), 5, 6).all()
    with np.errstate(over="ignore"):
        paste(np.ones((2, 4, 4), np.float32), boxes, 5, 6)


@BOTH
@pytest.mark.parametrize(
    ("shape", "boxes", "message"),
    [
        ((2, 3, 4), np.zeros((2, 4)), r"probabilities expects shape \(D, M, M\)"),
        ((2, 3), np.zeros((2, 4)), r"probabilities expects shape \(D, M, M\)"),
        ((2, 3, 3), np.zeros((3, 4)), "2 grids of probabilities and 3 boxes"),
        ((2, 0, 0), np.zeros((2, 4)), "M is 0"),
        ((2, 3, 3), np.zeros((2, 3)), "boxes expects shape"),
        ((1, 3, 3), np.array([[0, 0, np.inf, 1]]), "boxes expects finite numbers"),
    ],
)
def test_what_does_not_fit_is_named(paste, shape, boxes, message):
    with pytest.raises(ValueError, match=f"{paste.__name__}: .*{message}"):
        paste(np.zeros(shape), boxes, 4, 5)
