"""Suppression on CUDA keeps exactly the boxes that the CPU keeps."""

import numpy as np
import pytest
from cuda_kernels import check_kernel, cupy, needs_compiler
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import cpu, cuda

pytestmark = needs_compiler
DTYPES = st.sampled_from([np.float32, np.float64])
THRESHOLDS = st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 0.7, 1.0])


@given(st.integers(0, 200), THRESHOLDS, DTYPES, st.integers(0, 1000), st.booleans())
def test_any_boxes(count, iou_threshold, dtype, seed, whole):
    """Whole-numbered boxes are often twins, degenerate, or exactly at the threshold."""
    rng = np.random.default_rng(seed)
    corner, side = rng.uniform(0, 20, (count, 2)), rng.uniform(-1, 9, (count, 2))
    boxes = np.concatenate([corner, corner + side], axis=1).astype(dtype)
    boxes = np.floor(boxes) if whole else boxes
    scores = rng.integers(0, 50, count).astype(dtype)
    labels = rng.integers(-1, 2, count).astype(rng.choice([np.int64, np.int32, np.uint8]))
    check_kernel("nms", boxes, scores, iou_threshold)
    check_kernel("nms", boxes, scores, iou_threshold, labels)


@given(st.integers(0, 1000), DTYPES)
def test_close_cases_are_decided_alike(seed, dtype):
    """The threshold is the IoU of a pair, as it comes out rounded, or its neighbour."""
    rng = np.random.default_rng(seed)
    corner, side = rng.uniform(0, 2, (2, 2)), rng.uniform(5, 9, (2, 2))
    boxes = np.concatenate([corner, corner + side], axis=1).astype(dtype)
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = boxes
    inner = (min(ax2, bx2) - max(ax1, bx1)) * (min(ay2, by2) - max(ay1, by1))
    iou = inner / ((ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - inner)
    for iou_threshold in (np.nextafter(iou, dtype(0)), iou, np.nextafter(iou, dtype(1))):
        check_kernel("nms", boxes, np.array([0.9, 0.8]), float(iou_threshold))


def test_boxes_that_are_not_numbers_fall_with_nobody():
    values = [np.nan, np.inf, -np.inf, 0, 1, 2]
    boxes = np.random.default_rng(0).choice(values, (120, 4))
    with np.errstate(invalid="ignore"):  # inf - inf
        check_kernel("nms", boxes, np.zeros(120), 0.3)


def test_the_last_word_of_the_mask_is_full_or_has_one_bit():
    rng = np.random.default_rng(0)
    for count in (63, 64, 65, 128, 129):
        corner = rng.uniform(0, 9, (count, 2))
        boxes = np.concatenate([corner, corner + 3], axis=1)
        check_kernel("nms", boxes, rng.random(count), 0.2)


def test_more_words_than_lanes():
    """66 words of 64 boxes, where 64 threads share the words of a row."""
    rng = np.random.default_rng(0)
    corner = np.floor(rng.uniform(0, 60, (64 * 65 + 3, 2)))
    boxes = np.concatenate([corner, corner + 2], axis=1)
    check_kernel("nms", boxes, rng.random(len(boxes)), 0.3, rng.integers(0, 2, len(boxes)))


@given(st.integers(0, 1000), DTYPES, st.sampled_from([0, 1, 63, 130, 200]), st.booleans())
def test_images_at_once(seed, dtype, count, whole):
    """Some boxes are not wanted, and only the best survivors are."""
    rng = np.random.default_rng(seed)
    corner, side = rng.uniform(0, 20, (3, count, 2)), rng.uniform(-1, 9, (3, count, 2))
    boxes = np.concatenate([corner, corner + side], axis=2).astype(dtype)
    boxes = np.floor(boxes) if whole else boxes
    scores = rng.integers(0, 50, (3, count)).astype(dtype)
    labels, wanted = rng.integers(0, 3, count), rng.random((3, count)) < [[1.0], [0.7], [0.0]]
    for most in (0, 5, 1000):
        arguments = (boxes, scores, labels, wanted, 0.3, most)
        kept, counts = cuda.nms_of_images(*map(moved, arguments))
        expected, expected_counts = cpu.nms_of_images(*arguments)
        assert counts == expected_counts
        np.testing.assert_array_equal(cupy.asnumpy(kept), expected)


def moved(argument):
    return cupy.asarray(argument) if isinstance(argument, np.ndarray) else argument


def test_the_host_waits_once():
    boxes, scores = cupy.asarray(np.eye(4)), cupy.asarray(np.arange(4.0))
    with cupy.recorded_synchronisations() as reasons:
        cuda.nms(boxes, scores, 0.5)
    assert len(reasons) == 1


@pytest.mark.launches_nothing
def test_too_many_boxes_are_refused_by_name():
    boxes = cupy.asarray(np.zeros((262145, 4), np.float32))
    with pytest.raises(ValueError, match=r"nms: .* at most 262144 boxes .* there are 262145"):
        cuda.nms(boxes, boxes[:, 0], 0.5)
