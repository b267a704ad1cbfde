"""From a score and a box of every region for every class to the detections of an image."""

from __future__ import annotations

from minicv.backend import Array, xp_of
from minicv.vision.boxes import remove_small_boxes
from minicv.vision.nms import batched_nms

SMALLEST_SIDE = 1e-2  # pixels; a box that clipping has left thinner shows nothing


def select_detections(
    class_scores: Array,
    boxes: Array,
    *,
    score_threshold: float,
    nms_threshold: float,
    detections_per_image: int,
) -> tuple[Array, Array, Array]:
    """What scores at or below the threshold goes; suppression within each class; the best remain.

    Args:
        class_scores: (R, K), without the background. R may be 0.
        boxes: (R, K, 4), clipped to the image.
        score_threshold: a detection has more than this.
        nms_threshold: overlap above which the lower of two boxes of a class falls.
        detections_per_image: at most, of all classes together.

    Returns:
        boxes (D, 4), labels (D,) int64 in 0..K-1, scores (D,); best first.

    Source: Girshick et al., "Rich feature hierarchies" (2014), section 2.2.

    >>> import numpy as np
    >>> boxes = np.array([[[0.0, 0, 8, 8]], [[0.0, 0, 8, 9]], [[9.0, 0, 12, 8]]])
    >>> select_detections(np.array([[0.5], [0.6], [0.1]]), boxes, score_threshold=0.2,
    ...                   nms_threshold=0.3, detections_per_image=9)[0].tolist()
    [[0.0, 0.0, 8.0, 9.0]]
    """
    xp = xp_of(class_scores, boxes)
    regions, classes = class_scores.shape
    boxes = boxes.reshape(-1, 4)  # (R, K, 4) -> (R K, 4)
    scores = class_scores.reshape(-1)  # (R K,)
    labels = xp.tile(xp.arange(classes, dtype=xp.int64), regions)  # (R K,)
    good = xp.flatnonzero(scores > score_threshold)
    good = good[remove_small_boxes(boxes[good], SMALLEST_SIDE)]
    boxes, scores, labels = boxes[good], scores[good], labels[good]
    kept = batched_nms(boxes, scores, labels, nms_threshold)[:detections_per_image]
    return boxes[kept], labels[kept], scores[kept]
