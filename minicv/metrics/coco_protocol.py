"""How the COCO challenge scores detections, whatever they are: boxes, masks or keypoints.

Three stages, numbered below. They know only how much each detection overlaps each target: IoU of
boxes or masks, object keypoint similarity of joints.

1. *Match*, per image and class. Detections, best score first and at most so many, each take the
   target they overlap most among those still free. This is done separately for each of 10
   thresholds of the overlap (0.50 to 0.95) and each range of object area.
   Targets outside the area range, crowds, and difficult objects are *to ignore*: they need not be
   found, and a detection that takes one counts neither for nor against. A detection takes such a
   target only if no other target overlaps it enough. A crowd can be taken any number of times. A
   difficult object can be taken any number of times too, as in VOC's evaluation. A detection that
   takes nothing and is itself outside the area range is ignored too.
2. *Accumulate*, per class. Detections of all images are put in order of score, and precision is
   read at 101 levels of recall, after it has been made non-increasing.
3. *Summarise*: means over thresholds, recall levels and classes. A class without targets in an area
   range is left out there. Where all classes are left out, the number is -1, which means "nothing
   to find" and must not be averaged with anything.

The numbers equal those of pycocotools, with two exceptions: pycocotools marks a match by the id of
the annotation and takes id 0 for "no match", so it miscounts data whose ids begin at 0; and it does
not know difficult objects, which come from VOC.

Source: Lin et al., "Microsoft COCO" (2014), and the evaluation pages of the challenge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_LEVELS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class Protocol:
    """What differs between the challenges.

    Attributes:
        area_ranges: A ranges by name, lowest and highest area in square pixels, both included.
        max_detections: M numbers, rising. Recall is computed with at most so many detections per
            image and class, precision with at most the last.
    """

    area_ranges: Mapping[str, tuple[float, float]]
    max_detections: tuple[int, ...]

    def outside(self, area: np.ndarray) -> np.ndarray:
        """(N,) -> (A, N) bool; an area on the limit of two ranges is inside both.

        >>> halves = Protocol({"low": (0, 5), "high": (5, 9)}, (100,))
        >>> halves.outside(np.array([5.0, 7.0])).tolist()
        [[False, True], [False, False]]
        """
        low, high = np.array(list(self.area_ranges.values())).T[:, :, None]  # (A, 1) each
        return (area < low) | (area > high)


class Detected(NamedTuple):
    """The detections of one image, best score first: scores, labels, area (D,) each."""

    scores: np.ndarray
    labels: np.ndarray
    area: np.ndarray  # square pixels


class Wanted(NamedTuple):
    """The targets of one image: labels, area, and two marks (G,) bool.

    ``not_counted`` marks those that need not be found, ``any_number_of_times`` those that several
    detections can take.
    """

    labels: np.ndarray
    area: np.ndarray
    not_counted: np.ndarray
    any_number_of_times: np.ndarray


Overlaps = Callable[[int, np.ndarray, np.ndarray], np.ndarray]


def evaluate(
    detected: Sequence[Detected],
    wanted: Sequence[Wanted],
    overlaps: Overlaps,
    number_of_classes: int,
    protocol: Protocol,
) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall of every class; -1 where there is nothing to find.

    Args:
        detected, wanted: of each image.
        overlaps: takes the number of an image, numbers of D of its detections, and numbers of G of
            its targets, and gives their overlaps (D, G), from 0 to 1.
        number_of_classes: K.
        protocol: area ranges and numbers of detections.

    Returns:
        precision (T, R, K, A): 10 thresholds, 101 recall levels, K classes, A area ranges.
        recall (T, K, A, M): M numbers of detections.

    >>> of_one, unmarked = np.array([40.0]), np.array([False])
    >>> label, any_area = np.array([0]), Protocol({"all": (0, 1e10)}, (100,))
    >>> precision, recall = evaluate(
    ...     [Detected(np.array([0.9]), label, of_one)],
    ...     [Wanted(label, of_one, unmarked, unmarked)],
    ...     lambda image, chosen, there: np.array([[0.7]]),
    ...     1,
    ...     any_area,
    ... )
    >>> recall[:, 0, 0, 0].tolist()  # taken at 0.5, 0.55, 0.6, 0.65 and 0.7
    [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    areas, limits = len(protocol.area_ranges), len(protocol.max_detections)
    shape = (len(THRESHOLDS), len(RECALL_LEVELS), number_of_classes, areas)
    precision = np.full(shape, -1.0)
    recall = np.full((len(THRESHOLDS), number_of_classes, areas, limits), -1.0)
    for label in range(number_of_classes):
        matched = []
        for number, (found, truth) in enumerate(zip(detected, wanted, strict=True)):
            chosen = np.flatnonzero(found.labels == label)[: protocol.max_detections[-1]]
            there = np.flatnonzero(truth.labels == label)
            if len(chosen) or len(there):
                image = found.scores[chosen], found.area[chosen], overlaps(number, chosen, there)
                targets = Wanted(*[of_all[there] for of_all in truth])
                matched.append(_match_image(*image, targets, protocol))
        if matched:
            _accumulate(matched, protocol, precision[:, :, label], recall[:, label])
    return precision, recall


# 1. Match


@dataclass(frozen=True)
class _MatchedImage:
    """Detections of one class in one image, best score first, after matching."""

    scores: np.ndarray  # (D,)
    true_positive: np.ndarray  # (A, T, D) bool
    false_positive: np.ndarray  # (A, T, D) bool; where neither holds, the detection is ignored
    targets: np.ndarray  # (A,) how many are to be found


def _match_image(
    scores: np.ndarray, area: np.ndarray, overlaps: np.ndarray, targets: Wanted, protocol: Protocol
) -> _MatchedImage:
    to_ignore = protocol.outside(targets.area) | targets.not_counted  # (A, G)
    found, took_ignored = _take_targets(overlaps, targets.any_number_of_times, to_ignore)
    ignored = took_ignored | (~found & protocol.outside(area)[:, None, :])
    return _MatchedImage(
        scores=scores,
        true_positive=found & ~ignored,
        false_positive=~found & ~ignored,
        targets=(~to_ignore).sum(axis=1),
    )


def _take_targets(
    overlaps: np.ndarray, any_number_of_times: np.ndarray, to_ignore: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Let each detection in turn take the best target that is free.

    Every array over (A, T) holds the decisions for all area ranges and thresholds, which are made
    side by side.

    Args:
        overlaps: (D, G), detections best score first.
        any_number_of_times: (G,) bool, the targets that several detections can take.
        to_ignore: (A, G) bool.

    Returns:
        Two bool arrays (A, T, D): whether the detection took a target, and one to ignore.
    """
    detections, targets = overlaps.shape
    shape = (len(to_ignore), len(THRESHOLDS))
    took = np.zeros((detections, *shape), dtype=bool)
    took_ignored = np.zeros((detections, *shape), dtype=bool)
    free = np.ones((targets, *shape), dtype=bool)
    ignore = to_ignore.T[:, :, None]  # (A, G) -> (G, A, 1)
    reaches = overlaps[:, :, None] >= THRESHOLDS  # (D, G, T)
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


def _accumulate(
    images: list[_MatchedImage], protocol: Protocol, precision: np.ndarray, recall: np.ndarray
) -> None:
    """Fill in one class: precision (T, R, A) and recall (T, A, M). Left at -1 without targets."""
    scores = np.concatenate([image.scores for image in images])
    best_first = np.argsort(-scores, kind="stable")  # equal scores in the order of the images
    true_positive = np.concatenate([image.true_positive for image in images], axis=2)
    false_positive = np.concatenate([image.false_positive for image in images], axis=2)
    rank = np.concatenate([np.arange(len(image.scores)) for image in images])  # within the image
    targets = np.sum([image.targets for image in images], axis=0)  # (A,)

    for area in np.flatnonzero(targets):
        for which, limit in enumerate(protocol.max_detections):
            found = true_positive[area][:, rank < limit].sum(axis=1)
            recall[:, area, which] = found / targets[area]
        found = true_positive[area][:, best_first].cumsum(axis=1)  # (T, D)
        wrong = false_positive[area][:, best_first].cumsum(axis=1)
        # Before the first detection that counts, 0 / 0 is to be 0.
        exact = found / np.maximum(found + wrong, 1)
        envelope = np.maximum.accumulate(exact[:, ::-1], axis=1)[:, ::-1]
        reached = found / targets[area]
        for threshold in range(len(THRESHOLDS)):
            position = np.searchsorted(reached[threshold], RECALL_LEVELS, side="left")
            # Beyond the last recall that is reached, precision is 0.
            padded = np.append(envelope[threshold], 0.0)
            precision[threshold, :, area] = padded[position]


# 3. Summarise


def mean_of_found(values: np.ndarray) -> float:
    """Mean of the entries that are not -1, or -1 if all are.

    >>> mean_of_found(np.array([0.5, -1.0, 1.0])), mean_of_found(np.array([-1.0]))
    (0.75, -1.0)
    """
    found = values[values > -1]
    return float(found.mean()) if found.size else -1.0
