"""Box voting: of boxes that mean the same object, their mean is better than the best one."""

from __future__ import annotations

from minicv.backend import Array, xp_of
from minicv.vision.boxes import as_float_boxes, box_iou


def vote_boxes(kept: Array, boxes: Array, scores: Array, iou_threshold: float) -> Array:
    """Each kept box becomes the mean of all boxes that overlap it, weighted by their scores.

    ``box = sum(s_j box_j) / sum(s_j)`` over the boxes j whose IoU with the kept one is at least
    ``iou_threshold``. A detector predicts each object from several regions; their errors differ, so
    that the mean has a smaller one. Suppression alone throws the other predictions away.

    Args:
        kept: (D, 4), what non-maximum suppression left. D may be 0.
        boxes: (N, 4) of the same class, before suppression.
        scores: (N,), not negative.
        iou_threshold: above 0.

    Returns:
        (D, 4), in the order of ``kept``. A box that nothing overlaps with a score above 0 stays.

    Source: Gidaris & Komodakis, Object detection via a multi-region and semantic segmentation-aware
    CNN model, ICCV 2015, section 4.

    >>> import numpy as np
    >>> boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [0, 30, 10, 40]])
    >>> vote_boxes(boxes[:1], boxes, np.array([0.75, 0.25, 0.5]), 0.5).tolist()
    [[0.25, 0.0, 10.25, 10.0]]
    """
    kept = as_float_boxes(kept, "vote_boxes", "kept")
    boxes = as_float_boxes(boxes, "vote_boxes", "boxes")
    xp = xp_of(kept, boxes, scores)
    votes = (box_iou(kept, boxes) >= iou_threshold) * scores.astype(boxes.dtype)  # (D, N)
    total = votes.sum(axis=1, keepdims=True)  # (D, 1)
    mean = (votes @ boxes) / xp.where(total > 0, total, 1)
    return xp.where(total > 0, mean, kept).astype(kept.dtype)
