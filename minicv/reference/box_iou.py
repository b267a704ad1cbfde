"""Intersection over union, one pair of boxes at a time."""

from __future__ import annotations

import numpy as np


def box_iou(boxes1: np.ndarray, boxes2: np.ndarray) -> np.ndarray:
    """The twin of `minicv.vision.box_iou`: (M, 4) and (N, 4) -> (M, N).

    The two boxes share 6 x 8 pixels, and cover 80 together:

    >>> box_iou(np.array([[0.0, 0.0, 8.0, 8.0]]), np.array([[2.0, 0.0, 10.0, 8.0]])).tolist()
    [[0.6]]
    """
    overlaps = np.zeros((len(boxes1), len(boxes2)))
    for m in range(len(boxes1)):
        for n in range(len(boxes2)):
            overlaps[m, n] = iou_of_pair(boxes1[m], boxes2[n])
    return overlaps


def iou_of_pair(a: np.ndarray, b: np.ndarray) -> float:
    """What two boxes share, of what they cover together; 0 where one of them covers nothing.

    >>> iou_of_pair(np.array([0.0, 0.0, 2.0, 1.0]), np.array([2.0, 0.0, 3.0, 1.0]))
    0.0
    """
    left, top = max(a[0], b[0]), max(a[1], b[1])
    right, bottom = min(a[2], b[2]), min(a[3], b[3])
    if right <= left or bottom <= top:
        return 0.0
    shared = (right - left) * (bottom - top)
    return float(shared / (area(a) + area(b) - shared))


def area(box: np.ndarray) -> float:
    """Width times height; 0 if a side has no length.

    >>> area(np.array([0.0, 0.0, 4.0, 3.0])), area(np.array([5.0, 5.0, 5.0, 9.0]))
    (12.0, 0.0)
    """
    return float(max(box[2] - box[0], 0) * max(box[3] - box[1], 0))
