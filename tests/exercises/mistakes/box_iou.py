"""Typical wrong answers to the exercise box_iou."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 1", "iou[0, 0] is 0.6 but must be 0.5")
def widths_with_a_plus_one(boxes1, boxes2):
    left = np.maximum(boxes1[:, None, 0], boxes2[:, 0])
    top = np.maximum(boxes1[:, None, 1], boxes2[:, 1])
    right = np.minimum(boxes1[:, None, 2], boxes2[:, 2])
    bottom = np.minimum(boxes1[:, None, 3], boxes2[:, 3])
    shared = np.maximum(right - left + 1, 0) * np.maximum(bottom - top + 1, 0)
    area1 = (boxes1[:, 2] - boxes1[:, 0] + 1) * (boxes1[:, 3] - boxes1[:, 1] + 1)
    area2 = (boxes2[:, 2] - boxes2[:, 0] + 1) * (boxes2[:, 3] - boxes2[:, 1] + 1)
    return shared / (area1[:, None] + area2 - shared)


@mistake("small case 2", "corner to corner", "iou[0, 0] is -0.2 but must be 0")
def sides_that_are_not_clipped_at_0(boxes1, boxes2):
    corner = np.maximum(boxes1[:, None, :2], boxes2[:, :2])
    opposite = np.minimum(boxes1[:, None, 2:], boxes2[:, 2:])
    shared = (opposite - corner).prod(axis=2)
    area1 = (boxes1[:, 2:] - boxes1[:, :2]).prod(axis=1)
    area2 = (boxes2[:, 2:] - boxes2[:, :2]).prod(axis=1)
    union = area1[:, None] + area2 - shared
    return shared / np.where(union > 0, union, 1)


@mistake("small case 1", "iou[0, 0] is 0.3333 but must be 0.5")
def a_union_that_counts_twice(boxes1, boxes2):
    corner = np.maximum(boxes1[:, None, :2], boxes2[:, :2])
    opposite = np.minimum(boxes1[:, None, 2:], boxes2[:, 2:])
    shared = np.maximum(opposite - corner, 0).prod(axis=2)
    area1 = (boxes1[:, 2:] - boxes1[:, :2]).prod(axis=1)
    area2 = (boxes2[:, 2:] - boxes2[:, :2]).prod(axis=1)
    union = area1[:, None] + area2
    return shared / np.where(union > 0, union, 1)


@mistake("small case 4", "boxes that cover nothing", "iou[0, 0] is nan but must be 0")
def nothing_by_nothing(boxes1, boxes2):
    corner = np.maximum(boxes1[:, None, :2], boxes2[:, :2])
    opposite = np.minimum(boxes1[:, None, 2:], boxes2[:, 2:])
    shared = np.maximum(opposite - corner, 0).prod(axis=2)
    area1 = (boxes1[:, 2:] - boxes1[:, :2]).prod(axis=1)
    area2 = (boxes2[:, 2:] - boxes2[:, :2]).prod(axis=1)
    return shared / (area1[:, None] + area2 - shared)


@mistake("small case 1", "(2, 1)", "must have (1, 2)", "its axes are in another order")
def rows_and_columns_exchanged(boxes1, boxes2):
    corner = np.maximum(boxes2[:, None, :2], boxes1[:, :2])
    opposite = np.minimum(boxes2[:, None, 2:], boxes1[:, 2:])
    shared = np.maximum(opposite - corner, 0).prod(axis=2)
    area1 = (boxes1[:, 2:] - boxes1[:, :2]).prod(axis=1)
    area2 = (boxes2[:, 2:] - boxes2[:, :2]).prod(axis=1)
    union = area2[:, None] + area1 - shared
    return shared / np.where(union > 0, union, 1)
