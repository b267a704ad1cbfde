"""A COCO "segmentation": polygons, or run lengths down the columns, of one object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicv.vision.polygons import LARGEST, fill_polygons
from minicv.vision.run_lengths import decode_runs


def decode_segmentation(segmentation: Sequence | dict, height: int, width: int) -> np.ndarray:
    """The mask (H, W) bool of a COCO annotation.

    Args:
        segmentation: polygons, or a dict of run lengths: `counts` (a list, or a compressed
            string) and `size` (height, width).
        height, width: of the picture.

    Raises:
        ValueError: the runs do not fit the picture, or a polygon is none; see `polygons_of`.

    Example:
        >>> square = [[1, 0, 3, 0, 3, 2, 1, 2]]
        >>> decode_segmentation(square, 3, 4).astype(int).tolist()
        [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
        >>> decode_segmentation({"counts": [3, 2, 1], "size": [3, 2]}, 3, 2).astype(int).tolist()
        [[0, 1], [0, 1], [0, 0]]
    """
    if isinstance(segmentation, dict):
        return decode_runs(*runs_of(segmentation), (height, width))
    good, bad = polygons_of(segmentation)
    if bad:
        raise ValueError(bad[0])
    return fill_polygons([polygon.ravel().tolist() for polygon in good], height, width)


def runs_of(segmentation: dict[str, Any]) -> tuple[Any, tuple[int, int]]:
    """The counts, as they are written, and the size (height, width) of run lengths.

    Raises:
        ValueError: one of them is missing or of a wrong type.
    """
    for key in ("counts", "size"):
        if key not in segmentation:
            raise ValueError(f"run lengths without {key}")
    counts, size = segmentation["counts"], segmentation["size"]
    if not isinstance(size, (list, tuple)) or len(size) != 2 or not _all_numbers(size):
        raise ValueError("size is not height and width")
    if isinstance(counts, (list, tuple)) and not _all_numbers(counts):
        raise ValueError("counts hold something else than whole numbers")
    if not isinstance(counts, (list, tuple, str, bytes, np.ndarray)):
        raise ValueError(f"counts are {counts!r:.60}, expected numbers or a compressed string")
    return counts, (size[0], size[1])


def polygons_of(segmentation: Any) -> tuple[list[np.ndarray], list[str]]:
    """The polygons (P, 2) of a segmentation, and what is wrong with those that are none.

    COCO writes a list of polygons, each x, y, x, y, ...; some tools write pairs [x, y], or one
    polygon that is not in a list.

    Raises:
        ValueError: the segmentation is missing, or no list.

    >>> good, bad = polygons_of([[0, 0, 4, 0, 4, 2], [1, 1, 3, 3]])
    >>> [polygon.tolist() for polygon in good]
    [[[0.0, 0.0], [4.0, 0.0], [4.0, 2.0]]]
    >>> bad
    ['a polygon has 4 numbers, expected x, y of 3 or more']
    """
    if segmentation is None or (isinstance(segmentation, (list, tuple)) and not segmentation):
        raise ValueError("there is none")
    if not isinstance(segmentation, (list, tuple)):
        raise ValueError(f"it is {segmentation!r:.60}, expected polygons or run lengths")
    polygons: Sequence[Any] = segmentation
    if _all_numbers(segmentation) or (len(segmentation) > 2 and _all_pairs(segmentation)):
        polygons = [segmentation]
    good, bad = [], []
    for polygon in polygons:
        try:
            good.append(_corners(polygon))
        except (ValueError, OverflowError) as error:
            bad.append(str(error))
    return good, bad


def _corners(polygon: Any) -> np.ndarray:
    if not isinstance(polygon, (list, tuple)):
        raise ValueError(f"a polygon is {polygon!r:.60}, expected x, y, x, y, ...")
    if _all_pairs(polygon):
        polygon = [value for pair in polygon for value in pair]
    if not _all_numbers(polygon):
        raise ValueError("a polygon holds something else than numbers x, y, x, y, ...")
    if len(polygon) < 6 or len(polygon) % 2:
        raise ValueError(f"a polygon has {len(polygon)} numbers, expected x, y of 3 or more")
    corners = np.array(polygon, np.float64).reshape(-1, 2)
    if not (np.abs(corners) < LARGEST).all():
        raise ValueError("a polygon has a coordinate that is not finite or beyond 1e9")
    return corners


def _all_numbers(values: Sequence[Any]) -> bool:
    """Whether there are only numbers, so neither True nor "1"."""
    return set(map(type, values)) <= {int, float}


def _all_pairs(values: Sequence[Any]) -> bool:
    return all(
        isinstance(pair, (list, tuple)) and len(pair) == 2 and _all_numbers(pair) for pair in values
    )
