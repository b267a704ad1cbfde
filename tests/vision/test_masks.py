"""Masks and their boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import to_numpy
from minicv.vision import mask_iou, masks_to_boxes
from minicv.vision.mask_runs import mask_runs


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


@given(
    seed=st.integers(0, 1000),
    counts=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    size=st.tuples(st.integers(0, 6), st.integers(0, 7)),
    density=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
)
def test_iou_against_loops(xp, seed, counts, size, density):
    rng = np.random.default_rng(seed)
    ours, theirs = (rng.random((count, *size)) < density for count in counts)
    expected = np.zeros(counts)
    for i, a in enumerate(ours):
        for j, b in enumerate(theirs):
            pixels = list(zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))
            either = sum(p or q for p, q in pixels)
            expected[i, j] = sum(p and q for p, q in pixels) / either if either else 0
    iou = mask_iou(xp.asarray(ours), xp.asarray(theirs))
    assert iou.dtype == np.float64 and iou.shape == counts
    assert to_numpy(iou).tolist() == expected.tolist()


def test_iou_over_blocks_of_pixels(monkeypatch):
    """In blocks of 5 pixels, and from runs: always the same."""
    masks = np.random.default_rng(0).random((4, 30, 40)) < 0.5
    whole = mask_iou(masks, masks[:3])
    monkeypatch.setattr("minicv.vision.masks.BLOCK_PIXELS", 5 * 7)
    assert mask_iou(masks, masks[:3]).tolist() == whole.tolist()
    runs = mask_runs(masks)
    shared, area = runs.intersection(runs[:3]), runs.area()
    assert (shared / (area[:, None] + area[:3] - shared)).tolist() == whole.tolist()


def test_what_has_no_iou():
    masks = np.ones((2, 4, 5), bool)
    with pytest.raises(
        ValueError, match=r"masks2 expects shape \(N, H, W\) but has shape \(4, 5\)"
    ):
        mask_iou(masks, masks[0])
    with pytest.raises(TypeError, match="masks1 expects bool but has dtype float64"):
        mask_iou(masks * 1.0, masks)
    with pytest.raises(ValueError, match=r"masks1 are of \(4, 5\) and masks2 of \(4, 4\)"):
        mask_iou(masks, masks[..., :4])
