"""Places for labels in a crowd: off each other, near their objects, and not on small ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minicv.inspection.boxes import Box

GRID = 160  # cells along the longer side of the picture, for what labels would cover
HIDDEN = 10.0  # what hiding all of an object costs, where a distance of one label's height costs 1
JOINT = 0.25  # what hiding a joint costs
EDGE_POINTS = 80  # of an object, to which distances are measured
MOST_COVERED = 0.13  # of a picture by labels
NEAR = 0.4  # a label within that many of its heights needs no line to its object


class Extent(NamedTuple):
    """Where an object is, on the grid of a picture.

    Attributes:
        points: (P, 2) x and y in pixels of the picture, spread over the object; at least one.
        inside: (x, y) well inside of the object, where a line to its label may end.
        cover: (h, w) the share of the object in each cell of the grid; the sum is 1.
    """

    points: np.ndarray
    inside: tuple[float, float]
    cover: np.ndarray


class Place(NamedTuple):
    """Where a label stands, and whether a line must lead from it to its object."""

    box: Box
    far: bool


def grid_cell(picture_size: tuple[int, int]) -> int:
    """The side of a cell of the grid, in pixels of the picture.

    >>> grid_cell((640, 480)), grid_cell((4000, 3000))
    (4, 25)
    """
    return max(1, math.ceil(max(picture_size) / GRID))


def extent_of_mask(
    mask: np.ndarray, corner: tuple[float, float], factor: float, picture_size: tuple[int, int]
) -> Extent:
    """The extent of an object of which the pixels are known.

    Args:
        mask: (h, w) bool, the object's window; one pixel at least is True.
        corner: x and y of the window's first pixel, in pixels of the image.
        factor: how many times as large as the image the picture is.
        picture_size: width and height of the picture.

    >>> extent_of_mask(np.ones((4, 4), bool), (8, 8), 1, (16, 16)).inside
    (9.5, 9.5)
    """
    cell = grid_cell(picture_size)
    width, height = (math.ceil(side / cell) for side in picture_size)
    step = max(1, int(math.sqrt(mask.size / 40_000)))  # enough of a large window
    ys, xs = np.nonzero(mask[::step, ::step])
    if not len(ys):
        ys, xs = np.nonzero(mask)
        step = 1
    x, y = ((corner[axis] + along * step + 0.5) * factor for axis, along in enumerate((xs, ys)))
    columns = np.clip(x / cell, 0, width - 1).astype(np.int64)
    rows = np.clip(y / cell, 0, height - 1).astype(np.int64)
    counts = np.bincount(rows * width + columns, minlength=height * width).reshape(height, width)
    deep = _deepest(x, y, columns, rows, counts)
    points = np.stack([x, y], axis=1)[:: max(1, len(x) // EDGE_POINTS)]
    return Extent(points, deep, counts / counts.sum())


def extent_of_box(box: Sequence[float], picture_size: tuple[int, int]) -> Extent:
    """The extent of an object of which the box alone is known, in pixels of the picture.

    >>> extent_of_box((0, 0, 8, 8), (16, 16)).inside
    (4.0, 4.0)
    """
    cell = grid_cell(picture_size)
    width, height = (math.ceil(side / cell) for side in picture_size)
    limits = (picture_size[0], picture_size[1]) * 2
    x1, y1, x2, y2 = (min(max(0.0, float(v)), limit) for v, limit in zip(box, limits, strict=True))
    across, down = np.linspace(x1, x2, 12), np.linspace(y1, y2, 12)
    points = np.stack(np.meshgrid(across, down), axis=-1)  # (12, 12, 2)
    cover = np.zeros((height, width))
    columns = slice(min(int(x1 / cell), width - 1), max(int(x1 / cell) + 1, math.ceil(x2 / cell)))
    rows = slice(min(int(y1 / cell), height - 1), max(int(y1 / cell) + 1, math.ceil(y2 / cell)))
    cover[rows, columns] = 1
    ends = [points[0], points[-1], points[:, 0], points[:, -1]]
    return Extent(
        np.concatenate(ends), ((x1 + x2) / 2, (y1 + y2) / 2), cover / max(1.0, cover.sum())
    )


def _deepest(
    x: np.ndarray, y: np.ndarray, columns: np.ndarray, rows: np.ndarray, counts: np.ndarray
) -> tuple[float, float]:
    """A point of the object around which there is most of it."""
    x1, x2, y1, y2 = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
    part = counts[y1:y2, x1:x2].astype(np.float32)
    radius = max(1, int(math.sqrt((part > 0).sum()) / 4))
    sums = np.pad(part, ((radius + 1, radius), (radius + 1, radius))).cumsum(0).cumsum(1)
    side = 2 * radius + 1
    around = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    around = np.where(part > 0, around, -1)
    best = np.argwhere(around == around.max()).mean(axis=0)  # the middle of equals
    candidates = np.argwhere(part > 0)
    row, column = candidates[((candidates - best) ** 2).sum(axis=1).argmin()] + (y1, x1)
    here = (rows == row) & (columns == column)
    return float(x[here].mean()), float(y[here].mean())


def place_labels(
    extents: Sequence[Extent],
    sizes: Sequence[tuple[float, float]],
    picture_size: tuple[int, int],
    joints: np.ndarray | None = None,
) -> list[Place | None]:
    """A place for the label of each object; no label covers another.

    A label costs the distance to its object, in heights of the label, and the objects and joints
    that it hides: the smaller an object, the larger the part of it that a label hides. The small
    objects choose first, because few places are near them.

    Args:
        extents: N objects, see `extent_of_mask`.
        sizes: N widths and heights of labels, in pixels of the picture.
        picture_size: width and height.
        joints: (P, 2) x and y of joints, which labels should not hide.

    Returns:
        N places inside the picture; None for a label for which there is no room.

    >>> one = extent_of_box((40, 40, 60, 60), (100, 100))
    >>> place_labels([one], [(30, 10)], (100, 100))
    [Place(box=(35.0, 30.0, 65.0, 40.0), far=False)]
    """
    cell = grid_cell(picture_size)
    grid = (math.ceil(picture_size[1] / cell), math.ceil(picture_size[0] / cell))
    cost = np.zeros(grid)
    for extent in extents:
        cost += HIDDEN * extent.cover
    for x, y in [] if joints is None else joints:
        if 0 <= x < picture_size[0] and 0 <= y < picture_size[1]:
            cost[int(y / cell), int(x / cell)] += JOINT
    sums = np.pad(cost.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    places: list[Place | None] = [None] * len(extents)
    taken = np.zeros((0, 4))
    order = sorted(range(len(extents)), key=lambda i: (_spread(extents[i]), i))
    for i in order:
        place = _best(extents[i], sizes[i], picture_size, sums, cell, taken)
        places[i] = place
        if place is not None:
            taken = np.concatenate([taken, [place.box]])
    return places


def _spread(extent: Extent) -> float:
    return float(np.prod(np.ptp(extent.points, axis=0) + 1))


def _best(
    extent: Extent,
    size: tuple[float, float],
    picture_size: tuple[int, int],
    sums: np.ndarray,
    cell: int,
    taken: np.ndarray,
) -> Place | None:
    """The cheapest place that covers no label placed before."""
    width, height = size
    if width > picture_size[0] or height > picture_size[1]:
        return None
    corners = _candidates(extent, size, picture_size)
    boxes = np.concatenate([corners, corners + size], axis=1)  # (C, 4)
    free = np.ones(len(boxes), bool)
    for other in taken:
        apart = (boxes[:, :2] >= other[2:] + 1).any(axis=1) | (boxes[:, 2:] <= other[:2] - 1).any(
            axis=1
        )
        free &= apart
    boxes = boxes[free]
    if not len(boxes):
        return None
    x1, y1, x2, y2 = boxes.T
    left, top = (np.floor(v / cell).astype(np.int64) for v in (x1, y1))
    right, bottom = (
        np.minimum(np.ceil(v / cell).astype(np.int64), limit - 1)
        for v, limit in ((x2, sums.shape[1]), (y2, sums.shape[0]))
    )
    hidden = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    px, py = extent.points.T  # from each place to the nearest point of the object
    dx = np.maximum(0, np.maximum(x1[:, None] - px, px - x2[:, None]))
    dy = np.maximum(0, np.maximum(y1[:, None] - py, py - y2[:, None]))
    away = np.sqrt((dx**2 + dy**2).min(axis=1)) / height
    off_centre = np.abs((x1 + x2) / 2 - extent.inside[0]) / picture_size[0]
    off_top = np.abs(y2 - py.min()) / picture_size[1]
    best = int((hidden + away + 0.3 * off_centre + off_top).argmin())
    place = (float(x1[best]), float(y1[best]), float(x2[best]), float(y2[best]))
    return Place(place, bool(away[best] > NEAR))


def _candidates(
    extent: Extent, size: tuple[float, float], picture_size: tuple[int, int]
) -> np.ndarray:
    """(C, 2) upper left corners: on the sides of the object, and in rows over the picture."""
    width, height = size
    (x1, y1), (x2, y2) = extent.points.min(axis=0), extent.points.max(axis=0)
    room = (picture_size[0] - width, picture_size[1] - height)
    near = [
        (x, y)
        for y in (y1 - height, y1, y2, y2 - height)
        for x in (x1, (x1 + x2 - width) / 2, x2 - width)
    ]
    near += [(x, (y1 + y2 - height) / 2) for x in (x1 - width, x2, (x1 + x2 - width) / 2)]
    columns = np.linspace(0, room[0], max(2, min(48, int(room[0] / (height / 2)) + 1)))
    rows = np.linspace(0, room[1], max(2, min(48, int(room[1] / (height / 2)) + 1)))
    spread = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    return np.clip(np.concatenate([np.array(near), spread]), 0, room)


def shrunk_text_size(
    text_size: float, areas: Sequence[float], picture_size: tuple[int, int], least: float
) -> float:
    """The text size, or a smaller one where the labels would cover too much of the picture.

    Args:
        text_size: of the labels.
        areas: of each label at that size, in pixels.
        picture_size: width and height.
        least: the smallest size that can be read.

    >>> shrunk_text_size(14, [1000] * 4, (100, 100), 10), shrunk_text_size(14, [9], (9, 9), 10)
    (10, 14)
    """
    share = sum(areas) / (picture_size[0] * picture_size[1])
    if share <= MOST_COVERED:
        return text_size
    return max(least, int(text_size * math.sqrt(MOST_COVERED / share)))
