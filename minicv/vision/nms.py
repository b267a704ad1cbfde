"""Non-maximum suppression: of boxes that overlap much, only the one with the best score stays.

The method is greedy: take the box with the highest score, remove all boxes whose IoU with it is
*greater than* the threshold, and repeat with the remaining boxes. A box exactly at the threshold
stays. Boxes of equal score are taken in the order they came, on every device.

Source: Girshick et al., "Rich feature hierarchies" (2014), section 2.2.
"""

from __future__ import annotations

from minicv.backend import Array, kernels_of
from minicv.vision.boxes import as_float_boxes


def nms(boxes: Array, scores: Array, iou_threshold: float) -> Array:
    """Indices of the boxes that stay, best score first.

    On a GPU the host waits once, to learn how many boxes stay.

    Args:
        boxes: (N, 4), pixels.
        scores: (N,).
        iou_threshold: overlap, from 0 to 1, above which the box with the lower score is removed.

    Returns:
        (M,) int64 indices into ``boxes``.

    Raises:
        ValueError: shapes do not fit, the threshold is not in 0..1, or there are more than 262144
            boxes on a GPU.

    Cost: at worst one IoU for each pair of a box that stays and another box. On a GPU always one
    IoU and one bit of memory for each pair of boxes.

    >>> import numpy as np
    >>> boxes = np.array([[0.0, 0.0, 10.0, 10.0], [0.0, 1.0, 10.0, 11.0], [20.0, 0.0, 30.0, 10.0]])
    >>> nms(boxes, np.array([0.5, 0.9, 0.1]), 0.5).tolist()
    [1, 2]
    """
    boxes = as_float_boxes(boxes, "nms", "boxes")
    kernels = kernels_of(boxes, scores)
    _check("nms", boxes, iou_threshold, scores=scores)
    return kernels.nms(boxes, scores, iou_threshold)


def batched_nms(boxes: Array, scores: Array, labels: Array, iou_threshold: float) -> Array:
    """Non-maximum suppression within each class: boxes of different labels never compete.

    Labels are compared directly. The usual shortcut moves the boxes of each label far from those
    of the others; it rounds the moved coordinates, and so it can decide a close case differently.

    Args:
        boxes: (N, 4), pixels.
        scores: (N,).
        labels: (N,) integers; anything that tells groups apart, such as the level of a pyramid.
        iou_threshold: overlap, from 0 to 1, above which the box with the lower score is removed.

    Returns:
        (M,) int64 indices into ``boxes``, best score first over all classes; equal scores in the
        order they came.

    Raises:
        ValueError: as `nms`.

    >>> import numpy as np
    >>> boxes = np.array([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 10.0]])
    >>> batched_nms(boxes, np.array([0.5, 0.9, 0.1]), np.array([0, 1, 1]), 0.5).tolist()
    [1, 0]
    """
    boxes = as_float_boxes(boxes, "batched_nms", "boxes")
    kernels = kernels_of(boxes, scores, labels)
    _check("batched_nms", boxes, iou_threshold, scores=scores, labels=labels)
    return kernels.nms(boxes, scores, iou_threshold, labels)


def _check(operation: str, boxes: Array, iou_threshold: float, **per_box: Array) -> None:
    for name, values in per_box.items():
        if tuple(values.shape) != (len(boxes),):
            raise ValueError(
                f"{operation}: {name} expects one value per box, shape ({len(boxes)},), but has "
                f"shape {tuple(values.shape)}"
            )
    if not 0 <= iou_threshold <= 1:
        raise ValueError(
            f"{operation}: iou_threshold expects a number from 0 to 1 but is {iou_threshold}"
        )
