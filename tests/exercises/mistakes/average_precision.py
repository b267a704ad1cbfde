"""Typical wrong answers to the exercise average_precision."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 2", "found twice", "true_positive[0] is True but must be False")
def every_find_counts(boxes, scores, target_boxes, iou_threshold):
    true_positive = np.zeros(len(boxes), dtype=bool)
    if len(boxes) == 0 or len(target_boxes) == 0:
        return true_positive
    corner = np.maximum(boxes[:, None, :2], target_boxes[:, :2])
    opposite = np.minimum(boxes[:, None, 2:], target_boxes[:, 2:])
    shared = np.maximum(opposite - corner, 0).prod(axis=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    target_area = (target_boxes[:, 2:] - target_boxes[:, :2]).prod(axis=1)
    iou = shared / (area[:, None] + target_area - shared)
    for d in np.argsort(-scores, kind="stable"):
        best = iou[d].argmax()
        if iou[d, best] >= iou_threshold:
            true_positive[d] = True
    return true_positive


@mistake("small case 4", "must not take the calf", "true_positive[1] is True but must be False")
def a_neighbour_instead(boxes, scores, target_boxes, iou_threshold):
    true_positive = np.zeros(len(boxes), dtype=bool)
    if len(boxes) == 0 or len(target_boxes) == 0:
        return true_positive
    corner = np.maximum(boxes[:, None, :2], target_boxes[:, :2])
    opposite = np.minimum(boxes[:, None, 2:], target_boxes[:, 2:])
    shared = np.maximum(opposite - corner, 0).prod(axis=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    target_area = (target_boxes[:, 2:] - target_boxes[:, :2]).prod(axis=1)
    iou = shared / (area[:, None] + target_area - shared)
    claimed = set()
    for d in np.argsort(-scores, kind="stable"):
        best = max(range(len(target_boxes)), key=lambda g: (g not in claimed) * iou[d, g])
        if iou[d, best] >= 0.3 and best not in claimed:
            true_positive[d] = True
            claimed.add(best)
    return true_positive


@mistake("small case 3", "exactly at the threshold", "true_positive[0] is False but must be True")
def above_the_threshold_alone(boxes, scores, target_boxes, iou_threshold):
    true_positive = np.zeros(len(boxes), dtype=bool)
    if len(boxes) == 0 or len(target_boxes) == 0:
        return true_positive
    corner = np.maximum(boxes[:, None, :2], target_boxes[:, :2])
    opposite = np.minimum(boxes[:, None, 2:], target_boxes[:, 2:])
    shared = np.maximum(opposite - corner, 0).prod(axis=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    target_area = (target_boxes[:, 2:] - target_boxes[:, :2]).prod(axis=1)
    iou = shared / (area[:, None] + target_area - shared)
    claimed = set()
    for d in np.argsort(-scores, kind="stable"):
        best = iou[d].argmax()
        if iou[d, best] > iou_threshold and best not in claimed:
            true_positive[d] = True
            claimed.add(best)
    return true_positive


@mistake("small case 2", "found twice", "true_positive[0] is True but must be False")
def in_the_order_given(boxes, scores, target_boxes, iou_threshold):
    true_positive = np.zeros(len(boxes), dtype=bool)
    if len(boxes) == 0 or len(target_boxes) == 0:
        return true_positive
    corner = np.maximum(boxes[:, None, :2], target_boxes[:, :2])
    opposite = np.minimum(boxes[:, None, 2:], target_boxes[:, 2:])
    shared = np.maximum(opposite - corner, 0).prod(axis=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    target_area = (target_boxes[:, 2:] - target_boxes[:, :2]).prod(axis=1)
    iou = shared / (area[:, None] + target_area - shared)
    claimed = set()
    for d in range(len(boxes)):
        best = iou[d].argmax()
        if iou[d, best] >= iou_threshold and best not in claimed:
            true_positive[d] = True
            claimed.add(best)
    return true_positive


@mistake("small case 6", "stops at line", "argmax")
def nothing_to_be_found(boxes, scores, target_boxes, iou_threshold):
    true_positive = np.zeros(len(boxes), dtype=bool)
    if len(boxes) == 0:
        return true_positive
    corner = np.maximum(boxes[:, None, :2], target_boxes[:, :2])
    opposite = np.minimum(boxes[:, None, 2:], target_boxes[:, 2:])
    shared = np.maximum(opposite - corner, 0).prod(axis=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    target_area = (target_boxes[:, 2:] - target_boxes[:, :2]).prod(axis=1)
    iou = shared / (area[:, None] + target_area - shared)
    claimed = set()
    for d in np.argsort(-scores, kind="stable"):
        best = iou[d].argmax()
        if iou[d, best] >= iou_threshold and best not in claimed:
            true_positive[d] = True
            claimed.add(best)
    return true_positive


@mistake("small case 1", "recall[0] is 1 but must be 0.5", of="precision_recall")
def recall_of_what_was_found(scores, true_positive, target_count):
    found = np.cumsum(true_positive[np.argsort(-scores, kind="stable")])
    return found / np.arange(1, len(scores) + 1), found / max(1, true_positive.sum())


@mistake(
    "small case 2",
    "scores in another order",
    "precision[0] is 1 but must be 0",
    of="precision_recall",
)
def not_sorted(scores, true_positive, target_count):
    found = np.cumsum(true_positive)
    return found / np.arange(1, len(scores) + 1), found / target_count


@mistake("small case 1", "area is 0.5455 but must be 0.5", of="area_under_curve")
def eleven_points(recall, precision):
    levels = np.linspace(0, 1, 11)[:, None]
    return np.where(recall >= levels, precision, 0.0).max(axis=1, initial=0.0).mean()


@mistake(
    "small case 3",
    "precision that rises again",
    "area is 0.2917 but must be 0.3333",
    of="area_under_curve",
)
def precision_that_rises_again(recall, precision):
    steps = np.diff(recall, prepend=0.0)
    return (steps * precision).sum()


@mistake("small case 1", "area is 0 but must be 0.5", of="area_under_curve")
def trapezoids(recall, precision):
    return (np.diff(recall) * (precision[1:] + precision[:-1]) / 2).sum()
