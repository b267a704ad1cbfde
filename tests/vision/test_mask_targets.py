"""Mask targets and resized masks: loops, torchvision, and boxes that leave the image."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import reference
from minicv.backend import kernels_of, to_numpy
from minicv.testing import strategies
from minicv.vision import mask_targets, resize_masks

FIXTURE = np.load(Path(__file__).parent.parent / "fixtures" / "masks_and_joints.npz")
# Old and new lengths; of the first five PyTorch's rows are not those of exact fractions.
LINES = [(2, 82), (202, 274), (399, 322), (394, 184), (203, 385), (41, 123), (82, 41), (1, 5)]

# Sixteenths, so that borders of cells and pixels meet; degenerate and reversed boxes, too.
side = st.tuples(st.integers(-80, 160), st.integers(-16, 160)).map(
    lambda pair: (pair[0] / 16, (pair[0] + pair[1]) / 16)
)
boxes_anywhere = st.lists(st.tuples(side, side), max_size=4).map(
    lambda pairs: np.array([[x[0], y[0], x[1], y[1]] for x, y in pairs]).reshape(-1, 4)
)


@given(
    strategies.distinct_sizes(4, low=1, high=9),
    boxes_anywhere,
    strategies.seeds(),
    st.booleans(),
)
def test_against_loops(xp, sizes, boxes, seed, aligned):
    objects, height, width, cells = sizes
    rng = np.random.default_rng(seed)
    masks = rng.random((objects, height, width)) > 0.5
    matched = rng.integers(0, objects, len(boxes))
    targets = mask_targets(
        *(xp.asarray(array) for array in (masks, matched, boxes)), cells, aligned=aligned
    )
    assert isinstance(targets, xp.ndarray)
    assert targets.dtype == np.float32
    expected = reference.mask_targets(masks, matched, boxes, cells, aligned=aligned)
    np.testing.assert_allclose(to_numpy(targets), expected, atol=1e-6)


@pytest.mark.parametrize("aligned", [False, True])
def test_equals_region_pooling_on_masks(aligned):
    """The sums of three small matrices are RoIAlign's, over boxes of many sizes."""
    rng = np.random.default_rng(0)
    masks, matched = rng.random((3, 61, 83)) > 0.3, rng.integers(0, 3, 40)
    corners = rng.uniform(-20, [80, 60], (40, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(0, 50, (40, 2))], axis=1)
    expected = kernels_of(masks).roi_align(
        masks[:, None].astype(float), boxes, matched, (14, 14), 1.0, -1, aligned
    )
    targets = mask_targets(masks, matched, boxes, 14, aligned=aligned)
    np.testing.assert_allclose(targets, expected[:, 0], atol=1e-6)


def test_as_torchvision_projects_masks():
    targets = mask_targets(*(FIXTURE[n] for n in ("masks", "matched", "boxes")), 7, aligned=False)
    np.testing.assert_allclose(targets, FIXTURE["mask_targets"], atol=1e-5)


def test_a_box_on_whole_pixels_is_copied():
    masks = np.random.default_rng(0).random((2, 8, 9)) > 0.5
    targets = mask_targets(masks, np.array([1]), np.array([[3.0, 2, 7, 6]]), 4, aligned=True)
    np.testing.assert_array_equal(targets[0], masks[1, 2:6, 3:7])


def test_the_half_pixel_of_the_older_rule():
    """A step from 0 to 1 between columns 3 and 4 appears half a pixel to the left."""
    masks = np.zeros((1, 8, 8), bool)
    masks[:, :, 4:] = True
    box, matched = np.array([[2.0, 2, 6, 6]]), np.array([0])
    assert mask_targets(masks, matched, box, 4, aligned=True)[0, 0].tolist() == [0, 0, 1, 1]
    assert mask_targets(masks, matched, box, 4, aligned=False)[0, 0].tolist() == [0, 0.5, 1, 1]


def test_empty_masks_no_boxes_and_boxes_outside(xp):
    nothing = xp.zeros((1, 5, 6), dtype=bool)
    everything = ~nothing
    boxes = xp.asarray(np.array([[0.0, 0, 6, 5], [20, 1, 25, 4], [2, 1, 2, 4], [4, 1, 2, 4]]))
    matched = xp.zeros(4, dtype=xp.int64)
    assert to_numpy(mask_targets(nothing, matched, boxes, 3)).tolist() == [[[0] * 3] * 3] * 4
    ones = to_numpy(mask_targets(everything, matched, boxes, 3))
    assert ones[0].tolist() == pytest.approx(np.ones((3, 3)))
    assert not ones[1:].any()
    for objects, size in ((0, (5, 6)), (0, (0, 0)), (2, (5, 6))):
        masks = xp.zeros((objects, *size), dtype=bool)
        none = mask_targets(masks, xp.zeros(0, dtype=xp.int64), xp.zeros((0, 4)), 3)
        assert none.shape == (0, 3, 3)


def test_an_image_of_one_pixel():
    masks, matched = np.ones((1, 1, 1), bool), np.array([0])
    for aligned in (False, True):
        box = np.array([[0.0, 0, 1, 1]])
        assert (mask_targets(masks, matched, box, 2, aligned=aligned) == 1).all()
    assert resize_masks(masks, 3, 2).all()
    assert resize_masks(masks, 3, 2).shape == (1, 3, 2)


@pytest.mark.parametrize(
    ("masks", "matched", "boxes", "message"),
    [
        (np.zeros((4, 5)), [0], [[0, 0, 1, 1]], r"masks expects shape \(G, H, W\)"),
        (np.zeros((1, 0, 5)), [0], [[0, 0, 1, 1]], "masks expects shape"),
        (np.zeros((1, 4, 5)), [0, 0], [[0, 0, 1, 1]], "matched expects one number for each of 1"),
        (np.zeros((2, 4, 5)), [2], [[0, 0, 1, 1]], "0 to 1, but holds 2 to 2"),
        (np.zeros((2, 4, 5)), [-1], [[0, 0, 1, 1]], "0 to 1, but holds -1 to -1"),
        (np.zeros((2, 4, 5)), [0], [[0, 0, np.nan, 1]], "boxes expects finite numbers"),
        (np.zeros((2, 4, 5)), [0], [[0, 0, 1]], "boxes expects shape"),
    ],
)
def test_what_does_not_fit_is_named(masks, matched, boxes, message):
    with pytest.raises(ValueError, match=f"mask_targets: .*{message}"):
        mask_targets(masks, np.array(matched), np.array(boxes, float), 3)


# Resized masks


@given(strategies.distinct_sizes(5, low=1, high=12), strategies.seeds())
def test_resizing_against_loops(xp, sizes, seed):
    """With these small sizes no product in float32 misses a whole number."""
    objects, *old, height, width = sizes
    masks = np.random.default_rng(seed).integers(0, 200, (objects, *old))
    resized = resize_masks(xp.asarray(masks), height, width)
    assert isinstance(resized, xp.ndarray)
    expected = reference.resize_masks(masks, height, width)
    different = to_numpy(resized) != expected
    assert resized.shape == expected.shape
    assert not different.any()


def test_resizing_as_torch():
    masks = FIXTURE["masks"]
    for height, width in ((37, 52), (74, 104), (23, 91), (101, 17), (1, 1)):
        resized = resize_masks(masks, height, width)
        assert resized.dtype == bool
        np.testing.assert_array_equal(resized, FIXTURE[f"resized_{height}_{width}"])
    found = [resize_masks(np.arange(old)[None, None], 1, new)[0, 0] for old, new in LINES]
    np.testing.assert_array_equal(np.concatenate(found), FIXTURE["nearest"])
    exact = [np.arange(new) * old // new for old, new in LINES]
    assert (np.concatenate(exact) != FIXTURE["nearest"]).any()  # float32 decides somewhere


def test_resizing_without_objects_and_to_nothing():
    assert resize_masks(np.zeros((0, 4, 5), bool), 2, 3).shape == (0, 2, 3)
    with pytest.raises(ValueError, match="resize_masks: the resized masks have 0 x 3 pixels"):
        resize_masks(np.zeros((1, 4, 5), bool), 0, 3)
    with pytest.raises(ValueError, match=r"resize_masks: masks expects shape \(G, H, W\)"):
        resize_masks(np.zeros((1, 0, 5), bool), 2, 3)
