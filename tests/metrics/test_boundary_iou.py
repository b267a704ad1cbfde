"""Boundary IoU, held against loops over pixels and their neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.metrics.boundary_iou import boundary_band, boundary_iou
from minicv.metrics.segmentation import segmentation_values
from minicv.vision.label_maps import VOID


def blobs(rng, shape, num_classes, void_share):
    """A random label map with regions of a few pixels, some of it void."""
    coarse = rng.integers(0, num_classes, size=(shape[0] // 3 + 1, shape[1] // 3 + 1))
    labels = np.kron(coarse, np.ones((3, 3), int))[: shape[0], : shape[1]]
    return np.where(rng.uniform(size=shape) < void_share, VOID, labels)


def band_by_loops(labels, distance):
    band = np.full(labels.shape, VOID)
    for y, x in np.ndindex(labels.shape):
        rows = slice(max(0, y - distance), y + distance + 1)
        around = set(labels[rows, max(0, x - distance) : x + distance + 1].ravel().tolist())
        if labels[y, x] != VOID and around - {VOID, labels[y, x]}:
            band[y, x] = labels[y, x]
    return band


@given(
    st.integers(0, 2**32),
    st.tuples(st.integers(0, 11), st.integers(0, 11)),
    st.integers(1, 4),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.2, 1.0]),
)
def test_against_loops(seed, shape, num_classes, distance, void_share):
    rng = np.random.default_rng(seed)
    truth = blobs(rng, shape, num_classes, void_share)
    predicted = blobs(rng, shape, num_classes, 0)
    there = band_by_loops(truth, distance)
    np.testing.assert_array_equal(boundary_band(truth, distance), there)
    said = band_by_loops(np.where(truth == VOID, VOID, predicted), distance)
    result = boundary_iou(
        [{"segmentation": predicted}], [{"segmentation": truth}], num_classes, distance
    )
    for label in range(num_classes):
        union = int(((there == label) | (said == label)).sum())
        intersection = int(((there == label) & (said == label)).sum())
        expected = intersection / union if union else np.nan
        np.testing.assert_allclose(result.class_iou[label], expected, rtol=1e-12)
    known = result.class_iou[~np.isnan(result.class_iou)]
    np.testing.assert_allclose(result.mean_iou, known.mean() if len(known) else np.nan)


@given(st.integers(0, 2**32))
def test_a_wide_band_is_the_whole_region(seed):
    rng = np.random.default_rng(seed)
    targets = [{"segmentation": blobs(rng, (9, 14), 4, 0.1)} for _ in range(3)]
    predictions = [{"segmentation": blobs(rng, (9, 14), 4, 0)} for _ in range(3)]
    wide = boundary_iou(predictions, targets, 4, distance=14)
    plain = segmentation_values(predictions, targets, 4)
    np.testing.assert_allclose(wide.class_iou, plain.class_iou)
    np.testing.assert_allclose(wide.mean_iou, plain.mean_iou)


def test_a_border_off_by_a_pixel_shows_at_the_border():
    truth = np.zeros((40, 40), int)
    truth[:, 20:] = 1
    shifted = np.roll(truth, 1, axis=1)
    shifted[:, 0] = 0
    pair = [{"segmentation": shifted}], [{"segmentation": truth}]
    assert segmentation_values(*pair, 2).mean_iou == pytest.approx((20 / 21 + 19 / 20) / 2)
    assert boundary_iou(*pair, 2, distance=1).mean_iou == 0
    assert boundary_iou(*pair, 2, distance=2).mean_iou == pytest.approx(1 / 3)
    perfect = boundary_iou(pair[1], pair[1], 2, distance=2)
    assert perfect.mean_iou == 1 and perfect.union.tolist() == [80, 80]


def test_edges_of_the_picture_and_of_void_are_no_borders():
    truth = np.zeros((6, 8), int)
    truth[:, 4:] = VOID
    predicted = np.zeros((6, 8), int)
    predicted[:, 5:] = 1  # hidden under void: neither right nor wrong
    result = boundary_iou([{"segmentation": predicted}], [{"segmentation": truth}], 2, 3)
    assert np.isnan(result.class_iou).all() and np.isnan(result.mean_iou)
    assert np.isnan(boundary_iou([], [], 2, 3).mean_iou)


def test_faults():
    good = {"segmentation": np.zeros((2, 2), int), "image_id": "cow"}
    with pytest.raises(ValueError, match="distance is 0, expected at least 1"):
        boundary_iou([good], [good], 1, 0)
    with pytest.raises(ValueError, match="boundary_iou: image 'cow': prediction: label 4 in row 0"):
        boundary_iou([{"segmentation": np.full((2, 2), 4)}], [good], 1, 1)
    with pytest.raises(ValueError, match=r"boundary_iou: .* 0 predictions and 1 targets"):
        boundary_iou([], [good], 1, 1)
