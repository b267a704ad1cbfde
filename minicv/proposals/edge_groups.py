"""Edge groups: pieces of contours, and how strongly one piece belongs to another.

1. `edge_groups`: edge pixels that continue each other smoothly become groups.
2. `neighbour_affinities`: how well each group continues the groups beside it.
3. `path_affinities`: the strongest path of groups between any two groups.

Source: Zitnick & Dollár, "Edge Boxes: Locating Object Proposals from Edges" (2014), section 3.1
and equation 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

# (dy, dx). Each is half of a neighbourhood, so that each pair of pixels is seen once.
EIGHT_NEIGHBOURS = ((0, 1), (1, -1), (1, 0), (1, 1))
WITHIN_TWO_PIXELS = tuple(
    (dy, dx) for dy in range(3) for dx in range(-2, 3) if dy > 0 or (dy == 0 and dx > 0)
)
BATCH = 128  # groups whose paths are searched together; the search costs the square of it


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
    """Combine 8-connected edge pixels greedily, the best aligned first, up to a limit of turning.

    A link between two neighbouring pixels costs the difference of their orientations. Links are
    taken by ascending cost; a link joins the groups of its two pixels if the costs of all links
    within the joined group sum up to ``most_turn`` at most. Afterwards a group whose magnitudes sum
    up to less than ``least_magnitude`` joins the neighbouring group (within two pixels) that is
    best aligned with it; without a neighbour it stays as it is.

    Args:
        y, x: (E,) rows and columns of edge pixels.
        magnitude, orientation: (E,) of these pixels.
        most_turn: radians.
        least_magnitude: of a group that need not be merged.

    Cost: E log E, in a few dozen rounds.

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
    count = int(labels.max(initial=-1)) + 1

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(labels, values, count)

    mass = total(magnitude)
    position = np.stack([total(magnitude * x), total(magnitude * y)], axis=1) / mass[:, None]
    # An orientation repeats after half a turn, so the doubled angles are averaged.
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
    """(L,) links, ascending -> (count,) for each pixel the number of its group.

    By definition one link is decided after the other; here many are decided at once. What happens
    at a link depends only on its two groups, and only links of these two groups change them. So a
    link that comes first in both of its groups can be decided at once, and the result is the same.
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
    """Join small groups to large neighbours, in rounds, until no small group has one."""
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
        for side, values, reduce, more in (
            (0, x, np.minimum, 0),
            (1, y, np.minimum, 0),
            (2, x, np.maximum, 1),
            (3, y, np.maximum, 1),
        ):
            rectangles[:, side] = reduce.reduceat(values[order], starts) + more
    return rectangles


@dataclass(frozen=True)
class Affinities:
    """A sparse (G, G) matrix, entry by entry: ``value`` at row ``start``, column ``end``."""

    start: np.ndarray
    end: np.ndarray
    value: np.ndarray


def neighbour_affinities(
    groups: EdgeGroups, y: np.ndarray, x: np.ndarray, gamma: float = 2.0, least: float = 0.05
) -> Affinities:
    """How well neighbouring groups continue each other.

    affinity(i, j) = ``|cos(t_i - t_ij) cos(t_j - t_ij)|^gamma``

    t_i and t_j are the mean orientations, t_ij the direction from one mean position to the other.
    Two groups that are nowhere within two pixels of each other have no affinity.

    Args:
        groups: from `edge_groups`.
        y, x: (E,) rows and columns of the edge pixels.
        gamma: how much a bend costs.
        least: a smaller affinity counts as 0.

    Returns:
        Each pair once, ``start < end``.

    >>> y, x = np.zeros(4, int), np.array([0, 1, 3, 4])
    >>> line = edge_groups(y, x, np.ones(4), np.zeros(4))
    >>> neighbour_affinities(line, y, x).value.tolist()
    [1.0]
    """
    first, second = (groups.labels[p] for p in neighbouring_pixels(y, x, WITHIN_TWO_PIXELS))
    apart = first != second
    first, second = first[apart], second[apart]
    count = len(groups.magnitude)
    pairs = np.unique(np.minimum(first, second) * count + np.maximum(first, second))
    i, j = pairs // max(count, 1), pairs % max(count, 1)
    dx, dy = (groups.position[j] - groups.position[i]).T
    between = np.arctan2(dy, dx)
    bend = np.cos(groups.orientation[i] - between) * np.cos(groups.orientation[j] - between)
    affinity = np.abs(bend) ** gamma
    kept = affinity >= least
    return Affinities(i[kept], j[kept], affinity[kept])


def path_affinities(neighbours: Affinities, count: int, least: float = 0.05) -> Affinities:
    """The strongest path between any two groups: the largest product of affinities along the way.

    With lengths ``-log(affinity)`` these are shortest paths, by Dijkstra's algorithm. The groups
    form many small components that no path connects; each batch of whole components is searched by
    itself.

    Args:
        neighbours: affinities between neighbouring groups, each pair once.
        count: number of groups G.
        least: a smaller product counts as 0.

    Returns:
        All ordered pairs, by ``start``; each group has itself as its first ``end``, at 1, then
        the others by descending value.

    >>> chain = Affinities(np.array([0, 1]), np.array([1, 2]), np.array([0.5, 0.4]))
    >>> paths = path_affinities(chain, 3)
    >>> list(zip(paths.start.tolist(), paths.end.tolist(), paths.value.round(3).tolist()))
    [(0, 0, 1.0), (0, 1, 0.5), (0, 2, 0.2), (1, 1, 1.0), (1, 0, 0.5), (1, 2, 0.4), (2, 2, 1.0),
     (2, 1, 0.4), (2, 0, 0.2)]
    """
    # Above 0 even for an affinity of 1, because a length of 0 would be no edge of the graph.
    lengths = np.maximum(-np.log(neighbours.value), 1e-9)
    graph = sparse.csr_matrix((lengths, (neighbours.start, neighbours.end)), shape=(count, count))
    _, component = csgraph.connected_components(graph, directed=False)
    members = np.argsort(component, kind="stable")
    graph = graph[members][:, members]
    limits = np.flatnonzero(np.diff(component[members], append=count)) + 1
    longest = -np.log(least) + 1e-9
    starts, ends, values = [], [], []
    low = 0
    while low < count:
        fitting = limits[(limits > low) & (limits <= low + BATCH)]
        high = fitting[-1] if len(fitting) else limits[limits > low][0]
        length = csgraph.dijkstra(graph[low:high, low:high], directed=False, limit=longest)
        start, end = np.nonzero(np.isfinite(length))
        starts.append(members[start + low])
        ends.append(members[end + low])
        values.append(np.exp(-length[start, end]))
        low = high
    if not starts:
        return Affinities(*(np.zeros(0, kind) for kind in (np.int64, np.int64, np.float64)))
    start, end, value = (np.concatenate(parts) for parts in (starts, ends, values))
    order = np.lexsort((end, -value, start))
    return Affinities(start[order], end[order], value[order])
