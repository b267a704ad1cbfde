"""Metrics of label maps, and of the bands along their borders, held against loops over pixels."""

from __future__ import annotations

import cupy_stand_in
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.metrics.segmentation import (
    boundary_band,
    boundary_iou,
    confusion_matrix,
    segmentation_values,
    values_of_confusion,
)
from minicv.vision.label_maps import VOID


@st.composite
def image_pairs(draw):
    """K and a list of (predicted, truth); few of the K classes occur, and some pixels are void."""
    num_classes = draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    pairs = []
    for _ in range(draw(st.integers(0, 3))):
        shape = rng.integers(0, 6, size=2)
        present = rng.choice(num_classes, size=rng.integers(1, num_classes + 1))
        truth = rng.choice([*present, VOID], size=shape)
        guess = rng.integers(0, num_classes, size=shape)
        keep = (rng.uniform(size=shape) < 0.6) & (truth != VOID)
        pairs.append((np.where(keep, truth, guess), truth))
    return num_classes, pairs


def values_by_loops(pairs, num_classes):
    """Sets of pixels, as the definition of intersection over union has them."""
    pixels = [
        (predicted[place], truth[place])
        for predicted, truth in pairs
        for place in np.ndindex(truth.shape)
        if truth[place] != VOID
    ]
    accuracies, ious, weighted = [], [], 0.0
    for label in range(num_classes):
        is_so = {n for n, (_, truth) in enumerate(pixels) if truth == label}
        said = {n for n, (predicted, _) in enumerate(pixels) if predicted == label}
        accuracies.append(len(is_so & said) / len(is_so) if is_so else np.nan)
        ious.append(len(is_so & said) / len(is_so | said) if is_so | said else np.nan)
        weighted += len(is_so) * ious[-1] if is_so else 0
    count = len(pixels)
    return {
        "pixel_accuracy": sum(p == t for p, t in pixels) / count if count else np.nan,
        "mean_accuracy": np.mean([a for a in accuracies if a == a]) if count else np.nan,
        "mean_iou": np.mean([i for i in ious if i == i]) if count else np.nan,
        "frequency_weighted_iou": weighted / count if count else np.nan,
        "class_accuracy": accuracies,
        "class_iou": ious,
    }


@given(image_pairs())
def test_values_against_loops(drawn):
    num_classes, pairs = drawn
    predictions = [{"segmentation": predicted} for predicted, _ in pairs]
    targets = [{"segmentation": truth} for _, truth in pairs]
    values = segmentation_values(predictions, targets, num_classes)
    for name, expected in values_by_loops(pairs, num_classes).items():
        np.testing.assert_allclose(getattr(values, name), expected, rtol=1e-12, err_msg=name)


@given(image_pairs())
def test_confusion_against_loops(drawn):
    num_classes, pairs = drawn
    for predicted, truth in pairs:
        expected = np.zeros((num_classes, num_classes), int)
        for place in np.ndindex(truth.shape):
            if truth[place] != VOID:
                expected[truth[place], predicted[place]] += 1
        matrix = confusion_matrix(predicted, truth, num_classes)
        assert matrix.dtype == np.int64
        np.testing.assert_array_equal(matrix, expected)


def test_any_whole_dtype_will_do():
    for dtype in (np.int8, np.uint64):
        zeros = np.zeros((1, 2), dtype)
        assert confusion_matrix(zeros, np.array([[0, VOID]]), 1).tolist() == [[1]]
    truth = np.array([[199, 200, VOID]], np.uint8)
    matrix = confusion_matrix(np.array([[200, 200, 3]], np.uint8), truth, 201)
    assert matrix[199, 200] == matrix[200, 200] == 1 and matrix.sum() == 2


def test_perfect_and_constant_predictions():
    truth = np.array([[0, 1, 2, 2]])
    perfect = values_of_confusion(confusion_matrix(truth, truth, 5))
    assert perfect[:4] == (1.0, 1.0, 1.0, 1.0)
    np.testing.assert_array_equal(np.isnan(perfect.class_iou), [False] * 3 + [True] * 2)
    all_twos = values_of_confusion(confusion_matrix(np.full((1, 4), 2), truth, 3))
    assert all_twos.class_iou.tolist() == [0, 0, 0.5] and all_twos.pixel_accuracy == 0.5
    # A class that is said but is not there has IoU 0, and no accuracy.
    only_said = values_of_confusion(confusion_matrix(np.array([[3, 1]]), np.array([[1, 1]]), 4))
    np.testing.assert_array_equal(only_said.class_iou, [np.nan, 0.5, np.nan, 0])
    np.testing.assert_array_equal(only_said.class_accuracy, [np.nan, 0.5, np.nan, np.nan])
    assert only_said.mean_iou == 0.25 and only_said.frequency_weighted_iou == 0.5


def test_nothing_to_say_is_nan_without_a_warning():
    for void in (np.full((2, 2), VOID), np.zeros((0, 4), int)):
        values = values_of_confusion(confusion_matrix(np.zeros(void.shape, int), void, 3))
        assert np.isnan(values[:4]).all() and values.confusion.sum() == 0
    assert np.isnan(segmentation_values([], [], 2).mean_iou)


def test_predictions_under_void_are_not_looked_at():
    truth = np.array([[VOID, 1]])
    assert confusion_matrix(np.array([[77, 1]]), truth, 2).tolist() == [[0, 0], [0, 1]]


def test_arrays_of_a_device():
    predicted, truth = np.array([[0, 1]]), np.array([[1, 1]])
    matrix = confusion_matrix(cupy_stand_in.asarray(predicted), cupy_stand_in.asarray(truth), 2)
    assert type(matrix) is np.ndarray and matrix.tolist() == [[0, 0], [1, 1]]


def test_faults_are_named():
    truth = np.array([[0, 1], [1, VOID]])
    for wrong, place in ((2, (0, 1)), (-1, (1, 0))):
        predicted = np.zeros((2, 2), int)
        predicted[place] = wrong
        found = rf"^a: prediction: label {wrong} in row {place[0]}, column {place[1]} "
        with pytest.raises(ValueError, match=found):
            confusion_matrix(predicted, truth, 2, "a")
    with pytest.raises(
        ValueError, match=r"is 255 \(void\) in row 1, column 0, where the truth is 1"
    ):
        confusion_matrix(np.array([[0, 1], [VOID, VOID]]), truth, 2)
    with pytest.raises(ValueError, match="truth: label 1 in row 0, column 1"):
        confusion_matrix(np.zeros((2, 2), int), truth, 1)
    with pytest.raises(ValueError, match=r"prediction has shape \(2, 3\) but the truth \(2, 2\)"):
        confusion_matrix(np.zeros((2, 3), int), truth, 2)
    with pytest.raises(ValueError, match=r"prediction: .* expected whole numbers"):
        confusion_matrix(np.zeros((2, 2)), truth, 2)


def test_lists_name_the_image():
    good = {"segmentation": np.zeros((1, 1), int)}
    with pytest.raises(ValueError, match="1 predictions and 2 targets"):
        segmentation_values([good], [good, good], 2)
    with pytest.raises(ValueError, match="image 1: the prediction has no segmentation; it has"):
        segmentation_values([good, {"boxes": 0}], [good, good], 2)
    bad = {"segmentation": np.full((1, 1), 9), "image_id": "cow"}
    with pytest.raises(ValueError, match="image 'cow': truth: label 9"):
        segmentation_values([good], [bad], 2)


@pytest.mark.parametrize(
    "confusion",
    [np.zeros((2, 3), int), np.zeros((0, 0), int), np.eye(2), np.array([[1, -1], [0, 0]])],
)
def test_what_is_no_confusion_matrix(confusion):
    with pytest.raises(ValueError, match="values_of_confusion: confusion expects shape"):
        values_of_confusion(confusion)


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
def test_boundary_iou_against_loops(seed, shape, num_classes, distance, void_share):
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


def test_faults_of_boundary_iou_are_named():
    good = {"segmentation": np.zeros((2, 2), int), "image_id": "cow"}
    with pytest.raises(ValueError, match="distance is 0, expected at least 1"):
        boundary_iou([good], [good], 1, 0)
    with pytest.raises(ValueError, match="boundary_iou: image 'cow': prediction: label 4 in row 0"):
        boundary_iou([{"segmentation": np.full((2, 2), 4)}], [good], 1, 1)
    with pytest.raises(ValueError, match=r"boundary_iou: .* 0 predictions and 1 targets"):
        boundary_iou([], [good], 1, 1)
