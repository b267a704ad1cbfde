"""Masks and their boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import to_numpy
from minicv.vision import masks_to_boxes


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


@pytest.mark.parametrize("shape", [(0, 5, 6), (2, 0, 6), (2, 5, 0)])
def test_nothing_to_bound(xp, shape):
    masks = xp.zeros(shape, dtype=bool)
    assert to_numpy(masks_to_boxes(masks)).tolist() == [[0, 0, 0, 0]] * shape[0]


def test_a_single_plane_is_refused():
    with pytest.raises(ValueError, match=r"expects shape \(N, H, W\) but has shape \(5, 6\)"):
        masks_to_boxes(np.zeros((5, 6), dtype=bool))
