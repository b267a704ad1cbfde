"""Where a detection came from: its region, that region's anchor, and what the head saw."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minicv.inspection.stage import Stage
from minicv.models.detection.roi_heads import SMALLEST_SIDE
from minicv.vision.boxes import remove_small_boxes

MOST_CHANNELS = 10  # of a region, the strongest ones


class Candidates(NamedTuple):
    """The N boxes from which suppression chooses: those with a score, before suppression.

    Attributes:
        boxes: (N, 4).
        labels: (N,) 0..K-1.
        scores: (N,).
        regions: (N,) the region of each.
        lowest: all boxes with a score above it are here, and no others.
    """

    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    regions: np.ndarray
    lowest: float


def candidates_of(
    boxes: np.ndarray, class_scores: np.ndarray, *, lowest: float, most: int
) -> Candidates:
    """What `select_detections` takes for a box with a score, in the same order.

    Suppression of the boxes above any threshold that is not below ``lowest`` of the result gives
    what it gives for all boxes, because only a better box can remove a box.

    Args:
        boxes: (R, K, 4).
        class_scores: (R, K).
        lowest: boxes with this score or less are left out.
        most: how many boxes; if there are more, ``lowest`` of the result is greater.

    >>> boxes = np.array([[[0.0, 0, 8, 8]], [[0.0, 0, 8, 9]], [[9.0, 0, 12, 8]]])
    >>> found = candidates_of(boxes, np.array([[0.5], [0.6], [0.1]]), lowest=0.05, most=2)
    >>> found.regions.tolist(), found.lowest
    ([0, 1], 0.1)
    """
    classes = class_scores.shape[1]
    boxes, scores = boxes.reshape(-1, 4), class_scores.reshape(-1)
    if np.count_nonzero(scores > lowest) > most:
        lowest = float(np.sort(scores)[-most - 1])
    good = np.flatnonzero(scores > lowest)
    good = good[remove_small_boxes(boxes[good], SMALLEST_SIDE)]
    return Candidates(boxes[good], good % classes, scores[good], good // classes, lowest)


class Anchors(NamedTuple):
    """The anchors of R regions.

    Attributes:
        boxes: (R, 4).
        cells: (R, 4) whole numbers: the level of each, its row, its column, and which of the
            anchors of that cell it is.
        strides: of the levels, pixels.
        per_cell: how many anchors each cell has.
    """

    boxes: np.ndarray
    cells: np.ndarray
    strides: list[float]
    per_cell: int


def anchors_of(stages: Sequence[Stage], indices: np.ndarray) -> Anchors | None:
    """The anchors with these numbers among all of the system, and their cells.

    Args:
        stages: up to those of the proposals.
        indices: (R,), ``anchor_indices`` of a stage of kind "boxes".

    Returns:
        None where no stage has anchors, or their grids.
    """
    one_map = last_of(stages, "anchors")
    if one_map is not None:
        anchors = np.asarray(one_map.arrays["anchors"])  # (h, w, A, 4)
        features = last_of(stages, "features")
        grids, strides = [anchors.shape[:3]], [float(features.arrays["stride"])] if features else []
    else:
        several = last_of(stages, "anchors of levels")
        if several is None or "grids" not in several.arrays:
            return None
        anchors = np.asarray(several.arrays["anchors"])
        grids = [tuple(grid) for grid in np.asarray(several.arrays["grids"]).tolist()]
        strides = [float(stride) for stride in several.arrays["strides"]]
    starts = [0, *itertools.accumulate(math.prod(grid) for grid in grids)]
    levels = np.searchsorted(starts, indices, side="right") - 1
    cells = np.zeros((len(indices), 4), np.int64)
    for row, (index, level) in enumerate(zip(indices.tolist(), levels.tolist(), strict=True)):
        cells[row] = level, *np.unravel_index(index - starts[level], grids[level])
    return Anchors(anchors.reshape(-1, 4)[indices], cells, strides, int(grids[0][2]))


class StrongChannels(NamedTuple):
    """The strongest channels of R regions, a few of each.

    Attributes:
        maps: (R, c, h, w) uint8, from the least (0) to the greatest number (255) of the region.
        channels: (R, c) their numbers, the one with the greatest mean first.
        ends: (R, 2) the least and the greatest number.
        of: how many channels there are.
    """

    maps: np.ndarray
    channels: np.ndarray
    ends: np.ndarray
    of: int


def strong_channels(stage: Stage, regions: np.ndarray) -> StrongChannels | None:
    """The channels of these regions with the greatest means, from a stage "region features".

    Returns:
        None where the features of a region are no maps.
    """
    features = np.asarray(stage.arrays["region_features"])
    if "maps" in stage.arrays:
        shape = tuple(int(size) for size in stage.arrays["maps"])
        features = features[:, : math.prod(shape)].reshape(-1, *shape)  # (R, P) -> (R, C, h, w)
    if features.ndim != 4 or 0 in features.shape[1:]:
        return None
    count, channels = len(regions), features.shape[1]
    most = min(MOST_CHANNELS, channels)
    means = features.mean(axis=(2, 3))[regions]  # (R, C)
    strongest = np.argsort(-means, axis=1, kind="stable")[:, :most]  # (R, c)
    maps = features[regions[:, None], strongest].astype(np.float32)  # (R, c, h, w)
    flat = maps.reshape(count, math.prod(maps.shape[1:]))
    low, high = flat.min(axis=1, initial=np.inf), flat.max(axis=1, initial=-np.inf)
    span = np.where(high > low, high - low, 1)
    share = (maps - low[:, None, None, None]) / span[:, None, None, None]
    return StrongChannels(
        np.floor(share * 255 + 0.5).astype(np.uint8), strongest, np.stack([low, high], 1), channels
    )


def last_of(stages: Sequence[Stage], kind: str) -> Stage | None:
    """The last of the stages of a kind.

    >>> last_of([], "boxes") is None
    True
    """
    return next((stage for stage in reversed(stages) if stage.kind == kind), None)
