"""Polygons: which pixels lie inside of an outline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LARGEST = 1e9  # beyond any picture; a coordinate above it is a slip
CROSSINGS_AT_ONCE = 1 << 20  # bounds the memory that an outline of very many corners costs


def fill_polygons(polygons: Sequence[Sequence[float]], height: int, width: int) -> np.ndarray:
    """The union of polygons given as x, y, x, y, ..., as a mask (H, W) bool.

    Corners are in continuous pixel coordinates, and the pixels whose centres lie inside are taken
    (even-odd rule). COCO's tool draws the outline too: its masks can differ along the rim.

    Args:
        polygons: each of three corners or more.
        height, width: of the picture.

    Raises:
        ValueError: a polygon has fewer than three corners, half a corner, or a coordinate that is
            not finite or beyond 1e9.

    >>> fill_polygons([[1, 0, 3, 0, 3, 2, 1, 2]], 3, 4).astype(int).tolist()
    [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    """
    mask = np.zeros((height, width), bool)
    for polygon in polygons:
        if len(polygon) < 6 or len(polygon) % 2:
            raise ValueError(f"a polygon has {len(polygon)} numbers, expected x, y of 3 or more")
        corners = np.asarray(polygon, np.float64).reshape(-1, 2)
        if not (np.abs(corners) < LARGEST).all():
            raise ValueError("a polygon has a coordinate that is not finite or beyond 1e9")
        left, top = np.clip(np.floor(corners.min(axis=0)), 0, (width, height)).astype(int)
        right, bottom = np.clip(np.ceil(corners.max(axis=0)), 0, (width, height)).astype(int)
        window = mask[top:bottom, left:right]
        window |= _inside(corners - (left, top), *window.shape)
    return mask


def _inside(corners: np.ndarray, height: int, width: int) -> np.ndarray:
    """Which pixel centres lie in the polygon (P, 2)? (H, W) bool.

    Along a row of pixel centres each crossing of an edge leads from outside to inside or back.
    """
    following = np.roll(corners, -1, axis=0)
    upper_first = corners[:, 1] <= following[:, 1]
    upper = np.where(upper_first[:, None], corners, following)  # (P, 2) upper end of each edge
    lower = np.where(upper_first[:, None], following, corners)
    # The rows r with upper y <= r + 0.5 < lower y.
    first = np.clip(np.ceil(upper[:, 1] - 0.5), 0, height).astype(int)
    count = np.clip(np.ceil(lower[:, 1] - 0.5), 0, height).astype(int) - first
    crossings = np.zeros((height, width + 1), np.int32)
    block = np.cumsum(count) // CROSSINGS_AT_ONCE
    for edges in np.split(np.arange(len(corners)), np.flatnonzero(np.diff(block)) + 1):
        _count_crossings(crossings, upper[edges], lower[edges], first[edges], count[edges])
    return np.cumsum(crossings[:, :-1], axis=1) % 2 == 1


def _count_crossings(
    crossings: np.ndarray,
    upper: np.ndarray,
    lower: np.ndarray,
    first: np.ndarray,
    count: np.ndarray,
) -> None:
    """Add 1 to ``crossings`` (H, W + 1) at the first pixel centre right of each crossing.

    Edge e crosses the rows ``first[e]`` to ``first[e] + count[e] - 1``.
    """
    width = crossings.shape[1] - 1
    edge = np.repeat(np.arange(len(upper)), count)  # one entry for each crossing
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    rise = lower[edge, 1] - upper[edge, 1]
    share = (row + 0.5 - upper[edge, 1]) / rise
    x = upper[edge, 0] + share * (lower[edge, 0] - upper[edge, 0])
    column = np.clip(np.ceil(x - 0.5), 0, width).astype(int)
    np.add.at(crossings, (row, column), 1)
