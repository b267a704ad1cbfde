"""COCO's two forms of a mask: polygons, and run lengths down the columns.

Lin et al., Microsoft COCO (ECCV 2014); the format is described at cocodataset.org/#format-data.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def decode_segmentation(segmentation: Sequence | dict, height: int, width: int) -> np.ndarray:
    """The mask (H, W) bool of a COCO annotation.

    Args:
        segmentation: polygons, or a dict of run lengths: `counts` (a list, or a compressed
            string) and `size` (height, width).
        height, width: of the picture.

    Raises:
        ValueError: the runs do not fit the picture, or a polygon has no three corners.

    Example:
        >>> square = [[1, 0, 3, 0, 3, 2, 1, 2]]
        >>> decode_segmentation(square, 3, 4).astype(int).tolist()
        [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
        >>> decode_segmentation({"counts": [3, 2, 1], "size": [3, 2]}, 3, 2).astype(int).tolist()
        [[0, 1], [0, 1], [0, 0]]
    """
    if isinstance(segmentation, dict):
        return decode_runs(segmentation["counts"], tuple(segmentation["size"]), (height, width))
    return fill_polygons(segmentation, height, width)


def fill_polygons(polygons: Sequence[Sequence[float]], height: int, width: int) -> np.ndarray:
    """The union of polygons given as x, y, x, y, ..., as a mask (H, W) bool.

    Corners are in continuous pixel coordinates, and the pixels whose centres lie inside are taken
    (even-odd rule). The reference tool draws the outline too: its masks can differ along the rim.

    Raises:
        ValueError: a polygon has fewer than three corners, or half a corner.
    """
    mask = np.zeros((height, width), bool)
    for polygon in polygons:
        if len(polygon) < 6 or len(polygon) % 2:
            raise ValueError(f"a polygon has {len(polygon)} numbers, expected x, y of 3 or more")
        corners = np.asarray(polygon, np.float64).reshape(-1, 2)
        left, top = np.clip(np.floor(corners.min(axis=0)), 0, (width, height)).astype(int)
        right, bottom = np.clip(np.ceil(corners.max(axis=0)), 0, (width, height)).astype(int)
        window = mask[top:bottom, left:right]
        window |= _inside(corners - (left, top), *window.shape)
    return mask


def _inside(corners: np.ndarray, height: int, width: int) -> np.ndarray:
    """Which pixel centres lie in the polygon (P, 2)? (H, W) bool.

    Going along a row of centres, each edge that is crossed changes from outside to inside or back.
    """
    following = np.roll(corners, -1, axis=0)
    upper_first = corners[:, 1] <= following[:, 1]
    upper = np.where(upper_first[:, None], corners, following)  # (P, 2) upper end of each edge
    lower = np.where(upper_first[:, None], following, corners)
    # The rows r with upper y <= r + 0.5 < lower y.
    first = np.clip(np.ceil(upper[:, 1] - 0.5), 0, height).astype(int)
    count = np.clip(np.ceil(lower[:, 1] - 0.5), 0, height).astype(int) - first
    edge = np.repeat(np.arange(len(corners)), count)  # one entry for each crossing
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    rise = lower[edge, 1] - upper[edge, 1]
    share = (row + 0.5 - upper[edge, 1]) / rise
    x = upper[edge, 0] + share * (lower[edge, 0] - upper[edge, 0])
    column = np.clip(np.ceil(x - 0.5), 0, width).astype(int)  # first centre right of the crossing
    crossings = np.zeros((height, width + 1), np.int32)
    np.add.at(crossings, (row, column), 1)
    return np.cumsum(crossings[:, :-1], axis=1) % 2 == 1


def decode_runs(
    counts: Sequence[int] | str | bytes, size: tuple[int, int], expected: tuple[int, int]
) -> np.ndarray:
    """Run lengths of 0, 1, 0, 1, ... down the columns -> a mask `size` (H, W) bool.

    Raises:
        ValueError: `size` is not `expected`, or the runs do not fill it.
    """
    if tuple(size) != tuple(expected):
        raise ValueError(
            f"the runs are for a picture of {tuple(size)} (height, width), not {expected}"
        )
    runs = expand_counts(counts) if isinstance(counts, (str, bytes)) else list(counts)
    height, width = size
    if sum(runs) != height * width or min(runs, default=0) < 0:
        raise ValueError(f"the runs hold {sum(runs)} pixels, expected {height} * {width}")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(width, height).T.copy()


def expand_counts(text: str | bytes) -> list[int]:
    """The run lengths that COCO's compressed string holds.

    Each number is written in characters of 6 bits from chr(48): five bits of the number, lowest
    first, and 32 where more follow; the fifth bit of the last one is the sign. From the third
    number after the first on, what is written is the difference to the number two places before.

    >>> expand_counts("321")
    [3, 2, 1]
    """
    codes = text.encode() if isinstance(text, str) else text
    runs: list[int] = []
    value = shift = 0
    for code in codes:
        bits = code - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs
