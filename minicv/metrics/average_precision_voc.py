"""Average precision as the PASCAL VOC challenges define it, at one IoU threshold.

Per class, over all images together:

1. Detections are taken best score first; equal scores image by image, and then as they came.
2. Of the targets of its own class and image, a detection can claim only the one that it overlaps
   most (the first of equals). If the IoU is below the threshold, the detection is a false positive.
   Else it is ignored if the target is difficult, and a true positive if no earlier detection has
   claimed the target. A second detection of the same target is a false positive; it cannot claim a
   neighbour instead.
   A crowd, which COCO's form has and VOC's has not, is no target. A detection that finds nothing is
   ignored if its share inside a crowd of its class reaches the threshold.
3. After each detection, precision = TP / (TP + FP) and recall = TP / (targets not difficult).
4. The curve becomes one number, in one of two ways:
   VOC 2007: the mean, over recall levels 0, 0.1 .. 1, of the best precision at that recall or
   above; since VOC 2010: the area under the curve, once precision has been made non-increasing.
   They differ by a point or two, so a result should always say which one it is.

A class without targets has no average precision: it is NaN and left out of the mean. Boxes are
half-open here, while the development kit counts ``x2 - x1 + 1``; for boxes of a few pixels the IoU
differs.

Source: Everingham et al., "The PASCAL Visual Object Classes Challenge" (2010), section 4.2; the VOC
2012 development kit, section 3.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from minicv.metrics.detections import ImagePredictions, ImageTargets, count_classes, read_detections
from minicv.vision import box_intersection_over_area, box_iou

# Written as in the published Python evaluations. The fourth level is 0.30000000000000004, so a
# recall of exactly 0.3 does not reach it; published 11-point values contain this effect.
RECALL_LEVELS = np.arange(0.0, 1.1, 0.1)


@dataclass(frozen=True)
class VocAveragePrecision:
    """What `voc_average_precision` returns; K classes.

    Attributes:
        area: (K,) area under the precision-recall curve (VOC 2010 and later), NaN without targets.
        eleven_point: (K,) eleven-point interpolation (VOC 2007), NaN without targets.
        mean_area: mean of ``area`` over the classes that have targets, NaN if none has.
        mean_eleven_point: the same of ``eleven_point``.
        targets_per_class: (K,) number of targets that are neither difficult nor a crowd.
        recall, precision: K arrays each, the curve after each detection that counts.
    """

    area: np.ndarray
    eleven_point: np.ndarray
    mean_area: float
    mean_eleven_point: float
    targets_per_class: np.ndarray
    recall: tuple[np.ndarray, ...]
    precision: tuple[np.ndarray, ...]


def voc_average_precision(
    predictions: Sequence[Mapping],
    targets: Sequence[Mapping],
    iou_threshold: float = 0.5,
    *,
    number_of_classes: int | None = None,
) -> VocAveragePrecision:
    """VOC average precision of every class, and the means over classes.

    Args:
        predictions: per image a dict of boxes, scores, labels; see `minicv.metrics.detections`.
        targets: per image a dict of boxes, labels and perhaps difficult and iscrowd.
        iou_threshold: overlap from which a detection has found its target (``>=``, as in the
            development kit).
        number_of_classes: K; None takes one more than the largest label.

    Raises:
        ValueError: a list or a field is not as it should be.

    >>> target = {"boxes": np.array([[0, 0, 8, 8], [20, 0, 28, 8]]), "labels": np.array([0, 0])}
    >>> prediction = {
    ...     "boxes": np.array([[0, 0, 8, 8], [40, 0, 48, 8]]),
    ...     "scores": np.array([0.9, 0.8]),
    ...     "labels": np.array([0, 0]),
    ... }
    >>> result = voc_average_precision([prediction], [target])
    >>> result.mean_area, round(result.mean_eleven_point, 4)
    (0.5, 0.5455)
    """
    operation = "voc_average_precision"
    images, truths = read_detections(predictions, targets, operation)
    classes = count_classes(images, truths, number_of_classes, operation)
    curves = [_curve_of_class(images, truths, label, iou_threshold) for label in range(classes)]
    recall = tuple(curve[0] for curve in curves)
    precision = tuple(curve[1] for curve in curves)
    positives = np.array([curve[2] for curve in curves], dtype=np.int64)
    found = positives > 0
    area = np.full(classes, np.nan)
    eleven_point = np.full(classes, np.nan)
    for label in np.flatnonzero(found):
        area[label] = area_under_curve(recall[label], precision[label])
        eleven_point[label] = eleven_point_interpolation(recall[label], precision[label])
    return VocAveragePrecision(
        area=area,
        eleven_point=eleven_point,
        mean_area=float(area[found].mean()) if found.any() else float("nan"),
        mean_eleven_point=float(eleven_point[found].mean()) if found.any() else float("nan"),
        targets_per_class=positives,
        recall=recall,
        precision=precision,
    )


def area_under_curve(recall: np.ndarray, precision: np.ndarray) -> float:
    """Area under a precision-recall curve, precision made non-increasing first (VOC 2010).

    At each recall the best precision at that recall or above counts. 0 for an empty curve.

    Args:
        recall: (D,) ascending.
        precision: (D,).

    >>> round(area_under_curve(np.array([0.5, 0.5, 1.0]), np.array([1.0, 0.5, 2 / 3])), 4)
    0.8333
    """
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(recall, prepend=0.0)
    return float((steps * envelope).sum())


def eleven_point_interpolation(recall: np.ndarray, precision: np.ndarray) -> float:
    """Mean over eleven recall levels of the best precision at that recall or above (VOC 2007).

    A level that is never reached counts 0, and so does every level of an empty curve.

    Args:
        recall: (D,) ascending.
        precision: (D,).

    >>> round(eleven_point_interpolation(np.array([0.5]), np.array([1.0])), 4)
    0.5455
    """
    reached = recall[None, :] >= RECALL_LEVELS[:, None]  # (11, D)
    best = np.where(reached, precision, 0.0).max(axis=1, initial=0.0)
    return float(best.mean())


def _curve_of_class(
    predictions: list[ImagePredictions],
    targets: list[ImageTargets],
    label: int,
    iou_threshold: float,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Recall and precision after each detection of a class that counts, and how many targets."""
    scores, overlaps, claims, ignored, in_crowd = [], [], [], [], []
    positives, targets_so_far = 0, 0
    for image, truth in zip(predictions, targets, strict=True):
        chosen = image.labels == label
        there = (truth.labels == label) & ~truth.iscrowd
        crowds = truth.boxes[(truth.labels == label) & truth.iscrowd]
        difficult = truth.difficult[there]
        positives += int((~difficult).sum())
        iou = box_iou(image.boxes[chosen], truth.boxes[there])  # (D, G)
        share = box_intersection_over_area(image.boxes[chosen], crowds)
        if iou.shape[1] == 0:
            iou, difficult = np.zeros((len(iou), 1)), np.zeros(1, dtype=bool)  # nothing to overlap
        best = iou.argmax(axis=1)
        scores.append(image.scores[chosen])
        overlaps.append(iou.max(axis=1))
        claims.append(best + targets_so_far)  # numbers the targets of all images in one row
        ignored.append(difficult[best])
        in_crowd.append(share.max(axis=1, initial=0.0) >= iou_threshold)
        targets_so_far += iou.shape[1]
    if positives == 0:
        return np.zeros(0), np.zeros(0), 0

    order = np.argsort(-np.concatenate(scores), kind="stable")
    hit = np.concatenate(overlaps)[order] >= iou_threshold
    claim = np.concatenate(claims)[order]
    counts = ~np.where(hit, np.concatenate(ignored)[order], np.concatenate(in_crowd)[order])
    hit, claim = hit[counts], claim[counts]

    true_positive = np.zeros(len(hit), dtype=bool)
    hits = np.flatnonzero(hit)
    _, first_to_claim = np.unique(claim[hits], return_index=True)
    true_positive[hits[first_to_claim]] = True
    found = np.cumsum(true_positive)
    return found / positives, found / np.arange(1, len(found) + 1), positives
