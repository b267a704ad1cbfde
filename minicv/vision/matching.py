"""Matching boxes with targets, and drawing the balanced sample that a loss is computed on.

**Matching** (`Matcher`) says which target each anchor or proposal shall learn, and which boxes are
background. A box is positive when its IoU with some target reaches ``high_threshold``, negative
when its IoU with every target is below ``low_threshold``, and ignored in between: such a box is too
good for background and too loose to learn from.

A target may have no box that reaches the threshold. With ``allow_low_quality_matches`` the boxes
that overlap it most become positive all the same. Three mistakes are common in this rule:

* A target that overlaps no box at all has a best IoU of 0, and every box that misses it ties with
  that. Only boxes that do overlap the target may become positive.
* Several boxes often tie for the best IoU, and rounding decides whether ``==`` sees the tie. All
  boxes within `TIE_TOLERANCE` of the best are taken, so that float32 and float64 agree.
* A box that becomes positive for one target may overlap another target more. It learns the target
  that it overlaps most, as in torchvision and detectron2: a regressor reaches that one more easily.

**Sampling** (`balanced_sample`): nearly all anchors are background, and a loss over all of them
would learn to say "background" everywhere. So the loss is computed on a fixed number of boxes, of
which at most a fixed share is positive.

Sources: Ren et al., "Faster R-CNN" (2015), sections 3.1.2 and 3.1.3; Girshick, "Fast R-CNN" (2015),
section 2.3.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minicv.backend import Array, kernels_of, to_numpy, xp_of
from minicv.backend.cpu.matching import IGNORED as IGNORED
from minicv.backend.cpu.matching import NEGATIVE as NEGATIVE
from minicv.backend.cpu.matching import POSITIVE as POSITIVE
from minicv.backend.cpu.matching import TIE_TOLERANCE as TIE_TOLERANCE
from minicv.vision.boxes import as_float_boxes


class Matches(NamedTuple):
    """What `Matcher` says about each box.

    Attributes:
        target_index: (N,) int64, the target that the box overlaps most, the first of equals. A
            valid index whatever the label, if there are targets at all; 0 if there are none.
        label: (N,) int8, `POSITIVE`, `NEGATIVE` or `IGNORED`.
        iou: (N,), the overlap with that target; 0 where there are none.
    """

    target_index: Array
    label: Array
    iou: Array


@dataclass(frozen=True)
class Matcher:
    """Assigns targets to boxes by intersection over union.

    Attributes:
        high_threshold: IoU from which a box is positive (``>=``).
        low_threshold: IoU below which a box is negative (``<``).
        allow_low_quality_matches: whether the best boxes of each target become positive even below
            ``high_threshold``. It suits anchors, whose places do not depend on the image; it does
            not suit proposals.
        background_floor: IoU below which a box is ignored instead of background. Fast R-CNN and
            SPP-net take background boxes from an IoU of 0.1 up, which is a cheap way to get hard
            negatives; Faster R-CNN from 0. The floor does not apply to an image without targets:
            there every box is background.

    Raises:
        ValueError: not 0 <= background_floor <= low_threshold <= high_threshold <= 1.

    >>> targets = np.array([[0.0, 0.0, 10.0, 10.0]])
    >>> boxes = np.array([[0.0, 0.0, 10.0, 9.0], [0.0, 0.0, 10.0, 5.0], [50.0, 50.0, 60.0, 60.0]])
    >>> matches = Matcher(0.7, 0.3)(targets, boxes)
    >>> matches.label.tolist(), matches.iou.tolist()
    ([1, -1, 0], [0.9, 0.5, 0.0])
    """

    high_threshold: float
    low_threshold: float
    allow_low_quality_matches: bool = False
    background_floor: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.background_floor <= self.low_threshold <= self.high_threshold <= 1:
            raise ValueError(
                "Matcher: expected 0 <= background_floor <= low_threshold <= high_threshold <= 1 "
                f"but background_floor={self.background_floor}, "
                f"low_threshold={self.low_threshold}, high_threshold={self.high_threshold}"
            )

    def __call__(self, target_boxes: Array, boxes: Array) -> Matches:
        """Match every box to a target; there may be no boxes and no targets.

        Args:
            target_boxes: (G, 4), pixels.
            boxes: (N, 4) anchors or proposals, pixels.

        Returns:
            `Matches` of N boxes.

        Raises:
            ValueError: an argument is not (N, 4).

        >>> Matcher(0.5, 0.5)(np.zeros((0, 4)), np.zeros((2, 4))).label.tolist()
        [0, 0]
        """
        return self.match_images(target_boxes, [len(target_boxes)], boxes, [len(boxes)])

    def match_images(
        self,
        target_boxes: Array,
        target_counts: Sequence[int],
        boxes: Array,
        box_counts: Sequence[int] | None = None,
    ) -> Matches:
        """Match the boxes of several images, each with the targets of its own image.

        The overlaps are never kept. On a device all images are matched together, and the host does
        not wait.

        Args:
            target_boxes: (G, 4), pixels; those of the first image, then of the second, and so on.
            target_counts: how many of them each image has.
            boxes: (N, 4), pixels, likewise.
            box_counts: how many of them each image has; None if all images share all boxes, as
                they share their anchors.

        Returns:
            `Matches` of the boxes of the first image, then of the second, and so on; a target's
            index is a row of ``target_boxes``.

        Raises:
            ValueError: an argument is not (N, 4), or counts do not add up.

        >>> targets, boxes = np.array([[0.0, 0.0, 8.0, 8.0]]), np.array([[0.0, 0.0, 8.0, 6.0]])
        >>> Matcher(0.5, 0.5).match_images(targets, [1, 0], boxes).label.tolist()
        [1, 0]
        """
        target_boxes = as_float_boxes(target_boxes, "Matcher", "target_boxes")
        boxes = as_float_boxes(boxes, "Matcher", "boxes")
        of_targets = _places("target_boxes", target_boxes, target_counts)
        if box_counts is None:
            of_boxes = [slice(0, len(boxes))] * len(of_targets)
        else:
            of_boxes = _places("boxes", boxes, box_counts)
        xp = xp_of(target_boxes, boxes)
        dtype = xp.result_type(target_boxes, boxes)
        index, label, iou = kernels_of(target_boxes, boxes).match_boxes(
            target_boxes.astype(dtype, copy=False),
            boxes.astype(dtype, copy=False),
            list(zip(of_targets, of_boxes, strict=True)),
            self.high_threshold,
            self.low_threshold,
            self.background_floor,
            self.allow_low_quality_matches,
        )
        return Matches(index, label, iou.astype(boxes.dtype, copy=False))


def _places(argument: str, boxes: Array, counts: Sequence[int]) -> list[slice]:
    """Where the boxes of each image are."""
    starts = [0, *itertools.accumulate(counts)]
    if not counts or starts[-1] != len(boxes):
        raise ValueError(
            f"Matcher: {argument} has {len(boxes)} boxes, but the counts of the images are "
            f"{list(counts)}; they must add up"
        )
    return [slice(start, end) for start, end in itertools.pairwise(starts)]


def balanced_sample(
    labels: Array, count: int, positive_fraction: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Draw boxes without replacement: positives up to their share, negatives for all the rest.

    Positives are at most ``floor(count * positive_fraction + 0.5)``. Negatives fill the sample up
    to ``count``, so an image without positives still teaches what background looks like. The sample
    is smaller than ``count`` only where there are too few boxes; it is never padded.

    Args:
        labels: (N,) integers: positive above 0, negative at 0, left out below 0, as from `Matcher`.
        count: size of the sample.
        positive_fraction: the share of positives, from 0 to 1.
        rng: the source of randomness. The draw is made on the host, so the same seed draws the same
            boxes on every device.

    Returns:
        ``(positive, negative)``: indices into ``labels``, int64, each ascending.

    Raises:
        ValueError: ``labels`` is not one-dimensional, ``count`` is negative, or the fraction is not
            in 0..1.

    >>> labels = np.array([1, 0, -1, 0, 1, 1, 0])
    >>> positive, negative = balanced_sample(labels, 4, 0.25, np.random.default_rng(0))
    >>> len(positive), negative.tolist()
    (1, [1, 3, 6])
    """
    if labels.ndim != 1 or count < 0 or not 0 <= positive_fraction <= 1:
        raise ValueError(
            "balanced_sample: expected labels of shape (N,), count >= 0 and positive_fraction in "
            f"0..1 but labels={tuple(labels.shape)}, count={count}, "
            f"positive_fraction={positive_fraction}"
        )
    xp = xp_of(labels)
    sample = balanced_samples(labels, [len(labels)], count, positive_fraction, rng)
    rows, positives = sample.rows, sample.positives[0]
    return xp.asarray(rows[:positives]), xp.asarray(rows[positives:])


class Sample(NamedTuple):
    """The S boxes that were drawn from the boxes of several images; all of it on the host.

    Attributes:
        rows: (S,) their rows among all boxes, image by image, of each image positives first.
        places: (P,) where in ``rows`` the positives are.
        positives: how many positives each image has.
        counts: how many boxes were drawn of each image.
        starts: the row of each image's first box.
    """

    rows: np.ndarray
    places: np.ndarray
    positives: list[int]
    counts: list[int]
    starts: list[int]


def balanced_samples(
    labels: Array,
    lengths: Sequence[int],
    count: int,
    positive_fraction: float,
    rng: np.random.Generator,
) -> Sample:
    """`balanced_sample` of each of several images. The host waits once for all of them.

    Args:
        labels: of all images, one after the other.
        lengths: how many labels each image has.
        count, positive_fraction: of each image.
        rng: draws for the first image, then for the second, and so on.

    Raises:
        ValueError: there are more or fewer labels, ``count`` is negative, or the fraction is not
            in 0..1.

    >>> labels = np.array([0, 1, 1, -1, 0])
    >>> sample = balanced_samples(labels, [2, 3], 4, 0.5, np.random.default_rng(0))
    >>> sample.rows.tolist(), sample.places.tolist(), sample.positives, sample.counts
    ([1, 0, 2, 4], [0, 2], [1, 1], [2, 2])
    """
    if labels.shape != (sum(lengths),) or count < 0 or not 0 <= positive_fraction <= 1:
        raise ValueError(
            "balanced_samples: expected as many labels as the lengths add up to, count >= 0 and "
            f"positive_fraction in 0..1 but labels={tuple(labels.shape)}, lengths={list(lengths)}, "
            f"count={count}, positive_fraction={positive_fraction}"
        )
    at_most = math.floor(count * positive_fraction + 0.5)
    on_host = to_numpy(labels)
    starts = [0, *itertools.accumulate(lengths)]
    rows, places, positives, counts = [], [], [], []
    drawn = 0
    for first, length in zip(starts, lengths, strict=False):
        own = on_host[first : first + length]
        positive = _draw(np.flatnonzero(own > 0), at_most, rng)
        negative = _draw(np.flatnonzero(own == 0), count - len(positive), rng)
        rows += [first + positive, first + negative]
        places.append(drawn + np.arange(len(positive)))
        positives.append(len(positive))
        counts.append(len(positive) + len(negative))
        drawn += counts[-1]
    return Sample(np.concatenate(rows), np.concatenate(places), positives, counts, starts[:-1])


def _draw(indices: np.ndarray, at_most: int, rng: np.random.Generator) -> np.ndarray:
    if len(indices) > at_most:
        indices = rng.choice(indices, size=at_most, replace=False, shuffle=False)
    return np.sort(indices).astype(np.int64)
