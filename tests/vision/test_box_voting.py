"""Box voting: against the formula in loops, ties at the threshold, and nothing to vote."""

import numpy as np
import pytest

from minicv.vision.box_voting import vote_boxes
from minicv.vision.boxes import box_iou


def voted_one_by_one(kept, boxes, scores, threshold):
    result = kept.copy()
    for d, own in enumerate(kept):
        total, weight = np.zeros(4), 0.0
        for box, score in zip(boxes, scores, strict=True):
            if box_iou(own[None], box[None])[0, 0] >= threshold:
                total, weight = total + score * box, weight + score
        if weight > 0:
            result[d] = total / weight
    return result


@pytest.mark.parametrize("threshold", [0.3, 0.6, 0.9])
def test_against_the_formula(threshold):
    rng = np.random.default_rng(0)
    centres = rng.uniform(20, 80, (60, 2))
    sides = rng.uniform(10, 40, (60, 2))
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)
    scores = rng.uniform(0, 1, 60)
    kept = boxes[[3, 7, 11]]
    expected = voted_one_by_one(kept, boxes, scores, threshold)
    np.testing.assert_allclose(vote_boxes(kept, boxes, scores, threshold), expected, rtol=1e-12)


def test_a_box_exactly_at_the_threshold_votes():
    boxes = np.array([[0.0, 0, 8, 8], [0, 0, 8, 4]])  # their IoU is 1/2
    scores = np.array([0.5, 0.5])
    assert vote_boxes(boxes[:1], boxes, scores, 0.5).tolist() == [[0, 0, 8, 6]]
    assert vote_boxes(boxes[:1], boxes, scores, 0.51).tolist() == [[0, 0, 8, 8]]


def test_without_votes_a_box_stays():
    kept = np.array([[0.0, 0, 8, 8]], np.float32)
    assert vote_boxes(kept, np.zeros((0, 4), np.float32), np.zeros(0), 0.5).tolist() == [
        [0, 0, 8, 8]
    ]
    unsure = vote_boxes(kept, kept + np.float32(0.1), np.zeros(1, np.float32), 0.5)
    assert unsure.tolist() == [[0, 0, 8, 8]] and unsure.dtype == np.float32
    assert vote_boxes(kept[:0], kept, np.ones(1), 0.5).shape == (0, 4)
