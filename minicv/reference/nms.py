"""Non-maximum suppression as it is told: take the best, strike out what overlaps it, repeat."""

from __future__ import annotations

import numpy as np

from minicv.reference.box_iou import iou_of_pair


def nms(boxes: np.ndarray, scores: np.ndarray, iou_threshold: float) -> np.ndarray:
    """The twin of `minicv.vision.nms`: (N, 4) and (N,) -> (M,) indices, best score first.

    The first two boxes share 9 of 11 rows:

    >>> boxes = np.array([[0.0, 0.0, 10.0, 10.0], [0.0, 1.0, 10.0, 11.0], [20.0, 0.0, 30.0, 10.0]])
    >>> nms(boxes, np.array([0.5, 0.9, 0.1]), 0.5).tolist()
    [1, 2]
    """
    left = list(range(len(boxes)))
    kept = []
    while left:
        best = left[0]
        for i in left:
            if scores[i] > scores[best]:  # not >=: of equals the first
                best = i
        kept.append(best)
        left = [
            i for i in left if i != best and iou_of_pair(boxes[best], boxes[i]) <= iou_threshold
        ]
    return np.array(kept, np.int64)
