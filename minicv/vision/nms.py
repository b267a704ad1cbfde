"""Non-maximum suppression: of the boxes that say the same thing, only the best stays.

Greedy: take the box with the highest score, strike out all boxes whose IoU with it is *greater
than* the threshold, and repeat with what is left. A box exactly at the threshold stays. Boxes of
equal score are taken in the order they came, on every device.

Source: Girshick et al., "Rich feature hierarchies" (2014), section 2.2.
"""

from __future__ import annotations

from minicv.backend import Array, kernels_of
from minicv.vision.boxes import as_float_boxes


def nms(boxes: Array, scores: Array, iou_threshold: float) -> Array:
    """Indices of the boxes that survive, best score first.

    On a GPU the host waits once, to learn how many they are.

    Args:
        boxes: (N, 4), pixels.
        scores: (N,).
        iou_threshold: overlap, from 0 to 1, above which the lower box falls.

    Returns:
        (M,) int64 indices into ``boxes``.

    Raises:
        ValueError: shapes do not fit, the threshold is not in 0..1, or there are more than 262144
            boxes on a GPU.

    Cost: at worst one IoU for each pair of a surviving and another box. On a GPU always one for
    each pair, and a bit of memory for each.

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

    Labels are compared as labels. The usual short cut, boxes that are shifted far apart by their
    label, rounds the shifted coordinates and so can decide a close case differently.

    Args:
        boxes: (N, 4), pixels.
        scores: (N,).
        labels: (N,) integers; anything that tells groups apart, such as the level of a pyramid.
        iou_threshold: overlap, from 0 to 1, above which the lower box falls.

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


def _check(operation: str, boxes: Array, iou_threshold: float, **columns: Array) -> None:
    for name, column in columns.items():
        if tuple(column.shape) != (len(boxes),):
            raise ValueError(
                f"{operation}: {name} expects one value per box, shape ({len(boxes)},), but has "
                f"shape {tuple(column.shape)}"
            )
    if not 0 <= iou_threshold <= 1:
        raise ValueError(
            f"{operation}: iou_threshold expects a number from 0 to 1 but is {iou_threshold}"
        )
