"""Which boxes become detections."""

import numpy as np

from minicv.models.detection.select_detections import select_detections

OPTIONS = {"score_threshold": 0.2, "nms_threshold": 0.3, "detections_per_image": 10}


def select(scores, boxes, **changes):
    boxes = np.array(boxes, np.float32).reshape(*np.shape(scores), 4)
    return select_detections(np.array(scores, np.float32), boxes, **{**OPTIONS, **changes})


def test_suppression_is_within_a_class_and_best_come_first():
    same = [0, 0, 10, 10]
    scores = [[0.5, 0.9], [0.7, 0.3]]
    boxes, labels, scores = select(scores, [[same, same], [same, same]])
    assert labels.tolist() == [1, 0] and labels.dtype == np.int64
    np.testing.assert_allclose(scores, [0.9, 0.7])
    assert boxes.tolist() == [same, same]


def test_each_class_has_its_own_box():
    left, right = [0, 0, 10, 10], [20, 0, 30, 10]
    boxes, labels, _ = select([[0.5, 0.9]], [[left, right]])
    assert boxes.tolist() == [right, left] and labels.tolist() == [1, 0]


def test_low_thin_and_too_many_are_left_out():
    boxes = [[[0, 0, 10, 10]], [[20, 0, 30, 10]], [[40, 0, 40.001, 10]], [[60, 0, 70, 10]]]
    scores = [[0.2], [0.4], [0.9], [0.3]]
    assert select(scores, boxes)[0][:, 0].tolist() == [20, 60]
    assert select(scores, boxes, detections_per_image=1)[0][:, 0].tolist() == [20]


def test_no_regions():
    boxes, labels, scores = select(np.zeros((0, 3)), [])
    assert boxes.shape == (0, 4) and labels.shape == (0,) and scores.shape == (0,)
