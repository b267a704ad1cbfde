"""Typical wrong answers to the exercise nms."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 2", "exactly at the threshold", "(1,)", "must have (2,)", "1 too few")
def suppress_at_the_threshold(boxes, scores, iou_threshold):
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    order = np.argsort(-scores, kind="stable")
    kept = []
    while len(order) > 0:
        best, rest = order[0], order[1:]
        kept.append(best)
        corner = np.maximum(boxes[best, :2], boxes[rest, :2])
        opposite = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = np.maximum(opposite - corner, 0).prod(axis=1)
        union = area[best] + area[rest] - shared
        order = rest[shared / np.where(union > 0, union, 1) < iou_threshold]
    return np.array(kept, dtype=np.int64)


@mistake("small case 4", "equal scores", "kept[0] is 2 but must be 0")
def a_reversed_ascending_order(boxes, scores, iou_threshold):
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    order = np.argsort(scores, kind="stable")[::-1]
    kept = []
    while len(order) > 0:
        best, rest = order[0], order[1:]
        kept.append(best)
        corner = np.maximum(boxes[best, :2], boxes[rest, :2])
        opposite = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = np.maximum(opposite - corner, 0).prod(axis=1)
        union = area[best] + area[rest] - shared
        order = rest[shared / np.where(union > 0, union, 1) <= iou_threshold]
    return np.array(kept, dtype=np.int64)


@mistake("small case 3", "a chain", "(1,)", "must have (2,)")
def removed_boxes_remove_others(boxes, scores, iou_threshold):
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    order = np.argsort(-scores, kind="stable")
    kept = []
    for position, box in enumerate(order):
        better = order[:position]
        corner = np.maximum(boxes[box, :2], boxes[better, :2])
        opposite = np.minimum(boxes[box, 2:], boxes[better, 2:])
        shared = np.maximum(opposite - corner, 0).prod(axis=1)
        union = area[box] + area[better] - shared
        if (shared / np.where(union > 0, union, 1) <= iou_threshold).all():
            kept.append(box)
    return np.array(kept, dtype=np.int64)


@mistake("small case 1", "kept[0] is 0 but must be 1")
def positions_in_the_sorted_list(boxes, scores, iou_threshold):
    boxes = boxes[np.argsort(-scores, kind="stable")]
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    order = np.arange(len(boxes))
    kept = []
    while len(order) > 0:
        best, rest = order[0], order[1:]
        kept.append(best)
        corner = np.maximum(boxes[best, :2], boxes[rest, :2])
        opposite = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = np.maximum(opposite - corner, 0).prod(axis=1)
        union = area[best] + area[rest] - shared
        order = rest[shared / np.where(union > 0, union, 1) <= iou_threshold]
    return np.array(kept, dtype=np.int64)


@mistake("small case 2", "exactly at the threshold", "(1,)", "must have (2,)")
def widths_with_a_plus_one(boxes, scores, iou_threshold):
    area = (boxes[:, 2:] - boxes[:, :2] + 1).prod(axis=1)
    order = np.argsort(-scores, kind="stable")
    kept = []
    while len(order) > 0:
        best, rest = order[0], order[1:]
        kept.append(best)
        corner = np.maximum(boxes[best, :2], boxes[rest, :2])
        opposite = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = np.maximum(opposite - corner + 1, 0).prod(axis=1)
        order = rest[shared / (area[best] + area[rest] - shared) <= iou_threshold]
    return np.array(kept, dtype=np.int64)


@mistake("small case 5", "boxes that cover nothing", "(1,)", "must have (2,)")
def nothing_by_nothing(boxes, scores, iou_threshold):
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    order = np.argsort(-scores, kind="stable")
    kept = []
    while len(order) > 0:
        best, rest = order[0], order[1:]
        kept.append(best)
        corner = np.maximum(boxes[best, :2], boxes[rest, :2])
        opposite = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = np.maximum(opposite - corner, 0).prod(axis=1)
        order = rest[shared / (area[best] + area[rest] - shared) <= iou_threshold]
    return np.array(kept, dtype=np.int64)
