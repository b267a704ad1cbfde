"""Masks and their boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import to_numpy
from minicv.vision import flip_boxes, flip_masks, masks_to_boxes


@given(
    seed=st.integers(0, 1000),
    shape=st.tuples(st.integers(0, 4), st.integers(1, 6), st.integers(1, 7)),
    density=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
)
def test_boxes_against_loops(xp, seed, shape, density):
    masks = np.random.default_rng(seed).random(shape) < density
    expected = []
    for mask in masks:
        rows, columns = np.nonzero(mask)
        if len(rows):
            expected.append([min(columns), min(rows), max(columns) + 1, max(rows) + 1])
        else:
            expected.append([0, 0, 0, 0])
    boxes = masks_to_boxes(xp.asarray(masks))
    assert boxes.dtype == np.float32
    assert to_numpy(boxes).tolist() == expected


def test_flipped_masks_have_flipped_boxes(xp):
    masks = np.zeros((2, 5, 8), dtype=bool)
    masks[0, 1:3, 2:7] = masks[1, 4, 0] = True
    flipped = flip_masks(xp.asarray(masks))
    np.testing.assert_array_equal(to_numpy(flipped), masks[:, :, ::-1])
    np.testing.assert_array_equal(
        to_numpy(masks_to_boxes(flipped)), flip_boxes(masks_to_boxes(masks), 8)
    )


@pytest.mark.parametrize("shape", [(0, 5, 6), (2, 0, 6), (2, 5, 0)])
def test_nothing_to_bound(xp, shape):
    masks = xp.zeros(shape, dtype=bool)
    assert to_numpy(masks_to_boxes(masks)).tolist() == [[0, 0, 0, 0]] * shape[0]
    assert flip_masks(masks).shape == shape


@pytest.mark.parametrize("operation", [masks_to_boxes, flip_masks])
def test_a_single_plane_is_refused(operation):
    with pytest.raises(ValueError, match=r"expects shape \(N, H, W\) but has shape \(5, 6\)"):
        operation(np.zeros((5, 6), dtype=bool))
