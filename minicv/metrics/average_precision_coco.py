"""Average precision and average recall of boxes and of masks as the COCO challenge defines them.

Boxes and masks differ in one thing, the overlap: IoU of boxes, or IoU of masks. With a crowd it is
the share of the *detection* that lies inside the crowd. All else is in
`minicv.metrics.coco_protocol`: which detection takes which target, and how precision and recall
come from that. The numbers equal those of pycocotools; the two exceptions are named there.

Source: Lin et al., "Microsoft COCO" (2014), and the detection evaluation page of the challenge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from minicv.metrics.coco_protocol import (
    Detected,
    Overlaps,
    Protocol,
    Wanted,
    evaluate,
    mean_of_found,
)
from minicv.metrics.detections import ImageTargets, count_classes, read_detections
from minicv.metrics.masks import MaskTargets, mask_overlaps, read_masks
from minicv.vision import box_area, box_intersection_over_area, box_iou

PROTOCOL = Protocol(
    area_ranges={
        "all": (0.0, 1e10),
        "small": (0.0, 32.0**2),
        "medium": (32.0**2, 96.0**2),
        "large": (96.0**2, 1e10),
    },
    max_detections=(1, 10, 100),
)
_ALL, _SMALL, _MEDIUM, _LARGE = range(4)


@dataclass(frozen=True)
class CocoAveragePrecision:
    """What `coco_average_precision` and `coco_mask_average_precision` return.

    Every number is -1 where there was nothing to find.

    Attributes:
        ap: mean average precision over IoU 0.50, 0.55 .. 0.95, the challenge's main number.
        ap50, ap75: the same at one IoU.
        ap_small, ap_medium, ap_large: for objects below 32 x 32, up to 96 x 96, and above.
        ar_1, ar_10, ar_100: mean recall with at most so many detections per image and class.
        ar_small, ar_medium, ar_large: mean recall by size, with at most 100.
        ap_per_class, ap50_per_class: (K,).
        precision: (T, R, K, A): 10 IoU thresholds, 101 recall levels, K classes, 4 area ranges.
        recall: (T, K, A, M): M = 1, 10, 100 detections.
    """

    ap: float
    ap50: float
    ap75: float
    ap_small: float
    ap_medium: float
    ap_large: float
    ar_1: float
    ar_10: float
    ar_100: float
    ar_small: float
    ar_medium: float
    ar_large: float
    ap_per_class: np.ndarray
    ap50_per_class: np.ndarray
    precision: np.ndarray = field(repr=False)
    recall: np.ndarray = field(repr=False)

    def stats(self) -> list[float]:
        """The twelve numbers in the order in which pycocotools prints them.

        >>> len(coco_average_precision([], []).stats())
        12
        """
        return [
            *(self.ap, self.ap50, self.ap75, self.ap_small, self.ap_medium, self.ap_large),
            *(self.ar_1, self.ar_10, self.ar_100, self.ar_small, self.ar_medium, self.ar_large),
        ]


def coco_average_precision(
    predictions: Sequence[Mapping],
    targets: Sequence[Mapping],
    *,
    number_of_classes: int | None = None,
) -> CocoAveragePrecision:
    """COCO's twelve numbers for boxes, and their parts by class.

    Args:
        predictions: per image a dict of boxes, scores, labels; see `minicv.metrics.detections`.
        targets: per image a dict of boxes, labels and perhaps difficult, iscrowd and area.
        number_of_classes: K; None takes one more than the largest label.

    Raises:
        ValueError: a list or a field is not as it should be.

    >>> target = {"boxes": np.array([[0, 0, 8, 8], [20, 0, 28, 8]]), "labels": np.array([0, 0])}
    >>> prediction = {
    ...     "boxes": np.array([[0, 0, 8, 8], [20, 0, 28, 6]]),
    ...     "scores": np.array([0.9, 0.8]),
    ...     "labels": np.array([0, 0]),
    ... }
    >>> result = coco_average_precision([prediction], [target])
    >>> result.ap50, round(result.ap, 4), result.ar_1, result.ap_large
    (1.0, 0.802, 0.5, -1.0)
    """
    operation = "coco_average_precision"
    images, truths = read_detections(predictions, targets, operation)
    classes = count_classes(images, truths, number_of_classes, operation)

    def overlaps(number: int, chosen: np.ndarray, there: np.ndarray) -> np.ndarray:
        boxes, targets = images[number].boxes[chosen], truths[number].boxes[there]
        iou: np.ndarray = box_iou(boxes, targets)  # (D, G)
        share: np.ndarray = box_intersection_over_area(boxes, targets)
        return np.where(truths[number].iscrowd[there], share, iou)

    detected = [Detected(image.scores, image.labels, box_area(image.boxes)) for image in images]
    return _evaluate(detected, truths, overlaps, classes)


def coco_mask_average_precision(
    predictions: Sequence[Mapping],
    targets: Sequence[Mapping],
    *,
    number_of_classes: int | None = None,
) -> CocoAveragePrecision:
    """COCO's twelve numbers for masks, and their parts by class.

    A detection is small, medium or large by the area of its mask, a target by its ``area``, or that
    of its mask where there is none. Boxes are not looked at.

    Args:
        predictions: per image a dict of masks, scores, labels; see `minicv.metrics.masks`.
        targets: per image a dict of masks, labels and perhaps difficult, iscrowd and area.
        number_of_classes: K; None takes one more than the largest label.

    Raises:
        ValueError: a list or a field is not as it should be, or the masks of an image are of two
            sizes.

    >>> target = {"masks": np.zeros((1, 60, 80), bool), "labels": np.array([0])}
    >>> target["masks"][0, 10:50, 20:60] = True
    >>> prediction = {"masks": target["masks"].copy(), "labels": [0], "scores": [0.9]}
    >>> prediction["masks"][0, 10:20] = False  # IoU 0.75
    >>> result = coco_mask_average_precision([prediction], [target])
    >>> round(result.ap, 4), result.ap75, result.ap_medium, result.ap_large
    (0.6, 1.0, 0.6, -1.0)
    """
    operation = "coco_mask_average_precision"
    images, truths = read_masks(predictions, targets, operation)
    classes = count_classes(images, truths, number_of_classes, operation)

    def overlaps(number: int, chosen: np.ndarray, there: np.ndarray) -> np.ndarray:
        masks, targets = images[number].masks[chosen], truths[number].masks[there]
        return mask_overlaps(masks, targets, truths[number].iscrowd[there])

    detected = [Detected(image.scores, image.labels, image.masks.area()) for image in images]
    return _evaluate(detected, truths, overlaps, classes)


def _evaluate(
    detected: Sequence[Detected],
    truths: Sequence[ImageTargets] | Sequence[MaskTargets],
    overlaps: Overlaps,
    classes: int,
) -> CocoAveragePrecision:
    wanted = []
    for truth in truths:
        spared = truth.iscrowd | truth.difficult
        wanted.append(Wanted(truth.labels, truth.area, spared, spared))
    return _summarise(*evaluate(detected, wanted, overlaps, classes, PROTOCOL))


def _summarise(precision: np.ndarray, recall: np.ndarray) -> CocoAveragePrecision:
    classes = range(precision.shape[2])
    of_any_size = precision[..., _ALL]  # (T, R, K)
    return CocoAveragePrecision(
        ap=mean_of_found(of_any_size),
        ap50=mean_of_found(of_any_size[0]),
        ap75=mean_of_found(of_any_size[5]),
        ap_small=mean_of_found(precision[..., _SMALL]),
        ap_medium=mean_of_found(precision[..., _MEDIUM]),
        ap_large=mean_of_found(precision[..., _LARGE]),
        ar_1=mean_of_found(recall[..., _ALL, 0]),
        ar_10=mean_of_found(recall[..., _ALL, 1]),
        ar_100=mean_of_found(recall[..., _ALL, 2]),
        ar_small=mean_of_found(recall[..., _SMALL, 2]),
        ar_medium=mean_of_found(recall[..., _MEDIUM, 2]),
        ar_large=mean_of_found(recall[..., _LARGE, 2]),
        ap_per_class=np.array([mean_of_found(of_any_size[:, :, label]) for label in classes]),
        ap50_per_class=np.array([mean_of_found(of_any_size[0, :, label]) for label in classes]),
        precision=precision,
        recall=recall,
    )
