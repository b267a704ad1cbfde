"""Non-maximum suppression that ends when it has enough."""

from __future__ import annotations

import numpy as np

from minicv.vision.nms import nms


def nms_of_best(
    boxes: np.ndarray, scores: np.ndarray, iou_threshold: float, most: int
) -> np.ndarray:
    """The first ``most`` indices that non-maximum suppression of all boxes would give.

    A box falls only to a better one, so the best part of the list can be settled without the rest.
    As long as too few survive, twice as many are looked at.

    Args:
        boxes: (N, 4), pixels, best first.
        scores: (N,), not ascending.
        iou_threshold: overlap above which the lower box falls.
        most: number of survivors that are wanted.

    Returns:
        (M,) int64 indices, M <= ``most``, ascending.

    >>> boxes = np.array([[0.0, 0, 9, 9], [0, 0, 9, 9], [20, 0, 29, 9], [40, 0, 49, 9]])
    >>> nms_of_best(boxes, np.array([4.0, 3, 2, 1]), 0.5, 2).tolist()
    [0, 2]
    """
    count = 2 * most
    while True:
        kept = nms(boxes[:count], scores[:count], iou_threshold)
        if len(kept) >= most or count >= len(boxes):
            return kept[:most]
        count *= 2
