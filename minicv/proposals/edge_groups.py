"""Edge groups: edge pixels that run on smoothly, taken together as pieces of contours.

Source: Zitnick & Dollár, "Edge Boxes: Locating Object Proposals from Edges" (2014), section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Half of the neighbourhood each, so that a pair is seen once; (dy, dx).
EIGHT_NEIGHBOURS = ((0, 1), (1, -1), (1, 0), (1, 1))
WITHIN_TWO_PIXELS = tuple(
    (dy, dx) for dy in range(3) for dx in range(-2, 3) if dy > 0 or (dy == 0 and dx > 0)
)


@dataclass(frozen=True)
class EdgeGroups:
    """G pieces of contours.

    Attributes:
        labels: (E,) the group of each edge pixel.
        magnitude: (G,) sum of the magnitudes of its pixels.
        position: (G, 2) x, y: mean of its pixels, weighted by magnitude.
        orientation: (G,) mean orientation, in -pi/2..pi/2, weighted likewise.
        rectangles: (G, 4) int, the tight box around its pixels, half-open.
    """

    labels: np.ndarray
    magnitude: np.ndarray
    position: np.ndarray
    orientation: np.ndarray
    rectangles: np.ndarray


def edge_groups(
    y: np.ndarray,
    x: np.ndarray,
    magnitude: np.ndarray,
    orientation: np.ndarray,
    most_turn: float = np.pi / 2,
    least_magnitude: float = 0.5,
) -> EdgeGroups:
    """Combine 8-connected edge pixels greedily, the best aligned first, while the turn allows it.

    A link between two neighbouring pixels costs the difference of their orientations. Links are
    taken by ascending cost; one joins the groups of its two pixels if the sum of all links within
    the joined group does not exceed ``most_turn``. Afterwards a group whose magnitude sums up to
    less than ``least_magnitude`` goes to the neighbouring group (within two pixels) that is best
    aligned with it; without a neighbour it stays as it is.

    Args:
        y, x: (E,) rows and columns of edge pixels.
        magnitude, orientation: (E,) of these pixels.
        most_turn: radians.
        least_magnitude: of a group that need not be merged.

    Cost: E log E, in a few dozen passes.

    >>> y, x = np.zeros(6, int), np.array([0, 1, 2, 3, 7, 8])
    >>> orientation = np.array([0, 0.1, 1.5, 1.5, 0, 0])
    >>> edge_groups(y, x, np.ones(6), orientation).labels.tolist()
    [0, 0, 0, 0, 1, 1]
    >>> edge_groups(y, x, np.ones(6), orientation, most_turn=1).labels.tolist()
    [0, 0, 1, 1, 2, 2]
    """
    labels = _combine(*_links(y, x, orientation, EIGHT_NEIGHBOURS), len(y), most_turn)
    labels = _merge_small(
        labels, magnitude, *_links(y, x, orientation, WITHIN_TWO_PIXELS), least_magnitude
    )
    labels = np.unique(labels, return_inverse=True)[1]
    count = labels.max(initial=-1) + 1

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(labels, values, count)

    mass = total(magnitude)
    position = np.stack([total(magnitude * x), total(magnitude * y)], axis=1) / mass[:, None]
    # Orientations repeat after half a turn, so their doubles are averaged.
    mean = 0.5 * np.arctan2(
        total(magnitude * np.sin(2 * orientation)), total(magnitude * np.cos(2 * orientation))
    )
    return EdgeGroups(labels, mass, position, mean, _rectangles(labels, y, x, count))


def neighbouring_pixels(
    y: np.ndarray, x: np.ndarray, offsets: tuple[tuple[int, int], ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of edge pixels that lie apart by one of the offsets, each pair once.

    >>> first, second = neighbouring_pixels(np.array([0, 1]), np.array([3, 4]), ((1, 1),))
    >>> first.tolist(), second.tolist()
    ([0], [1])
    """
    reach = max(max(abs(dy), abs(dx)) for dy, dx in offsets)
    shape = (y.max(initial=0) + 1 + 2 * reach, x.max(initial=0) + 1 + 2 * reach)
    numbers = np.full(shape, -1)
    numbers[y + reach, x + reach] = np.arange(len(y))
    firsts, seconds = [], []
    for dy, dx in offsets:
        neighbour = numbers[y + reach + dy, x + reach + dx]
        first = np.flatnonzero(neighbour >= 0)
        firsts.append(first)
        seconds.append(neighbour[first])
    return np.concatenate(firsts), np.concatenate(seconds)


def _links(
    y: np.ndarray, x: np.ndarray, orientation: np.ndarray, offsets: tuple[tuple[int, int], ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of neighbouring pixels and the difference of their orientations, ascending."""
    first, second = neighbouring_pixels(y, x, offsets)
    turn = np.abs(orientation[first] - orientation[second])
    turn = np.minimum(turn, np.pi - turn)
    order = np.argsort(turn, kind="stable")
    return first[order], second[order], turn[order]


def _combine(
    first: np.ndarray, second: np.ndarray, turn: np.ndarray, count: int, most_turn: float
) -> np.ndarray:
    """(L,) links, ascending -> (count,) a number for each pixel that its group shares.

    One link after the other in the definition; here many at once. What happens at a link depends
    on its two groups alone, and only links of these two change them. So a link that comes first in
    both of its groups can be decided at once, and the result is the same.
    """
    labels, turns = np.arange(count), np.zeros(count)
    while len(first):
        rank = np.arange(len(first))
        earliest = np.full(count, len(first))
        np.minimum.at(earliest, first, rank)
        np.minimum.at(earliest, second, rank)
        decided = (earliest[first] == rank) & (earliest[second] == rank)
        a, b = first[decided], second[decided]
        joined = turns[a] + turns[b] + turn[decided]
        fits = joined <= most_turn
        a, b = a[fits], b[fits]
        turns[a] = joined[fits]
        becomes = np.arange(count)
        becomes[b] = a
        labels = becomes[labels]
        first, second, turn = becomes[first[~decided]], becomes[second[~decided]], turn[~decided]
        apart = first != second
        first, second, turn = first[apart], second[apart], turn[apart]
    return labels


def _merge_small(
    labels: np.ndarray,
    magnitude: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    turn: np.ndarray,
    least: float,
) -> np.ndarray:
    """Give small groups to large neighbours, in rounds, until none has one any more."""
    count = len(labels)
    both_ways = np.concatenate([first, second]), np.concatenate([second, first])
    order = np.argsort(np.concatenate([turn, turn]), kind="stable")
    start, end = (side[order] for side in both_ways)
    while True:
        small = np.bincount(labels, magnitude, count) < least
        leads_out = small[labels[start]] & ~small[labels[end]]
        if not leads_out.any():
            return labels
        start_groups, end_groups = labels[start[leads_out]], labels[end[leads_out]]
        movers, best = np.unique(start_groups, return_index=True)  # the first is the best aligned
        becomes = np.arange(count)
        becomes[movers] = end_groups[best]
        labels = becomes[labels]


def _rectangles(labels: np.ndarray, y: np.ndarray, x: np.ndarray, count: int) -> np.ndarray:
    rectangles = np.zeros((count, 4), np.int64)
    if count:
        order = np.argsort(labels, kind="stable")
        starts = np.searchsorted(labels[order], np.arange(count))
        for column, values, reduce, more in (
            (0, x, np.minimum, 0),
            (1, y, np.minimum, 0),
            (2, x, np.maximum, 1),
            (3, y, np.maximum, 1),
        ):
            rectangles[:, column] = reduce.reduceat(values[order], starts) + more
    return rectangles
