"""Boundary IoU: how well do the borders of the classes fit?

The IoU of a large region hardly notices a ragged border, because nearly all of its pixels lie
inside. Boundary IoU looks only at pixels near a border: for each class, those of its region that
lie within d pixels of another class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minicv.backend import Array, to_numpy
from minicv.metrics.segmentation import check_pair, read_pairs
from minicv.vision.label_maps import VOID


class BoundaryIoU(NamedTuple):
    """IoU of the bands along the borders.

    Attributes:
        mean_iou: mean of `class_iou` over the classes that have one; NaN if none has.
        class_iou: (K,), intersection / union; NaN for a class without any border.
        intersection: (K,) int64, pixels in the band of the class in truth and prediction.
        union: (K,) int64, pixels in one or both of the two bands.
    """

    mean_iou: float
    class_iou: np.ndarray
    intersection: np.ndarray
    union: np.ndarray


def boundary_band(label_map: Array, distance: int) -> np.ndarray:
    """The label map near its borders, and `VOID` elsewhere.

    A pixel stays if a pixel of another class lies within `distance` rows and columns of it (the
    square of (2 · distance + 1)² around it). `VOID` is no other class: nobody knows what it hides,
    so its edge is no border. Nor is the edge of the picture.

    Args:
        label_map: (H, W), labels or `VOID`.
        distance: d in pixels, at least 1; with 1 the band is one pixel wide on each side.

    Returns:
        (H, W) int64 on the host.

    Raises:
        ValueError: `distance` is less than 1.

    >>> boundary_band(np.array([[0, 0, 0, 1, 1, 1, VOID]]), distance=2).tolist()
    [[255, 0, 0, 1, 1, 255, 255]]
    """
    # SciPy is asked for here, so that a program that never measures borders does not load it.
    from scipy.ndimage import maximum_filter, minimum_filter

    if distance < 1:
        raise ValueError(f"boundary_band: distance is {distance}, expected at least 1 pixel")
    labels = to_numpy(label_map).astype(np.int64)
    if labels.size == 0:
        return labels
    void = labels == VOID
    # Another class is near if the greatest or the least label of the square is not one's own. Each
    # is found with VOID put where it cannot win. At the edge the outermost pixels are repeated,
    # which adds nothing that the square does not hold already.
    square = 2 * distance + 1
    greatest = maximum_filter(np.where(void, -1, labels), size=square, mode="nearest")
    least = minimum_filter(np.where(void, VOID, labels), size=square, mode="nearest")
    near = ~void & ((greatest != labels) | (least != labels))
    return np.where(near, labels, VOID)


def boundary_iou(
    predictions: Sequence[Mapping], targets: Sequence[Mapping], num_classes: int, distance: int
) -> BoundaryIoU:
    """Boundary IoU of each class over many images, and its mean over the classes.

    With G the pixels of a class in the truth, P those in the prediction, and G_d, P_d the pixels of
    each within d of another class: |G_d ∩ P_d| / |G_d ∪ P_d|, pixels of all images counted
    together. With d as large as the picture it is the IoU of the whole regions. Pixels whose truth
    is `VOID` are taken out of the prediction too, before its borders are looked for.

    Args:
        predictions: for each image a dict with segmentation (H, W), 0..K-1.
        targets: in the same order, each with segmentation (H, W), 0..K-1 or `VOID`, and maybe
            image_id.
        num_classes: K.
        distance: d in pixels, at least 1. The source takes 2 % of the picture's diagonal, and less
            where annotations are exact: 0.5 %.

    Raises:
        ValueError: as `segmentation_values`; `distance` is less than 1.

    Source: Cheng et al., Boundary IoU: improving object-centric image segmentation evaluation
    (CVPR 2021); there for single masks, and with the picture's edge as a border, along which
    nothing can go wrong in a label map.

    >>> truth = [{"segmentation": np.array([[0, 0, 0, 0, 1, 1, 1, 1]])}]
    >>> shifted = [{"segmentation": np.array([[0, 0, 0, 1, 1, 1, 1, 1]])}]
    >>> boundary_iou(shifted, truth, num_classes=2, distance=2).class_iou.round(2).tolist()
    [0.33, 0.33]
    """
    intersection = np.zeros(num_classes, np.int64)
    union = np.zeros(num_classes, np.int64)
    for name, predicted, truth in read_pairs(predictions, targets, "boundary_iou"):
        predicted, truth = check_pair(predicted, truth, num_classes, name)
        there = boundary_band(truth, distance)
        said = boundary_band(np.where(truth == VOID, VOID, predicted), distance)
        both = _count(there[there == said], num_classes)
        intersection += both
        union += _count(there, num_classes) + _count(said, num_classes) - both
    known = union > 0
    class_iou = np.where(known, intersection / np.maximum(union, 1), np.nan)
    mean_iou = float(class_iou[known].mean()) if known.any() else float("nan")
    return BoundaryIoU(mean_iou, class_iou, intersection, union)


def _count(band: np.ndarray, num_classes: int) -> np.ndarray:
    """(K,) pixels of each class."""
    return np.bincount(band[band != VOID], minlength=num_classes)
