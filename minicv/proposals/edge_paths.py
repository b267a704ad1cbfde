"""Paths of edge groups: how strongly one piece of a contour belongs to another.

Source: Zitnick & Dollár, "Edge Boxes: Locating Object Proposals from Edges" (2014), section 3.1
and equation 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from minicv.proposals.edge_groups import WITHIN_TWO_PIXELS, EdgeGroups, neighbouring_pixels

BATCH = 128  # groups whose paths are searched together; the search costs the square of it


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
    Groups that come nowhere within two pixels of each other have none.

    Args:
        groups: of the edge pixels.
        y, x: (E,) these pixels.
        gamma: how much a bend costs.
        least: affinities below count as 0.

    Returns:
        Each pair once, ``start < end``.

    >>> from minicv.proposals.edge_groups import edge_groups
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

    With lengths ``-log(affinity)`` these are shortest paths, by Dijkstra's algorithm. Contours fall
    into many small pieces that no path connects; each batch of whole pieces is searched by itself.

    Args:
        neighbours: affinities between neighbouring groups, each pair once.
        count: number of groups G.
        least: products below count as 0.

    Returns:
        All ordered pairs, by ``start``; each group has itself as its first ``end``, at 1, then
        the others by descending value.

    >>> chain = Affinities(np.array([0, 1]), np.array([1, 2]), np.array([0.5, 0.4]))
    >>> paths = path_affinities(chain, 3)
    >>> list(zip(paths.start.tolist(), paths.end.tolist(), paths.value.round(3).tolist()))
    [(0, 0, 1.0), (0, 1, 0.5), (0, 2, 0.2), (1, 1, 1.0), (1, 0, 0.5), (1, 2, 0.4), (2, 2, 1.0),
     (2, 1, 0.4), (2, 0, 0.2)]
    """
    # Not 0 even for an affinity of 1: a length of 0 would be no edge of the graph.
    lengths = np.maximum(-np.log(neighbours.value), 1e-9)
    graph = sparse.csr_matrix((lengths, (neighbours.start, neighbours.end)), shape=(count, count))
    _, piece = csgraph.connected_components(graph, directed=False)
    members = np.argsort(piece, kind="stable")
    graph = graph[members][:, members]
    ends_of_pieces = np.flatnonzero(np.diff(piece[members], append=count)) + 1
    limit = -np.log(least) + 1e-9
    starts, ends, values = [], [], []
    low = 0
    while low < count:
        fitting = ends_of_pieces[(ends_of_pieces > low) & (ends_of_pieces <= low + BATCH)]
        high = fitting[-1] if len(fitting) else ends_of_pieces[ends_of_pieces > low][0]
        length = csgraph.dijkstra(graph[low:high, low:high], directed=False, limit=limit)
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
