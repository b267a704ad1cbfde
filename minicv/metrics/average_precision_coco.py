"""Average precision and average recall of boxes as the COCO challenge defines them.

Three stages, numbered below:

1. *Match*, per image and class. Detections, best score first and at most 100, each take the target
   they overlap most among those still free. This is done separately for each of 10 IoU thresholds
   (0.50 to 0.95) and 4 ranges of object area (all, small, medium, large).
   Targets outside the area range, crowds, and difficult objects are *to ignore*: they need not be
   found, and a detection that takes one counts neither for nor against. A detection takes such a
   target only if no other target overlaps it enough. A crowd can be taken any number of times, and
   its overlap is the share of the *detection* that lies inside the crowd. A difficult object can be
   taken any number of times too, as in VOC's evaluation. A detection that takes nothing and is
   itself outside the area range is ignored too.
2. *Accumulate*, per class. Detections of all images are put in order of score, and precision is
   read at 101 levels of recall, after it has been made non-increasing.
3. *Summarise* to twelve numbers: means over thresholds, recall levels and classes. A class without
   targets in an area range is left out there. Where all classes are left out, the number is -1,
   which means "nothing to find" and must not be averaged with anything.

The numbers equal those of pycocotools, with two exceptions: pycocotools marks a match by the id of
the annotation and takes id 0 for "no match", so it miscounts data whose ids begin at 0; and it does
not know difficult objects, which come from VOC.

Source: Lin et al., "Microsoft COCO" (2014), and the detection evaluation page of the challenge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from minicv.metrics.detections import ImagePredictions, ImageTargets, count_classes, read_detections
from minicv.vision import box_area, box_intersection_over_area, box_iou

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_LEVELS = np.linspace(0.0, 1.0, 101)
MAX_DETECTIONS = (1, 10, 100)  # per image and class
AREA_RANGES = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
_ALL, _SMALL, _MEDIUM, _LARGE = range(4)


@dataclass(frozen=True)
class CocoAveragePrecision:
    """What `coco_average_precision` returns. Every number is -1 where there was nothing to find.

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
    thresholds, areas = len(IOU_THRESHOLDS), len(AREA_RANGES)
    precision = np.full((thresholds, len(RECALL_LEVELS), classes, areas), -1.0)
    recall = np.full((thresholds, classes, areas, len(MAX_DETECTIONS)), -1.0)
    for label in range(classes):
        matched = [
            _match_image(image, truth, label)
            for image, truth in zip(images, truths, strict=True)
            if (image.labels == label).any() or (truth.labels == label).any()
        ]
        if matched:
            _accumulate(matched, precision[:, :, label], recall[:, label])
    return _summarise(precision, recall)


# 1. Match


@dataclass(frozen=True)
class _MatchedImage:
    """Detections of one class in one image, best score first, after matching."""

    scores: np.ndarray  # (D,)
    true_positive: np.ndarray  # (A, T, D) bool
    false_positive: np.ndarray  # (A, T, D) bool; where neither holds, the detection is ignored
    targets: np.ndarray  # (A,) how many are to be found


def _match_image(image: ImagePredictions, truth: ImageTargets, label: int) -> _MatchedImage:
    chosen = np.flatnonzero(image.labels == label)[: MAX_DETECTIONS[-1]]
    there = truth.labels == label
    boxes, target_boxes, crowd = image.boxes[chosen], truth.boxes[there], truth.iscrowd[there]
    not_counted = crowd | truth.difficult[there]
    iou: np.ndarray = box_iou(boxes, target_boxes)  # (D, G)
    share: np.ndarray = box_intersection_over_area(boxes, target_boxes)
    overlaps = np.where(crowd, share, iou)
    to_ignore = _outside_area_ranges(truth.area[there]) | not_counted  # (A, G)
    found, took_ignored = _take_targets(overlaps, not_counted, to_ignore)
    ignored = took_ignored | (~found & _outside_area_ranges(box_area(boxes))[:, None, :])
    return _MatchedImage(
        scores=image.scores[chosen],
        true_positive=found & ~ignored,
        false_positive=~found & ~ignored,
        targets=(~to_ignore).sum(axis=1),
    )


def _outside_area_ranges(area: np.ndarray) -> np.ndarray:
    """(N,) -> (A, N); an area on the limit of two ranges is inside both."""
    low, high = np.array(list(AREA_RANGES.values())).T[:, :, None]  # (A, 1) each
    return (area < low) | (area > high)


def _take_targets(
    overlaps: np.ndarray, any_number_of_times: np.ndarray, to_ignore: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Let each detection in turn take the best target that is free.

    Every array over (A, T) holds the decisions for all 4 area ranges and 10 IoU thresholds, which
    are made side by side.

    Args:
        overlaps: (D, G), detections best score first.
        any_number_of_times: (G,) bool, the targets that several detections can take.
        to_ignore: (A, G) bool.

    Returns:
        Two bool arrays (A, T, D): whether the detection took a target, and one to ignore.
    """
    detections, targets = overlaps.shape
    shape = (len(AREA_RANGES), len(IOU_THRESHOLDS))
    took = np.zeros((detections, *shape), dtype=bool)
    took_ignored = np.zeros((detections, *shape), dtype=bool)
    free = np.ones((targets, *shape), dtype=bool)
    ignore = to_ignore.T[:, :, None]  # (A, G) -> (G, A, 1)
    reaches = overlaps[:, :, None] >= IOU_THRESHOLDS  # (D, G, T)
    near = reaches[:, :, 0]  # (D, G): at least the lowest threshold
    for detection in np.flatnonzero(near.any(axis=1)):
        # Of equal overlaps the last target wins, as in pycocotools.
        best_first = np.argsort(overlaps[detection], kind="stable")[::-1]
        candidates = [target for target in best_first if near[detection, target]]
        for ignorable in (False, True):  # targets to ignore come last
            for target in candidates:
                takes = free[target] & reaches[detection, target] & ~took[detection]
                takes &= ignore[target] == ignorable
                took[detection] |= takes
                if ignorable:
                    took_ignored[detection] |= takes
                if not any_number_of_times[target]:
                    free[target] &= ~takes
    return np.moveaxis(took, 0, -1), np.moveaxis(took_ignored, 0, -1)  # (D, A, T) -> (A, T, D)


# 2. Accumulate


def _accumulate(images: list[_MatchedImage], precision: np.ndarray, recall: np.ndarray) -> None:
    """Fill in one class: precision (T, R, A) and recall (T, A, M). Left at -1 without targets."""
    scores = np.concatenate([image.scores for image in images])
    best_first = np.argsort(-scores, kind="stable")  # equal scores in the order of the images
    true_positive = np.concatenate([image.true_positive for image in images], axis=2)
    false_positive = np.concatenate([image.false_positive for image in images], axis=2)
    rank = np.concatenate([np.arange(len(image.scores)) for image in images])  # within the image
    targets = np.sum([image.targets for image in images], axis=0)  # (A,)

    for area in np.flatnonzero(targets):
        for which, limit in enumerate(MAX_DETECTIONS):
            found = true_positive[area][:, rank < limit].sum(axis=1)
            recall[:, area, which] = found / targets[area]
        found = true_positive[area][:, best_first].cumsum(axis=1)  # (T, D)
        wrong = false_positive[area][:, best_first].cumsum(axis=1)
        # Before the first detection that counts, 0 / 0 is to be 0.
        exact = found / np.maximum(found + wrong, 1)
        envelope = np.maximum.accumulate(exact[:, ::-1], axis=1)[:, ::-1]
        reached = found / targets[area]
        for threshold in range(len(IOU_THRESHOLDS)):
            position = np.searchsorted(reached[threshold], RECALL_LEVELS, side="left")
            # Beyond the last recall that is reached, precision is 0.
            padded = np.append(envelope[threshold], 0.0)
            precision[threshold, :, area] = padded[position]


# 3. Summarise


def _summarise(precision: np.ndarray, recall: np.ndarray) -> CocoAveragePrecision:
    classes = range(precision.shape[2])
    of_any_size = precision[..., _ALL]  # (T, R, K)
    return CocoAveragePrecision(
        ap=_mean_of_found(of_any_size),
        ap50=_mean_of_found(of_any_size[0]),
        ap75=_mean_of_found(of_any_size[5]),
        ap_small=_mean_of_found(precision[..., _SMALL]),
        ap_medium=_mean_of_found(precision[..., _MEDIUM]),
        ap_large=_mean_of_found(precision[..., _LARGE]),
        ar_1=_mean_of_found(recall[..., _ALL, 0]),
        ar_10=_mean_of_found(recall[..., _ALL, 1]),
        ar_100=_mean_of_found(recall[..., _ALL, 2]),
        ar_small=_mean_of_found(recall[..., _SMALL, 2]),
        ar_medium=_mean_of_found(recall[..., _MEDIUM, 2]),
        ar_large=_mean_of_found(recall[..., _LARGE, 2]),
        ap_per_class=np.array([_mean_of_found(of_any_size[:, :, label]) for label in classes]),
        ap50_per_class=np.array([_mean_of_found(of_any_size[0, :, label]) for label in classes]),
        precision=precision,
        recall=recall,
    )


def _mean_of_found(values: np.ndarray) -> float:
    """Mean of the entries that are not -1, or -1 if all are."""
    found = values[values > -1]
    return float(found.mean()) if found.size else -1.0
