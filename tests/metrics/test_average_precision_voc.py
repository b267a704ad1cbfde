"""VOC average precision against the development kit's procedure, detection by detection."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.metrics import voc_average_precision
from minicv.metrics.average_precision_voc import area_under_curve, eleven_point_interpolation


def iou_of(a, b):
    width = max(min(a[2], b[2]) - max(a[0], b[0]), 0)
    height = max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / union if width * height else 0


def average_precision_by_loops(predictions, targets, label, iou_threshold):
    """(area, eleven points), or None without targets."""
    detections = [
        (score, number, box)
        for number, image in enumerate(predictions)
        for box, score, its_label in zip(
            image["boxes"], image["scores"], image["labels"], strict=True
        )
        if its_label == label
    ]
    detections.sort(key=lambda detection: -detection[0])  # stable
    to_find = sum(
        its_label == label and not difficult
        for image in targets
        for its_label, difficult in zip(image["labels"], image["difficult"], strict=True)
    )
    if to_find == 0:
        return None
    claimed, found, wrong, curve = set(), 0, 0, []
    for _, number, box in detections:
        image = targets[number]
        best, best_iou = None, 0.0
        for index, (its_box, its_label) in enumerate(
            zip(image["boxes"], image["labels"], strict=True)
        ):
            if its_label == label and iou_of(box, its_box) > best_iou:
                best, best_iou = index, iou_of(box, its_box)
        if best is not None and best_iou >= iou_threshold:
            if image["difficult"][best]:
                continue
            if (number, best) not in claimed:
                claimed.add((number, best))
                found += 1
            else:
                wrong += 1
        else:
            wrong += 1
        curve.append((found / to_find, found / (found + wrong)))

    def best_precision_from(recall):
        return max((p for r, p in curve if r >= recall), default=0)

    area, previous = 0.0, 0.0
    for recall, _ in curve:
        area += (recall - previous) * best_precision_from(recall)
        previous = recall
    eleven = sum(best_precision_from(level) for level in np.arange(0.0, 1.1, 0.1)) / 11
    return area, eleven


def random_boxes(rng, count):
    corner = rng.integers(0, 8, (count, 2))
    return np.concatenate([corner, corner + rng.integers(2, 7, (count, 2))], axis=1)


def random_images(seed, images):
    """Most detections lie on a target or beside it, and many share a score."""
    rng = np.random.default_rng(seed)
    predictions, targets = [], []
    for _ in range(images):
        there, found = rng.integers(0, 5), rng.integers(0, 8)
        boxes, labels = random_boxes(rng, there), rng.integers(0, 2, there)
        predicted, predicted_labels = random_boxes(rng, found), rng.integers(0, 2, found)
        for index in np.flatnonzero(rng.random(found) < 0.7):
            if there:
                source = rng.integers(0, there)
                predicted[index] = boxes[source] + rng.integers(0, 2, 4)
                predicted_labels[index] = labels[source]
        predictions.append(
            {
                "boxes": predicted,
                "scores": rng.integers(0, 9, found) / 8,
                "labels": predicted_labels,
            }
        )
        targets.append({"boxes": boxes, "labels": labels, "difficult": rng.random(there) < 0.3})
    return predictions, targets


@pytest.mark.parametrize("iou_threshold", [0.3, 0.5])
@pytest.mark.parametrize("images", [0, 1, 3, 8])
@given(seed=st.integers(0, 100_000))
def test_against_loops(images, iou_threshold, seed):
    predictions, targets = random_images(seed, images)
    result = voc_average_precision(predictions, targets, iou_threshold, number_of_classes=2)
    expected = [
        average_precision_by_loops(predictions, targets, label, iou_threshold) for label in (0, 1)
    ]
    for label, pair in enumerate(expected):
        if pair is None:
            assert math.isnan(result.area[label])
            assert math.isnan(result.eleven_point[label])
        else:
            assert (result.area[label], result.eleven_point[label]) == pytest.approx(pair)
    present = [pair for pair in expected if pair is not None]
    if present:
        means = (result.mean_area, result.mean_eleven_point)
        assert means == pytest.approx(tuple(np.mean(present, axis=0)))
    else:
        assert math.isnan(result.mean_area)
        assert math.isnan(result.mean_eleven_point)


def image(boxes, **fields):
    boxes = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    return {"boxes": boxes, "labels": [0] * len(boxes), **fields}


LEFT, RIGHT = [0, 0, 10, 10], [8, 0, 18, 10]


def test_a_second_detection_of_an_object_is_an_error():
    found = image([LEFT, LEFT, RIGHT], scores=[0.9, 0.8, 0.7])
    result = voc_average_precision([found], [image([LEFT, RIGHT])])
    assert result.precision[0].tolist() == [1, 0.5, 2 / 3]
    assert result.recall[0].tolist() == [0.5, 0.5, 1]
    assert result.mean_area == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_a_detection_claims_its_best_target_only():
    """The second detection overlaps RIGHT enough as well, but LEFT, which is taken, more."""
    between = [3, 0, 13, 10]
    found = image([LEFT, between], scores=[0.9, 0.8])
    result = voc_average_precision([found], [image([LEFT, RIGHT])], iou_threshold=0.3)
    assert iou_of(between, LEFT) > iou_of(between, RIGHT) > 0.3
    assert result.recall[0].tolist() == [0.5, 0.5]


def test_difficult_objects_neither_count_nor_punish():
    found = image([RIGHT, RIGHT, LEFT], scores=[0.9, 0.8, 0.7])
    targets = image([LEFT, RIGHT], difficult=[False, True])
    result = voc_average_precision([found], [targets])
    assert result.targets_per_class.tolist() == [1]
    assert result.mean_area == result.mean_eleven_point == 1
    assert result.precision[0].tolist() == [1]
    only_difficult = voc_average_precision([found], [image([LEFT], difficult=[True])])
    assert math.isnan(only_difficult.mean_area)


def test_an_overlap_exactly_at_the_threshold_is_a_find():
    found = image([[0, 0, 10, 5]], scores=[1.0])
    assert voc_average_precision([found], [image([LEFT])]).mean_area == 1
    assert voc_average_precision([found], [image([LEFT])], 0.51).mean_area == 0


def test_recall_of_exactly_three_tenths_misses_the_fourth_level():
    """The published evaluations compare with 0.30000000000000004; so does this one."""
    assert eleven_point_interpolation(np.array([0.3]), np.array([1.0])) == pytest.approx(3 / 11)
    assert eleven_point_interpolation(np.array([0.2]), np.array([1.0])) == pytest.approx(3 / 11)
    assert eleven_point_interpolation(np.array([0.31]), np.array([1.0])) == pytest.approx(4 / 11)


def test_precision_is_made_non_increasing():
    recall, precision = np.array([0, 0.5, 1]), np.array([0, 0.5, 2 / 3])
    assert area_under_curve(recall, precision) == pytest.approx(2 / 3)
    assert eleven_point_interpolation(recall, precision) == pytest.approx(2 / 3)


def test_empty_curves():
    assert area_under_curve(np.zeros(0), np.zeros(0)) == 0
    assert eleven_point_interpolation(np.zeros(0), np.zeros(0)) == 0


def test_no_detections_and_nothing_at_all():
    nothing = image([], scores=[])
    missed = voc_average_precision([nothing], [image([LEFT])])
    assert (missed.mean_area, missed.mean_eleven_point) == (0, 0)
    empty = voc_average_precision([nothing], [image([])])
    assert empty.area.shape == (0,)
    assert math.isnan(empty.mean_area)
    assert math.isnan(voc_average_precision([], []).mean_eleven_point)


def test_a_crowd_is_no_target_and_what_lies_in_it_is_no_error():
    crowd = [100, 0, 200, 100]
    inside = [[100, 0, 110, 10], [120, 0, 130, 10], [196, 0, 204, 10]]  # the last by one half
    targets = image([LEFT, crowd], iscrowd=[False, True])
    found = image([*inside, LEFT], scores=[0.9, 0.8, 0.7, 0.6])
    result = voc_average_precision([found], [targets])
    assert result.mean_area == 1 and result.targets_per_class.tolist() == [1]
    assert result.precision[0].tolist() == [1]
    outside = image([[197, 0, 205, 10], LEFT], scores=[0.9, 0.6])
    assert voc_average_precision([outside], [targets]).precision[0].tolist() == [0, 0.5]
    other_class = {**targets, "labels": [0, 1]}
    assert voc_average_precision([found], [other_class]).precision[0].tolist() == [0, 0, 0, 0.25]
    only_crowd = voc_average_precision([found], [image([crowd], iscrowd=[True])])
    assert math.isnan(only_crowd.mean_area)
