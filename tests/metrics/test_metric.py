"""Metrics that take one image after another: the values of detectors and segmenters by name."""

import math

import numpy as np
import pytest

from minicv.metrics import (
    DetectionMetric,
    SegmentationMetric,
    coco_average_precision,
    segmentation_values,
    voc_average_precision,
)
from minicv.vision.label_maps import VOID

CLASSES = ("cow", "cat", "dog")
TARGETS = [
    {"boxes": np.array([[0.0, 0, 20, 20], [50, 0, 100, 50]]), "labels": np.array([0, 1])},
    {"boxes": np.array([[10.0, 10, 140, 120]]), "labels": np.array([0])},
    {"boxes": np.zeros((0, 4)), "labels": np.zeros(0, np.int64)},
]
NOTHING = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0, np.int64), "scores": np.zeros(0)}


def found(move=0.0, relabel=0):
    return [
        {
            "boxes": target["boxes"] + move,
            "labels": (target["labels"] + relabel) % 3,
            "scores": np.full(len(target["labels"]), 0.7),
        }
        for target in TARGETS
    ]


def detection_values(results, targets, classes=CLASSES):
    metric = DetectionMetric(classes)
    for result, target in zip(results, targets, strict=True):
        metric.add(result, target)
    return metric.values()


def test_perfect_detections():
    values = detection_values(found(), TARGETS)
    for name in ("AP50", "AP50_11", "AP", "AP75", "APs", "APm", "APl", "AP50 cow", "AP50 cat"):
        assert values[name] == pytest.approx(1.0), name
    assert math.isnan(values["AP50 dog"])  # no dog is there: no value, and no part in the mean
    assert all(type(value) is float for value in values.values())


def test_no_detections_wrong_places_and_wrong_labels():
    for wrong in ([NOTHING] * 3, found(move=500), found(relabel=2)):
        values = detection_values(wrong, TARGETS)
        assert values["AP50"] == values["AP50_11"] == values["AP"] == values["AP75"] == 0


def test_half_found():
    values = detection_values([found()[0], NOTHING, NOTHING], TARGETS)
    assert values["AP50 cow"] == pytest.approx(0.5) and values["AP50 cat"] == pytest.approx(1)
    assert values["AP50"] == pytest.approx(0.75)
    assert values["AP50_11"] == pytest.approx((6 / 11 + 1) / 2)
    assert values["APs"] == pytest.approx(1) and values["APl"] == 0


def test_loose_boxes_count_at_one_half_only():
    target = {"boxes": np.array([[0.0, 0, 10, 10]]), "labels": np.array([0])}
    result = {"boxes": np.array([[0.0, 0, 10, 6]]), "labels": np.array([0]), "scores": np.ones(1)}
    values = detection_values([result], [target], ("cow",))
    assert values["AP50"] == 1 and values["AP75"] == 0
    assert values["AP"] == pytest.approx(0.3)  # at 0.5, 0.55 and 0.6 of ten thresholds


def test_nothing_to_find():
    for results, targets in (([], []), ([NOTHING], TARGETS[2:])):
        values = detection_values(results, targets)
        assert math.isnan(values["AP50"]) and values["AP"] == -1


def test_every_field_that_a_value_depends_on_is_kept():
    """difficult (VOC), iscrowd and area (COCO) reach the average precisions; masks are let go."""
    target = {
        "boxes": np.array([[0.0, 0, 20, 20], [50, 0, 100, 50], [0, 60, 40, 90]]),
        "labels": np.array([0, 1, 2]),
        "difficult": np.array([True, False, False]),
        "iscrowd": np.array([False, True, False]),
        "area": np.array([5000.0, 500.0, 500.0]),
        "masks": np.zeros((3, 100, 100), bool),
    }
    metric = DetectionMetric(CLASSES)
    result = {**target, "scores": np.full(3, 0.5)}
    metric.add(result, target)
    values = metric.values()
    voc = voc_average_precision([result], [target], number_of_classes=3)
    coco = coco_average_precision([result], [target], number_of_classes=3)
    assert math.isnan(values["AP50 cow"]) and math.isnan(values["AP50 cat"])
    assert values["AP50"] == voc.mean_area == values["AP50 dog"] == values["AP"] == 1
    # The area says that the dog is a small one.
    assert (values["APs"], values["APm"]) == (coco.ap_small, coco.ap_medium) == (1, -1)
    assert "masks" not in metric._targets[0]


def two_cows(**marks):
    return {"boxes": np.array([[0.0, 0, 40, 40], [60, 0, 100, 40]]), "labels": [0, 0], **marks}


@pytest.mark.parametrize("mark", ["difficult", "iscrowd"])
def test_an_object_that_need_not_be_found_is_neither_hit_nor_miss(mark):
    """Without the mark one of two is missed: AP is 51 of 101 recall levels."""
    target = two_cows(**{mark: np.array([False, True])})
    names = ("AP50", "AP50_11", "AP", "AP75", "APm", "AP50 cow")
    for shown in ([0], [0, 1], [1, 0], [1, 1, 1, 0]):
        boxes = target["boxes"][shown]
        scores = np.linspace(0.9, 0.5, len(shown))
        result = {"boxes": boxes, "labels": np.zeros(len(shown), int), "scores": scores}
        values = detection_values([result], [target], ("cow",))
        assert [values[name] for name in names] == [1.0] * 6
    alone = {"boxes": target["boxes"][:1], "labels": [0], "scores": [0.9]}
    values = detection_values([alone], [two_cows()], ("cow",))
    assert values["AP"] == pytest.approx(51 / 101)


@pytest.mark.parametrize("mark", ["difficult", "iscrowd"])
def test_a_class_of_such_objects_alone_has_no_value_and_no_part_in_the_mean(mark):
    target = {**two_cows(**{mark: [False, True]}), "labels": [0, 1]}
    result = {**two_cows(), "labels": [0, 1], "scores": [0.5, 0.9]}
    values = detection_values([result], [target], ("cow", "duck"))
    assert math.isnan(values["AP50 duck"]) and values["AP"] == values["AP50"] == 1


def test_a_name_twice_is_refused():
    for kind in (DetectionMetric, SegmentationMetric):
        with pytest.raises(ValueError, match=f"{kind.__name__}: classes holds 'cow' more than"):
            kind(["cow", "cat", "cow"])


def test_a_label_that_is_no_class():
    metric = DetectionMetric(("cow",))
    metric.add(found()[0], TARGETS[0])
    with pytest.raises(ValueError, match="label 1 occurs but number_of_classes is 1"):
        metric.values()


def label_maps(*rows):
    return [{"segmentation": np.array([row])} for row in rows]


def test_names_and_values_of_segmentation():
    metric = SegmentationMetric(("dark", "grey", "light"))
    results = label_maps([0] * 6 + [1] * 4, [2, 2])
    truths = label_maps([0] * 8 + [1] * 2, [VOID, VOID])
    for result, truth in zip(results, truths, strict=True):
        metric.add(result, truth)
    assert metric.confusion.tolist() == [[6, 2, 0], [0, 2, 0], [0, 0, 0]]
    values = metric.values()
    assert math.isnan(values.pop("IoU light"))  # truth and prediction lack it
    assert values == {
        "mIoU": pytest.approx(0.625),
        "pixel accuracy": pytest.approx(0.8),
        "mean accuracy": pytest.approx(0.875),
        "fwIoU": pytest.approx(0.7),
        "IoU dark": 0.75,
        "IoU grey": 0.5,
    }
    assert all(type(value) is float for value in values.values())
    assert values["mIoU"] == segmentation_values(results, truths, 3).mean_iou


def test_segmentation_of_no_images():
    assert math.isnan(SegmentationMetric(("a", "b")).values()["mIoU"])


def test_a_wrong_label_map_is_named():
    metric = SegmentationMetric(("a", "b"))
    result, truth = label_maps([0, 1], [0, 3])
    with pytest.raises(ValueError, match="image 'cow': truth: label 3 in row 0"):
        metric.add(result, {**truth, "image_id": "cow"})
    with pytest.raises(ValueError, match="image 0: the prediction has shape"):
        metric.add(label_maps([0])[0], result)
    with pytest.raises(
        ValueError, match=r"image 0: the target has no segmentation; it has \['b'\]"
    ):
        metric.add(result, {"b": 1})
    assert metric.confusion.sum() == 0


def test_a_class_that_the_data_do_not_label_has_no_iou():
    """Of 4 cow pixels one is called duck: it is missed, and the duck is not judged."""
    truth = {"segmentation": np.array([[0, 0, 1, 1, 1, 1]])}  # grass, grass, cow ...
    found = {"segmentation": np.array([[0, 0, 1, 1, 1, 2]])}
    values = {}
    for labelled in (None, ("grass", "cow")):
        metric = SegmentationMetric(("grass", "cow", "duck"), labelled)
        metric.add(found, truth)
        values[labelled] = metric.values()
    assert values[None]["IoU duck"] == 0 and values[None]["mIoU"] == (1 + 0.75 + 0) / 3
    judged = values["grass", "cow"]
    assert np.isnan(judged["IoU duck"])
    assert judged["IoU cow"] == 0.75 and judged["mIoU"] == (1 + 0.75) / 2
    assert judged["pixel accuracy"] == values[None]["pixel accuracy"] == 5 / 6
    with pytest.raises(ValueError, match="labelled holds 'pig', which is not among the classes"):
        SegmentationMetric(("grass", "cow"), ("pig",))
    assert np.isnan(SegmentationMetric(("grass", "cow"), ("cow",)).values()["mIoU"])
