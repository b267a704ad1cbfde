"""Merging the regions of a graph along its edges, many at a time, as if it were one by one."""

from __future__ import annotations

import numpy as np

# Edges are taken in so many portions, smallest weights first: most edges of a later portion lie
# within a region by then, and are dropped before they cost anything.
PORTIONS = 16
SMALLEST_PORTION = 4096
# When fewer than one edge in so many can be decided at once, the rest is taken one by one.
WORTHWHILE = 10


def merge_alike(
    first: np.ndarray, second: np.ndarray, weight: np.ndarray, nodes: int, k: float
) -> tuple[np.ndarray, np.ndarray]:
    """Merge two regions where their edge weighs at most Int(A) + k / |A| and Int(B) + k / |B|.

    Args:
        first, second: (E,) int32, the nodes that each edge joins.
        weight: (E,) float32, ascending.
        nodes: how many there are, each a region of its own at the start.
        k: in the unit of the weights.

    Returns:
        region of each node (nodes,) int32, named after one of its nodes, and the size of each
        region (nodes,) at that place.

    >>> edges = np.array([0, 1, 2], np.int32), np.array([1, 2, 3], np.int32)
    >>> region, size = merge_alike(*edges, np.array([0.1, 0.2, 5.0], np.float32), 4, k=1)
    >>> region.tolist(), size[region].tolist()
    ([0, 0, 0, 3], [3, 3, 3, 1])
    """
    regions = _Regions(nodes, k)
    step = max(SMALLEST_PORTION, -(-len(weight) // PORTIONS))
    for start in range(0, len(weight), step):
        portion = slice(start, start + step)
        regions.take(first[portion], second[portion], weight[portion])
    return regions.parent, regions.size


class _Regions:
    """Which region each node belongs to, and from which weight on a region takes no edge."""

    def __init__(self, nodes: int, k: float) -> None:
        self.k = k
        self.parent = np.arange(nodes, dtype=np.int32)  # of each node, a root's is itself
        self.size = np.ones(nodes, dtype=np.int32)
        self.limit = np.full(nodes, k, dtype=np.float64)  # Int + k / size
        self.finished = np.zeros(nodes, dtype=bool)
        self._smallest = np.empty(nodes, dtype=np.int32)

    def take(self, first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> None:
        """Decide the next edges, none of which weighs less than one taken before."""
        a, b, weight = self._undecided(self.parent[first], self.parent[second], weight)
        while len(weight):
            merged = self._merge_where_smallest_for_both(a, b, weight)
            enough = merged * WORTHWHILE >= len(weight)
            # Every root merged at most once, so its parent is a root.
            a, b, weight = self._undecided(self.parent[a], self.parent[b], weight)
            if not enough:
                self._merge_one_by_one(a, b, weight)
                break
        self._point_at_roots()

    def _merge_where_smallest_for_both(
        self, a: np.ndarray, b: np.ndarray, weight: np.ndarray
    ) -> int:
        """One round; how many pairs of regions were merged."""
        edge = np.arange(len(weight), dtype=np.int32)
        ends = np.stack([a, b], axis=1).reshape(-1)  # (E,), (E,) -> (2E,)
        # Where an index occurs twice, the last one written stays: backwards, the smallest edge.
        self._smallest[ends[::-1]] = np.repeat(edge[::-1], 2)
        smallest_of_a, smallest_of_b = self._smallest[a] == edge, self._smallest[b] == edge
        too_much_for_a, too_much_for_b = weight > self.limit[a], weight > self.limit[b]
        self.finished[a[smallest_of_a & too_much_for_a]] = True
        self.finished[b[smallest_of_b & too_much_for_b]] = True
        pairs = np.flatnonzero(smallest_of_a & smallest_of_b & ~too_much_for_a & ~too_much_for_b)
        kept, gone = a[pairs], b[pairs]
        self.parent[gone] = kept
        self.size[kept] += self.size[gone]
        self.limit[kept] = weight[pairs] + self.k / self.size[kept]
        return len(pairs)

    def _merge_one_by_one(self, a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> None:
        """The loop of the paper, over plain lists: no array operation pays for a single edge."""
        roots, numbers = np.unique(np.concatenate([a, b]), return_inverse=True)
        parent = list(range(len(roots)))
        limit, size = self.limit[roots].tolist(), self.size[roots].tolist()
        edges = (part.tolist() for part in (*np.split(numbers, 2), weight))
        for i, j, w in zip(*edges, strict=True):
            i, j = _root(parent, i), _root(parent, j)
            if i != j and w <= limit[i] and w <= limit[j]:
                parent[j] = i
                size[i] += size[j]
                limit[i] = w + self.k / size[i]
        self.parent[roots] = roots[parent]
        self.limit[roots], self.size[roots] = limit, size

    def _undecided(
        self, a: np.ndarray, b: np.ndarray, weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The edges that still join two different regions, both unfinished."""
        rest = np.flatnonzero((a != b) & ~(self.finished[a] | self.finished[b]))
        return a[rest], b[rest], weight[rest]

    def _point_at_roots(self) -> None:
        while True:
            further = self.parent[self.parent]
            if np.array_equal(further, self.parent):
                return
            self.parent = further


def merge_small(
    first: np.ndarray,
    second: np.ndarray,
    region: np.ndarray,
    size: np.ndarray,
    min_size: int,
) -> np.ndarray:
    """Merge regions along their edges, in the order given, where either has less than ``min_size``.

    Args:
        first, second: (E,) nodes of each edge.
        region: (nodes,) named after one of its nodes.
        size: (nodes,) of each region at the place of its name.
        min_size: in nodes.

    Returns:
        (nodes,) the regions anew.

    >>> edges = np.array([0, 1, 2]), np.array([1, 2, 3])
    >>> merge_small(*edges, np.array([0, 0, 2, 3]), np.array([2, 0, 1, 1]), 2).tolist()
    [0, 0, 0, 0]
    """
    a, b = region[first].astype(np.int64), region[second].astype(np.int64)
    apart = np.flatnonzero(a != b)
    a, b = a[apart], b[apart]
    # Two regions that their first edge leaves apart are both large, and stay apart for good: of all
    # edges between a pair the first is enough.
    pair = np.minimum(a, b) * len(region) + np.maximum(a, b)
    _, start = np.unique(pair, return_index=True)
    start.sort()
    roots, number = np.unique(region, return_inverse=True)
    parent, sizes = list(range(len(roots))), size[roots].tolist()
    ends = (np.searchsorted(roots, end[start]).tolist() for end in (a, b))
    for i, j in zip(*ends, strict=True):
        i, j = _root(parent, i), _root(parent, j)
        if i != j and (sizes[i] < min_size or sizes[j] < min_size):
            parent[j] = i
            sizes[i] += sizes[j]
    final = np.array([_root(parent, i) for i in range(len(roots))], dtype=np.intp)
    return roots[final][number]


def _root(parent: list[int], node: int) -> int:
    """The root of a node; halves the path on the way."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node
