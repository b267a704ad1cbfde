"""Localisation: ILSVRC's error, twin by loops; classes, images without an answer, bad input."""

import numpy as np
import pytest

from minicv.metrics.localization import LocalizationMetric

CLASSES = ("cow", "cat", "duck")


def iou(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    inner = width * height
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner
    return inner / both if both else 0.0


def ilsvrc_error(answers, label, box, tops):
    """e = min over answers of max(d(class), f(box)): 0 where one is right in both."""
    return min((max(int(c != label), int(iou(b, box) < 0.5)) for c, b in answers[:tops]), default=1)


def test_equals_ilsvrcs_error_by_loops():
    rng = np.random.default_rng(3)
    metric = LocalizationMetric(CLASSES)
    errors, named, overlaps, labels = [], [], [], []
    for _ in range(90):
        count = int(rng.integers(0, 7))  # more than five are cut, none is wrong
        boxes = rng.uniform(0, 4, (count, 4)) + np.array([0, 0, 9, 9])
        found = rng.integers(0, 3, count)
        label, box = int(rng.integers(3)), rng.uniform(0, 4, 4) + np.array([0, 0, 9, 9])
        metric.add({"boxes": boxes, "labels": found}, {"label": label, "box": box})
        answers = list(zip(found.tolist(), boxes.tolist(), strict=True))
        errors.append([ilsvrc_error(answers, label, box, tops) for tops in (1, 5)])
        named.append([label in found[:tops] for tops in (1, 5)])
        overlaps.append(iou(boxes[0], box) if count else 0.0)
        labels.append(label)
    values = metric.values()
    expected = np.mean(errors, axis=0)
    assert 0.1 < expected[1] < expected[0] < 0.9
    for top, error in zip((1, 5), expected, strict=True):
        assert values[f"top-{top} localization error"] == pytest.approx(error)
        assert values[f"top-{top} localization accuracy"] == pytest.approx(1 - error)
    assert [values["top-1"], values["top-5"]] == pytest.approx(np.mean(named, axis=0))
    assert values["mean IoU"] == pytest.approx(np.mean(overlaps))
    labels, right = np.array(labels), 1 - np.array(errors)[:, 0]
    for k, name in enumerate(CLASSES):
        own = values[f"top-1 localization accuracy {name}"]
        assert own == pytest.approx(right[labels == k].mean())
        assert values[f"mean IoU {name}"] == pytest.approx(np.array(overlaps)[labels == k].mean())
    assert metric.counts() == np.bincount(labels).tolist()
    assert [own.iou for own in metric.each()] == pytest.approx(overlaps)


@pytest.mark.parametrize(("width", "right"), [(4.0, 1.0), (3.96, 0.0)])
def test_half_of_the_union_is_enough(width, right):
    """The true box is 8 wide, the answer lies within it."""
    metric = LocalizationMetric(CLASSES)
    truth = {"label": 1, "box": np.array([0.0, 0, 8, 2])}
    metric.add({"boxes": [[0.0, 0, width, 2]], "labels": [1]}, truth)
    assert metric.values()["top-1 localization accuracy"] == right
    assert metric.values()["mean IoU"] == pytest.approx(width / 8)


def test_the_box_is_judged_whatever_its_class_and_the_class_whatever_its_box():
    metric = LocalizationMetric(CLASSES)
    truth = {"label": 1, "box": np.array([0.0, 0, 8, 8])}
    metric.add({"boxes": [[0.0, 0, 8, 8], [4, 4, 8, 8]], "labels": [0, 1]}, truth)
    values = metric.values()
    assert (values["top-1"], values["top-5"], values["mean IoU"]) == (0.0, 1.0, 1.0)
    assert values["top-5 localization accuracy"] == 0.0  # the cat's own box has an IoU of 1/4
    metric.add({"boxes": [[9.0, 9, 9, 9], [0, 0, 8, 8]], "labels": [1, 0]}, truth)
    assert metric.values()["top-1"] == 0.5 and metric.values()["mean IoU"] == 0.5


def test_without_images_and_without_those_of_a_class():
    metric = LocalizationMetric(CLASSES)
    assert all(np.isnan(value) for value in metric.values().values())
    metric.add({"boxes": [], "labels": []}, {"label": 2, "box": np.array([0.0, 0, 1, 1])})
    values = metric.values()
    assert values["top-1 localization error"] == 1.0 and values["mean IoU"] == 0.0
    assert np.isnan(values["mean IoU cow"]) and values["mean IoU duck"] == 0.0


RIGHT = {"label": 1, "box": np.array([0.0, 0, 8, 8]), "image_id": "a.jpg"}
FOUND = {"boxes": [[0.0, 0, 8, 8]], "labels": [1]}


@pytest.mark.parametrize(
    ("found", "truth", "message"),
    [
        ({"labels": [1]}, RIGHT, "boxes"),
        ({**FOUND, "labels": [1, 2]}, RIGHT, "labels"),
        ({**FOUND, "labels": [3]}, RIGHT, r"result has label 3, expected 0\.\.2"),
        ({**FOUND, "boxes": [[0.0, np.nan, 8, 8]]}, RIGHT, "not finite"),
        (FOUND, {**RIGHT, "label": 3}, r"target has label 3, expected 0\.\.2"),
        (FOUND, {**RIGHT, "label": 0.5}, "whole numbers"),
        (FOUND, {**RIGHT, "box": np.ones(3)}, r"\(n, 4\)"),
        (FOUND, {"image_id": "a.jpg"}, "target has no label and no box"),
        (FOUND, {"image_id": "a.jpg", "label": 1}, "target has no box"),
    ],
)
def test_bad_input_names_the_image(found, truth, message):
    with pytest.raises(ValueError, match=rf"LocalizationMetric: image 'a\.jpg'.*{message}"):
        LocalizationMetric(CLASSES).add(found, truth)


def test_a_name_that_is_there_twice():
    with pytest.raises(ValueError, match="'cow' more than once"):
        LocalizationMetric(("cow", "cow"))
