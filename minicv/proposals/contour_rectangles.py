"""The score of a box as a sum over weighted rectangles, so that all boxes are scored at once.

Edge Boxes counts the edge groups inside of a box, each with the weight ``1 - max_j W[i, j]`` over
the groups j that are not inside; W[i, j] is the strongest path between them. Sort the groups that i
is tied to by descending W: j_1, j_2, ... If j_1 .. j_k are inside of the box and j_{k+1} is the
first that is not, the weight is ``1 - W[i, j_{k+1}]``, and that is the telescoping sum

    (1 - W_1) + (W_1 - W_2) + ... + (W_k - W_{k+1}).

Now i, j_1 .. j_k are all inside of a box exactly if the rectangle around them is. So group i
becomes a few rectangles that grow, the k-th with the value ``m_i (W_k - W_{k+1})``, and

    score(box) = sum of the values of the rectangles that lie inside of the box.

Nothing here is approximated. It holds for any box, and a sum over rectangles inside is what a grid
of windows of one size can share: the places of the window that hold a rectangle are themselves a
rectangle, of places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minicv.proposals.edge_groups import EdgeGroups
from minicv.proposals.edge_paths import Affinities


@dataclass(frozen=True)
class ContourRectangles:
    """N rectangles: ``corners`` (N, 4) int, half-open x1, y1, x2, y2; and ``values`` (N,) >= 0."""

    corners: np.ndarray
    values: np.ndarray


def contour_rectangles(groups: EdgeGroups, paths: Affinities) -> ContourRectangles:
    """Rectangles and values as above.

    Args:
        groups: the edge groups.
        paths: all ordered pairs as from `path_affinities`: by start, then by descending value.

    >>> groups = EdgeGroups(np.zeros(0), np.array([3.0, 5.0]), np.zeros((2, 2)), np.zeros(2),
    ...                     np.array([[0, 0, 4, 1], [5, 0, 9, 2]]))
    >>> paths = Affinities(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 0]),
    ...                    np.array([1, 0.25, 1, 0.25]))
    >>> rectangles = contour_rectangles(groups, paths)
    >>> rectangles.corners.tolist(), rectangles.values.tolist()
    ([[0, 0, 4, 1], [0, 0, 9, 2], [5, 0, 9, 2], [0, 0, 9, 2]], [2.25, 0.75, 3.75, 1.25])
    """
    start = paths.start
    last = np.append(start[1:] != start[:-1], True)[: len(start)]
    next_value = np.where(last, 0, np.append(paths.value[1:], 0)[: len(start)])
    values = groups.magnitude[start] * (paths.value - next_value)
    corners = _growing(groups.rectangles[paths.end], start)
    # A rectangle that did not grow joins the one before it.
    if len(start) == 0:
        return ContourRectangles(corners, values)
    grew = np.ones(len(start), bool)
    grew[1:] = (start[1:] != start[:-1]) | (corners[1:] != corners[:-1]).any(axis=1)
    first = np.flatnonzero(grew)
    return ContourRectangles(corners[first], np.add.reduceat(values, first))


def _growing(rectangles: np.ndarray, start: np.ndarray) -> np.ndarray:
    """(N, 4): the rectangle around this one and all before it of the same start."""
    grown = np.empty_like(rectangles)
    # A maximum that runs through the list and begins anew at each start: later starts are lifted
    # above everything before.
    lift = start * (2 * int(rectangles.max(initial=0)) + 1)
    for column, sign in ((0, -1), (1, -1), (2, 1), (3, 1)):
        running = np.maximum.accumulate(sign * rectangles[:, column] + lift)
        grown[:, column] = sign * (running - lift)
    return grown


def sums_on_grid(
    rectangles: ContourRectangles, width: int, height: int, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """Sum of the values inside of each window of one size.

    A window at x[i] holds a rectangle horizontally if ``x2 - width <= x[i] <= x1``: a run of
    columns of the grid; vertically likewise. Each rectangle so adds its value to a block of the
    grid, which takes four additions before one running sum over the grid.

    Args:
        rectangles: N of them.
        width, height: of the window, whole pixels.
        x, y: (GX,) and (GY,) ascending places of the window's upper left corner.

    Returns:
        (GY, GX).

    >>> one = ContourRectangles(np.array([[2, 0, 4, 1]]), np.array([5.0]))
    >>> sums_on_grid(one, 3, 1, np.arange(5), np.arange(2)).tolist()
    [[0.0, 5.0, 5.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]]
    """
    x1, y1, x2, y2 = rectangles.corners.T
    left, right = _first_not_below(x, width, x2), _count_up_to(x, x1)
    top, bottom = _first_not_below(y, height, y2), _count_up_to(y, y1)
    held = np.flatnonzero((left < right) & (top < bottom))
    left, right, top, bottom = (side[held] for side in (left, right, top, bottom))
    stride = len(x) + 1
    corners = np.concatenate(
        [top * stride + left, bottom * stride + right, top * stride + right, bottom * stride + left]
    )
    values = rectangles.values[held]
    steps = np.bincount(
        corners,
        np.concatenate([values, values, -values, -values]),
        minlength=(len(y) + 1) * stride,
    ).reshape(len(y) + 1, stride)
    return steps[:-1, :-1].astype(np.float64).cumsum(axis=0).cumsum(axis=1)  # ints if none is held


def _first_not_below(places: np.ndarray, length: int, end: np.ndarray) -> np.ndarray:
    """Index of the first place with ``place + length >= end``, looked up by whole pixels."""
    table = np.searchsorted(places + length, np.arange(end.max(initial=0) + 1), side="left")
    return table[end]


def _count_up_to(places: np.ndarray, begin: np.ndarray) -> np.ndarray:
    """Number of places with ``place <= begin``."""
    table = np.searchsorted(places, np.arange(begin.max(initial=0) + 1), side="right")
    return table[begin]
