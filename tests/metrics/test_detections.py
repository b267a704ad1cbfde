"""The metrics' input: what is filled in, put in order, and refused."""

import cupy_stand_in
import numpy as np
import pytest

from minicv.metrics.detections import count_classes, read_detections


def prediction(**changes):
    return {"boxes": np.ones((2, 4)), "scores": [0.5, 0.5], "labels": [0, 1], **changes}


def target(**changes):
    return {"boxes": np.array([[0, 0, 4, 2.0]]), "labels": [2], **changes}


def test_absent_fields_are_filled_in():
    _, (there,) = read_detections([prediction()], [target(area=None, name="cow")], "test")
    assert there.area.tolist() == [8.0]
    assert there.difficult.tolist() == there.iscrowd.tolist() == [False]


def test_given_fields_are_kept():
    given = {"difficult": [1], "iscrowd": np.array([True]), "area": [3]}
    _, (there,) = read_detections([prediction()], [target(**given)], "test")
    assert (there.difficult[0], there.iscrowd[0], there.area[0]) == (True, True, 3.0)
    assert there.difficult.dtype == there.iscrowd.dtype == bool


def test_best_score_first_and_equal_scores_in_order():
    scores, labels = [0.1, 0.9, 0.1, 0.9], [0, 1, 2, 3]
    given = prediction(boxes=np.ones((4, 4)), scores=scores, labels=labels)
    (found,), _ = read_detections([given], [target()], "test")
    assert found.labels.tolist() == [1, 3, 0, 2]


def test_arrays_may_come_from_a_device():
    given = prediction(boxes=cupy_stand_in.asarray(np.ones((2, 4), dtype=np.float32)))
    (found,), _ = read_detections([given], [target()], "test")
    assert type(found.boxes) is np.ndarray
    assert found.boxes.dtype == np.float64


def test_classes_are_counted_on_both_sides():
    read = read_detections([prediction()], [target()], "test")
    assert count_classes(*read, None, "test") == 3
    assert count_classes(*read, 7, "test") == 7
    with pytest.raises(ValueError, match="label 2 occurs but number_of_classes is 2"):
        count_classes(*read, 2, "test")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"boxes": np.ones((2, 5))}, r"predictions\[1\]\['boxes'\] expects shape \(n, 4\)"),
        ({"boxes": np.full((2, 4), np.nan)}, r"predictions\[1\]\['boxes'\] holds a number that is"),
        (
            {"scores": [1.0]},
            r"predictions\[1\]\['scores'\] expects one value per object, shape \(2,\)",
        ),
        ({"scores": [1.0, np.nan]}, r"predictions\[1\]\['scores'\] holds a number that is not"),
        ({"labels": [0, -1]}, r"predictions\[1\]\['labels'\] expects whole numbers 0..K-1"),
        ({"labels": [0, 0.5]}, r"predictions\[1\]\['labels'\] expects whole numbers 0..K-1"),
        ({"labels": [0, 1e300]}, r"predictions\[1\]\['labels'\] expects whole numbers 0..K-1"),
        ({"labels": [0, np.inf]}, r"predictions\[1\]\['labels'\] holds a number that is not"),
        (
            {"labels": ["cow", "cat"]},
            r"predictions\[1\]\['labels'\] expects numbers but is \['cow'",
        ),
        ({"labels": [0, None]}, r"predictions\[1\]\['labels'\] expects numbers but is \[0, None"),
        ({"scores": ["0.5", "0.4"]}, r"predictions\[1\]\['scores'\] expects numbers but is"),
        ({"boxes": [[0, 0, 1, 1], [0, 0]]}, r"predictions\[1\]\['boxes'\] is no array"),
        ({"boxes": np.ones((0, 5))}, r"predictions\[1\]\['boxes'\] expects shape \(n, 4\)"),
    ],
)
def test_a_bad_field_is_named_with_its_image(changes, message):
    with pytest.raises(ValueError, match=f"test: {message}"):
        read_detections([prediction(), prediction(**changes)], [target(), target()], "test")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"difficult": ["0"]}, r"\['difficult'\] expects numbers but is \['0'\]"),
        ({"difficult": [2]}, r"\['difficult'\] expects 0 or 1 but is \[2.0\]"),
        ({"iscrowd": [0.5]}, r"\['iscrowd'\] expects 0 or 1 but is \[0.5\]"),
        ({"iscrowd": [np.nan]}, r"\['iscrowd'\] holds a number that is not finite"),
        ({"iscrowd": [0, 1]}, r"\['iscrowd'\] expects one value per object"),
        ({"area": [-4.0]}, r"\['area'\] expects numbers from 0 but is \[-4.0\]"),
        ({"area": [None]}, r"\['area'\] expects numbers but is \[None\]"),
    ],
)
def test_a_bad_mark_or_area_is_named(changes, message):
    with pytest.raises(ValueError, match=rf"test: targets\[0\]{message}"):
        read_detections([prediction()], [target(**changes)], "test")


@pytest.mark.parametrize(
    "boxes", [[], [[]], (), np.zeros(0), np.zeros((0, 4)), np.zeros((0, 4), int)]
)
def test_no_objects_in_every_form(boxes):
    nothing = {"boxes": boxes, "scores": [], "labels": [], "difficult": [], "area": []}
    (found,), (there,) = read_detections([nothing], [nothing], "test")
    assert found.boxes.shape == there.boxes.shape == (0, 4)
    assert found.labels.shape == there.difficult.shape == there.area.shape == (0,)


def test_a_label_beyond_the_classes_is_named_with_its_image():
    read = read_detections([prediction(), prediction()], [target(), target(labels=[7])], "test")
    with pytest.raises(ValueError, match=r"label 7 occurs .* is 3; it is in targets\[1\]"):
        count_classes(*read, 3, "test")
    with pytest.raises(ValueError, match=r"label 1 occurs .* is 1; it is in predictions\[0\]"):
        count_classes(*read, 1, "test")


def test_a_missing_field_and_a_missing_image_are_named():
    with pytest.raises(ValueError, match=r"targets\[0\] has no field 'labels'; it has \['boxes'\]"):
        read_detections([prediction()], [{"boxes": np.ones((0, 4))}], "test")
    with pytest.raises(ValueError, match="2 predictions and 1 targets"):
        read_detections([prediction()] * 2, [target()], "test")
