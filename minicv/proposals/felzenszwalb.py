"""The segmentation of Felzenszwalb and Huttenlocher: pixels are merged into regions along a graph.

A border between two regions stays where they differ more from each other than within themselves.

    1. smooth   image                     -> blurred by a Gaussian                  (C, H, W)
    2. edges    blurred image             -> 8-neighbours and how far they differ   (E,), sorted
    3. merge    edges, smallest first     -> regions
    4. tidy     edges between regions     -> regions of at least min_size pixels    (H, W)

Step 3 is one rule: the edge between regions A and B, with weight w, merges them if w is at most
Int(A) + k / |A| and at most Int(B) + k / |B|, where Int is the largest weight along which a region
was merged. One edge after the other, that would be 750,000 turns of a loop for a small photograph.
`merge_alike` decides many edges at once, for two reasons:

- A region changes first at its smallest edge. So an edge that is the smallest one of both its
  regions meets them as they are now, and all such edges are decided at once, in any order.
- If its smallest edge is too large for a region, all its other edges are too: it is finished.

The result equals that of the loop, merge by merge.

Source: Felzenszwalb & Huttenlocher, "Efficient Graph-Based Image Segmentation" (IJCV 2004),
sections 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from minicv.backend import Array
from minicv.proposals.channels import checked_channels

UNIT = 255.0  # k is given for colours in 0..255, as in the paper, images are in 0..1
# The number of portions in which edges are taken, smallest weights first. Most edges of a later
# portion lie within one region by then, and they are dropped before they cost anything.
PORTIONS = 16
SMALLEST_PORTION = 4096
# When fewer than one edge in so many can be decided at once, the rest is taken one by one.
WORTHWHILE = 10


def felzenszwalb(
    image: Array, k: float = 100.0, sigma: float = 0.8, min_size: int = 20
) -> np.ndarray:
    """Regions of alike pixels: a label for each pixel.

    Args:
        image: (C, H, W), float in 0..1; the channels may be of any colour space.
        k: a larger k makes larger regions; for colours in 0..255.
        sigma: standard deviation of the Gaussian, pixels; 0 for none.
        min_size: in pixels; a smaller region joins the neighbour that differs least from it.

    Returns:
        (H, W) int32, regions 0, 1, ... in the order of their first pixels.

    Raises:
        ValueError: the image is not (C, H, W) with at least one pixel, not floating point, or not
            in 0..1; k is not positive; sigma or min_size is negative.

    >>> halves = np.zeros((3, 4, 6), dtype=np.float32)
    >>> halves[:, :, 3:] = 1
    >>> felzenszwalb(halves, k=100, sigma=0, min_size=1)[0].tolist()
    [0, 0, 0, 1, 1, 1]
    """
    return segment(pixel_graph(image, sigma), k, min_size)


@dataclass(frozen=True)
class PixelGraph:
    """The edges between neighbouring pixels, smallest weight first; equals keep their order.

    Attributes:
        size: (H, W).
        first, second: (E,) int32, the two pixels of each edge, flat positions.
        weight: (E,) float32, the Euclidean distance of their colours.
    """

    size: tuple[int, int]
    first: np.ndarray
    second: np.ndarray
    weight: np.ndarray


def pixel_graph(image: Array, sigma: float = 0.8) -> PixelGraph:
    """Steps 1 and 2. One graph serves for any k and min_size; to sort it is half of the work.

    Args:
        image: (C, H, W), float.
        sigma: standard deviation of the Gaussian, pixels.

    Raises:
        ValueError: as `felzenszwalb`.

    >>> graph = pixel_graph(np.zeros((1, 2, 2), dtype=np.float32))
    >>> len(graph.weight)  # two across, two down, two diagonal
    6
    """
    blurred = checked_channels(image, "felzenszwalb")
    if not sigma >= 0:
        raise ValueError(f"felzenszwalb: sigma is {sigma}, expected 0 (no blur) or more pixels")
    if sigma > 0:
        blurred = gaussian_filter(blurred, (0, sigma, sigma))
    size = blurred.shape[1:]
    position = np.arange(size[0] * size[1], dtype=np.int32).reshape(size)
    first, second, weight = [], [], []
    before, after, everything = slice(None, -1), slice(1, None), slice(None)
    for one, other in (
        ((everything, before), (everything, after)),  # left, right
        ((before, everything), (after, everything)),  # above, below
        ((before, before), (after, after)),
        ((after, before), (before, after)),
    ):
        difference = blurred[:, one[0], one[1]] - blurred[:, other[0], other[1]]
        weight.append(np.sqrt(np.einsum("chw,chw->hw", difference, difference)).ravel())
        first.append(position[one].ravel())
        second.append(position[other].ravel())
    weights = np.concatenate(weight)
    order = _sorted_order(weights)
    return PixelGraph(
        size, np.concatenate(first)[order], np.concatenate(second)[order], weights[order]
    )


def segment(graph: PixelGraph, k: float, min_size: int) -> np.ndarray:
    """Steps 3 and 4: the regions of a graph, as `felzenszwalb` returns them.

    Raises:
        ValueError: k is not positive, or min_size is negative.
    """
    if not k > 0:
        raise ValueError(f"felzenszwalb: k is {k}, expected a positive number, such as 100")
    if min_size < 0:
        raise ValueError(f"felzenszwalb: min_size is {min_size}, expected 0 or more pixels")
    edges = (graph.first, graph.second, graph.weight)
    region, size = merge_alike(*edges, graph.size[0] * graph.size[1], k / UNIT)
    region = merge_small(graph.first, graph.second, region, size, min_size)
    _, start, number = np.unique(region, return_index=True, return_inverse=True)
    in_order = np.empty(len(start), dtype=np.int32)
    in_order[np.argsort(start)] = np.arange(len(start), dtype=np.int32)
    return in_order[number].reshape(graph.size)  # (H W,) -> (H, W)


def _sorted_order(weights: np.ndarray) -> np.ndarray:
    """Like a stable argsort of float32 numbers that are not negative, and several times as fast.

    The bits of such numbers, read as whole numbers, have the order of the numbers themselves. With
    the position as its lower half, each becomes one whole number of 64 bits; NumPy sorts those
    fastest.
    """
    bits = weights.view(np.uint32).astype(np.uint64) << np.uint64(32)
    keys = bits | np.arange(len(weights), dtype=np.uint64)
    keys.sort()
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.intp)


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
        region of each node (nodes,) int32, where a region's name is one of its nodes; and sizes
        (nodes,), where the entry at a region's name is its size.

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
    """The region of each node, and the largest weight with which an edge can still merge it."""

    def __init__(self, nodes: int, k: float) -> None:
        self.k = k
        # The parent of each node; a root is its own parent.
        self.parent: np.ndarray = np.arange(nodes, dtype=np.int32)
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
            # Every root was merged at most once, so its parent is a root.
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
        # Where an index occurs twice, the last value written stays; written backwards, that is the
        # smallest edge.
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
        """The loop of the paper, over plain lists: they are faster than arrays for single edges."""
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
        region, size: (nodes,) each, as `merge_alike` returns them.
        min_size: in nodes.

    Returns:
        (nodes,) the new region of each node.

    >>> edges = np.array([0, 1, 2]), np.array([1, 2, 3])
    >>> merge_small(*edges, np.array([0, 0, 2, 3]), np.array([2, 0, 1, 1]), 2).tolist()
    [0, 0, 0, 0]
    """
    a, b = region[first].astype(np.int64), region[second].astype(np.int64)
    apart = np.flatnonzero(a != b)
    a, b = a[apart], b[apart]
    # If the first edge between two regions does not merge them, both are large, and no later edge
    # merges them either. So the first edge of each pair is enough.
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
