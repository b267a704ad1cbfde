"""From a mask head's M x M probabilities to the pixels of the image.

The grid of probabilities is stretched over the detection's box, interpolated linearly, and a pixel
belongs to the object where the result passes one half. Two rules are in use, and average precision
of masks depends on the rule:

* `paste_masks` asks at the centre of each pixel, where the box really is;
* `paste_masks_expanded` rounds the box outwards to whole pixels, as the paper's code did.

Either way a pixel's value is a row's weights times the grid times a column's weights. So a box's
window is a product of three small matrices, and nothing is computed outside of it. The work is done
on the host, whose threads share the boxes; the masks are returned where the probabilities are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minicv.backend import Array, to_numpy, xp_of
from minicv.backend.parallel import parallel_for, split
from minicv.vision.boxes import as_float_boxes, as_wide_floats

_FARTHEST = 2.0**30  # pixels, beyond any image
_BOXES_IN_BLOCK = 4  # which one thread pastes


def paste_masks(probabilities: Array, boxes: Array, height: int, width: int) -> Array:
    """The pixels of the image whose centre has a probability of at least 0.5.

    The grid's cell (i, j) covers ``1 / M`` of the box's height and width, and its value stands at
    its middle. The centre of pixel column c, ``c + 0.5``, is in the middle of cell ::

        g(c) = (c + 0.5 - x1) M / (x2 - x1) - 0.5

    if that is whole; rows likewise. Between the middles the values are interpolated linearly,
    beyond the outermost they fall to 0 within a cell, so that they are halved at the box's border.

    Args:
        probabilities: (D, M, M), 0 to 1. D may be 0.
        boxes: (D, 4), pixels; may reach out of the image.
        height, width: H and W of the image.

    Returns:
        (D, H, W) bool. A degenerate box has no pixel.

    Raises:
        ValueError: a shape does not fit, or a box is not finite.

    Source: Wu et al., Detectron2 (2019), where this brought half a point of mask AP over the older
    rule.

    >>> grid = np.array([[[1.0, 0.0], [1.0, 1.0]]])
    >>> paste_masks(grid, np.array([[1.0, 0.0, 5.0, 4.0]]), 4, 6).astype(int).tolist()
    [[[0, 1, 1, 0, 0, 0], [0, 1, 1, 0, 0, 0], [0, 1, 1, 1, 1, 0], [0, 1, 1, 1, 1, 0]]]
    """
    grids, there = _checked("paste_masks", probabilities, boxes)
    cells = grids.shape[-1]
    # Beyond the box less than half of a probability is left.
    size = width, height
    first = np.clip(np.floor(there[:, :2]), 0, size).astype(np.int64)  # (D, 2)
    end = np.clip(np.ceil(there[:, 2:]), 0, size).astype(np.int64)
    end = np.where(there[:, :2] < there[:, 2:], end, first)

    def paste(d: int, rows: slice, columns: slice) -> np.ndarray:
        x1, y1, x2, y2 = there[d].astype(np.float64)
        down = (np.arange(rows.start, rows.stop) + 0.5 - y1) * (cells / (y2 - y1)) - 0.5
        along = (np.arange(columns.start, columns.stop) + 0.5 - x1) * (cells / (x2 - x1)) - 0.5
        return _interpolate(grids[d], down, along) >= 0.5

    return xp_of(probabilities).asarray(_paste_windows(paste, first, end, height, width))


def paste_masks_expanded(probabilities: Array, boxes: Array, height: int, width: int) -> Array:
    """The pixels of the image where the grid, stretched over the rounded box, is above 0.5.

    The grid gets a frame of zeros, one cell wide; the box grows with it, by ``(M + 2) / M`` around
    its centre, and its corners are truncated to whole numbers towards zero. The grid is resized to
    the box's pixels, of which there are ``x2 - x1 + 1`` in a row, the last column included.

    Args:
        probabilities: (D, M, M), 0 to 1. D may be 0.
        boxes: (D, 4), pixels; may reach out of the image.
        height, width: H and W of the image.

    Returns:
        (D, H, W) bool. A box with x2 = x1 still has one column; one with x2 < x1 has no pixel.

    Raises:
        ValueError: a shape does not fit, or a box is not finite.

    Source: torchvision's Mask R-CNN (paste_masks_in_image, and 0.5 as its reference evaluates),
    after the paper's code in Detectron (2018).

    >>> grid = np.array([[[1.0, 0.0], [1.0, 1.0]]])
    >>> paste_masks_expanded(grid, np.array([[1.0, 0.0, 5.0, 4.0]]), 4, 6).astype(int).tolist()
    [[[0, 0, 1, 0, 0, 0], [0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 1, 0], [0, 1, 1, 1, 1, 1]]]
    """
    grids, there = _checked("paste_masks_expanded", probabilities, boxes)
    cells = grids.shape[-1]
    half = (there[:, 2:] - there[:, :2]) * 0.5 * ((cells + 2) / cells)  # (D, 2)
    centre = (there[:, 2:] + there[:, :2]) * 0.5
    corner, last = (
        np.trunc(np.clip(place, -_FARTHEST, _FARTHEST)).astype(np.int64)
        for place in (centre - half, centre + half)
    )
    sides = last + 1 - corner
    first, end = np.maximum(corner, 0), np.minimum(last + 1, (width, height))

    def paste(d: int, rows: slice, columns: slice) -> np.ndarray:
        down = _framed(rows, corner[d, 1], sides[d, 1], cells)
        along = _framed(columns, corner[d, 0], sides[d, 0], cells)
        return _interpolate(grids[d], down, along) > 0.5

    return xp_of(probabilities).asarray(_paste_windows(paste, first, end, height, width))


def _paste_windows(
    paste: Callable[[int, slice, slice], np.ndarray],
    first: np.ndarray,
    end: np.ndarray,
    height: int,
    width: int,
) -> np.ndarray:
    """Masks (D, H, W) from what ``paste`` says of each window; (D, 2) first and end are x, y."""
    pasted = np.zeros((len(first), height, width), dtype=bool)
    with_pixels = np.flatnonzero((first < end).all(axis=1))

    def fill(some: slice) -> None:
        for d in with_pixels[some]:
            rows, columns = slice(first[d, 1], end[d, 1]), slice(first[d, 0], end[d, 0])
            pasted[d, rows, columns] = paste(d, rows, columns)

    parallel_for(fill, split(len(with_pixels), _BOXES_IN_BLOCK))
    return pasted


def _framed(pixels: slice, first: int, count: int, cells: int) -> np.ndarray:
    """Where pixels of a box with ``count`` of them lie among the cells; -1 is in the frame."""
    places = (np.arange(pixels.start, pixels.stop) - first + 0.5) * ((cells + 2) / count) - 0.5
    return np.clip(places, 0, cells + 1) - 1


def _interpolate(grid: np.ndarray, down: np.ndarray, along: np.ndarray) -> np.ndarray:
    """The grid (M, M) at every place of (h,) and (w,), in cells -> (h, w)."""
    of_rows, of_columns = (
        np.maximum(1 - np.abs(places[:, None] - np.arange(len(grid))), 0).astype(grid.dtype)
        for places in (down, along)
    )  # (h, M), (w, M): a cell's weight falls from 1 at its middle to 0 at that of the next one
    return of_rows @ grid @ of_columns.T


def _checked(operation: str, probabilities: Array, boxes: Array) -> tuple[np.ndarray, np.ndarray]:
    """Both on the host, and as floats wide enough."""
    corners = to_numpy(as_float_boxes(boxes, operation, "boxes"))
    if probabilities.ndim != 3 or probabilities.shape[1] != probabilities.shape[2]:
        raise ValueError(
            f"{operation}: probabilities expects shape (D, M, M) but has shape "
            f"{tuple(probabilities.shape)}"
        )
    if len(probabilities) != len(corners):
        raise ValueError(
            f"{operation}: {len(probabilities)} grids of probabilities and {len(corners)} boxes; "
            "expected as many of each"
        )
    if probabilities.shape[1] == 0:
        raise ValueError(f"{operation}: probabilities expects at least one cell but M is 0")
    if not np.isfinite(corners).all():
        raise ValueError(f"{operation}: boxes expects finite numbers but holds NaN or infinity")
    return to_numpy(as_wide_floats(probabilities, operation, "probabilities")), corners
