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

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minicv.backend import Array, to_numpy, xp_of
from minicv.backend.parallel import split
from minicv.vision.boxes import as_float_boxes, box_iou

POSITIVE, NEGATIVE, IGNORED = 1, 0, -1
TIE_TOLERANCE = 1e-5
BLOCK_ELEMENTS = 1 << 22  # pairs in a block: 16 megabytes of float32


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

        The (G, N) overlaps are computed in blocks of boxes, so that they take only a few megabytes.

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
        target_boxes = as_float_boxes(target_boxes, "Matcher", "target_boxes")
        boxes = as_float_boxes(boxes, "Matcher", "boxes")
        xp = xp_of(target_boxes, boxes)
        count = len(boxes)
        index = xp.zeros(count, dtype=xp.int64)
        best = xp.zeros(count, dtype=boxes.dtype)
        if len(target_boxes) == 0 or count == 0:
            return Matches(index, xp.full(count, NEGATIVE, dtype=xp.int8), best)

        # 1. For each box: its best target, and whether the overlap is large enough.
        best_of_target = xp.zeros(len(target_boxes), dtype=boxes.dtype)
        blocks = split(count, BLOCK_ELEMENTS // len(target_boxes))
        for block in blocks:
            overlaps = box_iou(target_boxes, boxes[block])  # (G, B)
            index[block] = overlaps.argmax(axis=0)
            best[block] = overlaps.max(axis=0)
            best_of_target = xp.maximum(best_of_target, overlaps.max(axis=1))
        # Nested choices: for an assignment through a mask the host waits for the device.
        background = (best >= self.background_floor) & (best < self.low_threshold)
        label = xp.where(background, xp.int8(NEGATIVE), xp.int8(IGNORED))
        label = xp.where(best >= self.high_threshold, xp.int8(POSITIVE), label)

        # 2. For each target: its best boxes, if any overlap it. The overlaps are computed again,
        #    which costs less than keeping all of them.
        if self.allow_low_quality_matches:
            nearly_best = best_of_target[:, None] - TIE_TOLERANCE
            for block in blocks:
                overlaps = box_iou(target_boxes, boxes[block])
                best_boxes = ((overlaps >= nearly_best) & (overlaps > 0)).any(axis=0)
                label[block] = xp.where(best_boxes, xp.int8(POSITIVE), label[block])
        return Matches(index, label, best)


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
    xp = xp_of(labels)
    if labels.ndim != 1 or count < 0 or not 0 <= positive_fraction <= 1:
        raise ValueError(
            "balanced_sample: expected labels of shape (N,), count >= 0 and positive_fraction in "
            f"0..1 but labels={tuple(labels.shape)}, count={count}, "
            f"positive_fraction={positive_fraction}"
        )
    on_host = to_numpy(labels)
    positive = np.flatnonzero(on_host > 0)
    negative = np.flatnonzero(on_host == 0)
    positive = _draw(positive, math.floor(count * positive_fraction + 0.5), rng)
    negative = _draw(negative, count - len(positive), rng)
    return xp.asarray(positive), xp.asarray(negative)


def _draw(indices: np.ndarray, at_most: int, rng: np.random.Generator) -> np.ndarray:
    if len(indices) > at_most:
        indices = rng.choice(indices, size=at_most, replace=False, shuffle=False)
    return np.sort(indices).astype(np.int64)
