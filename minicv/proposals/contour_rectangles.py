"""The score of Edge Boxes as a sum over weighted rectangles: for all windows at once, and refined.

Edge Boxes counts the edge groups inside of a box, each with the weight ``1 - max_j W[i, j]`` over
the groups j that are not inside; W[i, j] is the strongest path between them. Sort the groups that i
is tied to by descending W: j_1, j_2, ... If j_1 .. j_k are inside of the box and j_{k+1} is the
first that is not, the weight is ``1 - W[i, j_{k+1}]``, and that is the telescoping sum

    (1 - W_1) + (W_1 - W_2) + ... + (W_k - W_{k+1}).

The groups i, j_1 .. j_k are all inside of a box exactly if the rectangle around them is. So group i
becomes a few rectangles that grow, the k-th with the value ``m_i (W_k - W_{k+1})``, and

    score(box) = sum of the values of the rectangles that lie inside of the box.

Nothing here is approximated, and it holds for any box. For a grid of windows of one size the sum is
fast (`sums_on_grid`): the places at which the window holds a given rectangle are themselves a
rectangle. The same list of rectangles, sorted by side, serves to refine a box (`BoxRefinement`).
The edges in the middle of a box, which count less, come from an integral image (`InnerSums`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minicv.proposals.edge_groups import Affinities, EdgeGroups
from minicv.proposals.sliding_window import WindowGrid

ROUNDS = 3  # of refinement, each of all four sides


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
    # A rectangle that did not grow is added to the one before it.
    if len(start) == 0:
        return ContourRectangles(corners, values)
    grew = np.ones(len(start), bool)
    grew[1:] = (start[1:] != start[:-1]) | (corners[1:] != corners[:-1]).any(axis=1)
    first = np.flatnonzero(grew)
    return ContourRectangles(corners[first], np.add.reduceat(values, first))


def _growing(rectangles: np.ndarray, start: np.ndarray) -> np.ndarray:
    """(N, 4): the rectangle around each one and all those before it with the same start."""
    grown = np.empty_like(rectangles)
    # A running maximum that begins again at each start: the values of later starts are lifted above
    # all values before them.
    lift = start * (2 * int(rectangles.max(initial=0)) + 1)
    for side, sign in ((0, -1), (1, -1), (2, 1), (3, 1)):
        running = np.maximum.accumulate(sign * rectangles[:, side] + lift)
        grown[:, side] = sign * (running - lift)
    return grown


def sums_on_grid(
    rectangles: ContourRectangles, width: int, height: int, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """Sum of the values inside of each window of one size.

    A window at x[i] holds a rectangle horizontally if ``x2 - width <= x[i] <= x1``, which is a run
    of columns of the grid; vertically likewise. So each rectangle adds its value to a block of the
    grid. That takes four additions for each rectangle, and then one running sum over the grid.

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


class InnerSums:
    """Sums of edge magnitudes over the inner boxes: half as wide and half as high, in the middle.

    A box from a to b has its inner box from ``a + floor((b - a) / 4)`` to ``b - floor((b - a) /
    4)`` in each direction, whole pixels.

    Args:
        y, x: (E,) rows and columns of the edge pixels.
        magnitude: (E,) of them.
        size: (height, width) of the image.
    """

    def __init__(
        self, y: np.ndarray, x: np.ndarray, magnitude: np.ndarray, size: tuple[int, int]
    ) -> None:
        edges = np.zeros((size[0] + 1, size[1] + 1))
        edges[y + 1, x + 1] = magnitude
        self.integral = edges.cumsum(axis=0).cumsum(axis=1)  # (H + 1, W + 1)
        self.lines = self.integral, np.ascontiguousarray(self.integral.T)

    def of(self, x1: np.ndarray, y1: np.ndarray, x2: np.ndarray, y2: np.ndarray) -> np.ndarray:
        """The sum for each box; whole numbers, which broadcast against each other.

        >>> sums = InnerSums(np.array([2, 0]), np.array([2, 0]), np.array([0.5, 9]), (4, 4))
        >>> float(sums.of(0, 0, 4, 4))
        0.5
        """
        quarter_x, quarter_y = (x2 - x1) // 4, (y2 - y1) // 4
        left, right = x1 + quarter_x, x2 - quarter_x
        top, bottom = y1 + quarter_y, y2 - quarter_y
        integral = self.integral
        return (integral[bottom, right] - integral[top, right]) - (
            integral[bottom, left] - integral[top, left]
        )

    def along(
        self,
        axis: int,
        begin: np.ndarray | int,
        end: np.ndarray | int,
        across: tuple[int, int],
    ) -> np.ndarray:
        """(P,) sums over the inner boxes of boxes that share their extent in one direction.

        Args:
            axis: 0 for boxes that differ in x, 1 for boxes that differ in y.
            begin, end: (P,) along this axis; one of the two may be a number.
            across: begin and end along the other axis.

        >>> sums = InnerSums(np.array([2, 0]), np.array([2, 0]), np.array([0.5, 9]), (4, 4))
        >>> sums.along(0, np.array([0, 2]), 4, (0, 4)).tolist()
        [0.5, 0.5]
        """
        quarter = (across[1] - across[0]) // 4
        lines = self.lines[axis]
        strip = lines[across[1] - quarter] - lines[across[0] + quarter]  # (W + 1,) or (H + 1,)
        quarters = (end - begin) // 4
        return strip[end - quarters] - strip[begin + quarters]

    def on_grid(self, grid: WindowGrid) -> np.ndarray:
        """(GY, GX): the sum for each window of the grid."""
        x, y = grid.x, grid.y[:, None]
        return self.of(x, y, x + grid.width, y + grid.height)


class BoxRefinement:
    """Moves the sides of boxes to their best places: within half a step, then a quarter, ...

    The paper tries single steps, which are halved; here a side tries all whole pixels within the
    step at once. That costs little more: only rectangles whose own side lies among these places can
    come in or drop out, and in a list sorted by that side they stand next to each other.

    Coordinates of right and lower sides are negated. So for all four sides alike a box holds a
    rectangle if the rectangle's coordinate is not below the box's.

    Args:
        rectangles: weighted rectangles that make up the score.
        inner: sums over the inner boxes.
        kappa: exponent of ``2 (w + h)^kappa``, by which the score is divided.
        alpha: IoU of neighbouring windows.
    """

    def __init__(
        self, rectangles: ContourRectangles, inner: InnerSums, kappa: float, alpha: float
    ) -> None:
        height, width = (length - 1 for length in inner.integral.shape)
        self.inner, self.step = inner, (1 - alpha) / (1 + alpha)
        self.limits = (0, 0, -width, -height)  # a side can move out up to here
        with np.errstate(divide="ignore"):
            self.share = 1 / (2 * np.arange(width + height + 1.0) ** kappa)
        signed = rectangles.corners * (1, 1, -1, -1)
        self.sides = []
        for side in range(4):
            order = np.argsort(signed[:, side], kind="stable")
            corners = np.ascontiguousarray(signed[order].T.astype(np.int32))  # (4, N)
            places = np.arange(-max(width, height) - 1, max(width, height) + 2)
            starts = np.searchsorted(corners[side], places).tolist()
            self.sides.append((corners, rectangles.values[order], starts))
        self.origin = max(width, height) + 1

    def refine(self, box: np.ndarray, score: float) -> tuple[np.ndarray, float]:
        """A box at least as good, each side less than a window's step away.

        Args:
            box: (4,) whole pixels, half-open.
            score: of the box.

        Returns:
            The box and its score.
        """
        signed = (box * (1, 1, -1, -1)).tolist()
        steps = [self.step * length for length in (box[2] - box[0], box[3] - box[1])]
        for round_number in range(1, ROUNDS + 1):
            for side in range(4):
                reach = max(1, int(steps[side % 2] / 2**round_number))
                low = max(signed[side] - reach, self.limits[side])
                high = min(signed[side] + reach, -signed[side ^ 2] - 1)
                score = self._move(signed, side, low, high, score)
        return np.array(signed) * (1, 1, -1, -1), score

    def _move(self, signed: list[int], side: int, low: int, high: int, score: float) -> float:
        """Move one side to the best of the places low..high; returns the score there."""
        here = signed[side]
        corners, values, starts = self.sides[side]
        span = slice(starts[low + self.origin], starts[high + self.origin])
        a, b, c = (other for other in range(4) if other != side)
        held = corners[a, span] >= signed[a]
        held &= corners[b, span] >= signed[b]
        held &= corners[c, span] >= signed[c]
        at = np.bincount(corners[side, span][held] - low, values[span][held], high + 1 - low)
        # gained[p]: the values inside with the side at low + p, less those with the side at high.
        gained = at[::-1].cumsum()[::-1]
        places = np.arange(low, high + 1)
        axis, other = side % 2, 1 - side % 2
        begin: np.ndarray | int = places if side < 2 else signed[axis]
        end: np.ndarray | int = -signed[side + 2] if side < 2 else -places
        across = signed[other], -signed[other + 2]
        share = self.share[end - begin + (across[1] - across[0])]
        inner = self.inner.along(axis, begin, end, across)
        beyond = score / share[here - low] + inner[here - low] - gained[here - low]
        scores = (beyond + gained - inner) * share
        best = int(scores.argmax())
        if scores[best] <= score:
            return score
        signed[side] = low + best
        return float(scores[best])
