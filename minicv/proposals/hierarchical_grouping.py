"""Hierarchical grouping: the two most similar neighbours become one region, until one is left.

The similarity of two regions is a sum of some of four numbers, each from 0 to 1:

    C  colour   sum of min(c_a, c_b) over the bins of the colour histograms
    T  texture  the same of the texture histograms
    S  size     1 - |a| - |b|, sizes being shares of the picture: small regions go first
    F  fill     1 - (|box around both| - |a| - |b|): no holes

The colour histogram has 25 bins for each channel. Texture is measured by the Gaussian derivatives
(sigma 1) of each channel in 8 directions, in 10 bins each. A merged region needs no look at the
picture: its histograms are the means of the two, weighted by their sizes.

Source: Uijlings et al. 2013, algorithm 1 and section 3.2.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import find_objects, gaussian_filter

COLOUR_BINS = 25
TEXTURE_BINS = 10
ORIENTATIONS = 8
# The Gaussian derivative of a step from 0 to 1 is 1 / (sqrt(2 pi) sigma) where it is steepest.
STEEPEST = 1 / np.sqrt(2 * np.pi)
SIMILARITIES = "CTSF"


def colour_bins(channels: np.ndarray) -> np.ndarray:
    """The number of the bin that each value falls into.

    Args:
        channels: (C, H, W), 0..1.

    Returns:
        (C, H, W) uint8, 0..24.

    >>> colour_bins(np.array([0.0, 0.5, 1.0]).reshape(1, 1, 3)).ravel().tolist()
    [0, 12, 24]
    """
    return _binned(channels, COLOUR_BINS)


def texture_bins(channels: np.ndarray) -> np.ndarray:
    """The bins of the derivatives in 8 directions, each 45 degrees from the next.

    The derivatives in opposite directions differ only in sign. Each keeps the places where the
    picture rises in its direction, and has 0 where it falls.

    Args:
        channels: (C, H, W), 0..1.

    Returns:
        (8 C, H, W) uint8, 0..9.

    >>> texture_bins(np.zeros((3, 4, 5))).shape
    (24, 4, 5)
    """
    channels = np.asarray(channels, dtype=np.float32)
    across = gaussian_filter(channels, (0, 1, 1), order=(0, 0, 1))
    down = gaussian_filter(channels, (0, 1, 1), order=(0, 1, 0))
    angles = 2 * np.pi * np.arange(ORIENTATIONS) / ORIENTATIONS
    bins = [
        _binned((np.cos(angle) * across + np.sin(angle) * down) / STEEPEST, TEXTURE_BINS)
        for angle in angles
    ]
    return np.concatenate(bins)


def region_histograms(labels: np.ndarray, bins: np.ndarray, bin_count: int) -> np.ndarray:
    """A histogram of each region in each map; the values of a region sum to 1.

    Args:
        labels: (H, W), regions 0..R-1, none of them empty.
        bins: (M, H, W), 0..bin_count-1.

    Returns:
        (R, M * bin_count) float32.

    >>> labels, bins = np.array([[0, 0, 1]]), np.array([[[1, 1, 0]]])
    >>> region_histograms(labels, bins, 2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    regions = int(labels.max()) + 1
    start = labels.ravel().astype(np.intp) * bin_count
    counts = np.stack(
        [np.bincount(start + m.ravel(), minlength=regions * bin_count) for m in bins]
    )  # (M, R bins)
    counts = counts.reshape(len(bins), regions, bin_count).transpose(1, 0, 2)
    flat = counts.reshape(regions, -1).astype(np.float32)  # (M, R, bins) -> (R, M bins)
    return flat / flat.sum(axis=1, keepdims=True)


def _binned(values: np.ndarray, count: int) -> np.ndarray:
    return np.clip(values * np.float32(count), 0, count - 1).astype(np.uint8)


@dataclass(frozen=True)
class Regions:
    """R regions that cover a picture.

    Attributes:
        size: (R,) pixels.
        boxes: (R, 4) pixels, half-open.
        colour, texture: (R, bins) float32, histograms.
        neighbours: (P, 2), the regions that touch, each pair once, the lower number first.
    """

    size: np.ndarray
    boxes: np.ndarray
    colour: np.ndarray
    texture: np.ndarray
    neighbours: np.ndarray


def regions_of(labels: np.ndarray, colour: np.ndarray, texture: np.ndarray) -> Regions:
    """What grouping needs to know about the regions of a segmentation.

    Args:
        labels: (H, W), regions 0..R-1, none of them empty.
        colour: (C, H, W), from `colour_bins`.
        texture: (8 C, H, W), from `texture_bins`.

    >>> labels = np.array([[0, 0, 1, 1], [0, 0, 2, 2]])
    >>> regions = regions_of(labels, np.zeros((1, 2, 4), int), np.zeros((8, 2, 4), int))
    >>> regions.boxes.tolist()
    [[0.0, 0.0, 2.0, 2.0], [2.0, 0.0, 4.0, 1.0], [2.0, 1.0, 4.0, 2.0]]
    >>> regions.neighbours.tolist()
    [[0, 1], [0, 2], [1, 2]]
    """
    boxes = [(x.start, y.start, x.stop, y.stop) for y, x in find_objects(labels + 1)]
    return Regions(
        size=np.bincount(labels.ravel()).astype(np.float64),
        boxes=np.array(boxes, dtype=np.float64),
        colour=region_histograms(labels, colour, COLOUR_BINS),
        texture=region_histograms(labels, texture, TEXTURE_BINS),
        neighbours=_touching(labels),
    )


def group(regions: Regions, similarities: str) -> np.ndarray:
    """The boxes of all regions of the hierarchy: the R given, then R - 1 in the order of merging.

    Of pairs that are equally similar the one with the lowest numbers goes first. All regions must
    be connected by neighbours, as those of a segmentation are.

    Args:
        regions: the lowest level.
        similarities: which of "C", "T", "S" and "F" to add up, such as "CTSF".

    Returns:
        (2 R - 1, 4) float64; the last box is the whole picture.

    >>> labels = np.array([[0, 0, 1, 1], [0, 0, 2, 2]])
    >>> regions = regions_of(labels, np.zeros((1, 2, 4), int), np.zeros((8, 2, 4), int))
    >>> group(regions, "S")[3:].tolist()  # the two small ones first
    [[2.0, 0.0, 4.0, 2.0], [0.0, 0.0, 4.0, 2.0]]
    """
    hierarchy = _grouped(regions, similarities)
    return hierarchy.boxes[: hierarchy.count]


def group_until(labels: np.ndarray, regions: Regions, similarities: str, count: int) -> np.ndarray:
    """The level of the hierarchy with ``count`` regions, as a label for each pixel.

    Args:
        labels: (H, W), the segmentation that ``regions`` were made of.
        regions, similarities: see `group`.
        count: how many regions shall be left; if there are not more to begin with, nothing is
            merged.

    Returns:
        (H, W) labels of the regions left: numbers below R for those of the segmentation, from R on
        for merged ones.

    Raises:
        ValueError: a count below 1.

    >>> labels = np.array([[0, 0, 1, 1], [0, 0, 2, 2]])
    >>> regions = regions_of(labels, np.zeros((1, 2, 4), int), np.zeros((8, 2, 4), int))
    >>> group_until(labels, regions, "S", 2).tolist()
    [[0, 0, 3, 3], [0, 0, 3, 3]]
    """
    if count < 1:
        raise ValueError(f"group_until: count={count}, expected one region or more")
    merges = _grouped(regions, similarities).merges
    given = len(regions.size)
    became = np.arange(given + len(merges))  # for each region the one that contains it at the end
    for merged, pair in enumerate(merges[: max(0, given - count)], start=given):
        became[np.isin(became, pair)] = merged
    return became[labels]


def _grouped(regions: Regions, similarities: str) -> _Hierarchy:
    """Algorithm 1: the hierarchy with all merges done."""
    hierarchy = _Hierarchy(regions, similarities)
    first, second = regions.neighbours.T
    alike = hierarchy.similarity(first, second)
    queue = list(zip((-alike).tolist(), first.tolist(), second.tolist(), strict=True))
    heapq.heapify(queue)
    neighbours: list[set[int]] = [set() for _ in range(len(hierarchy.boxes))]
    for _, a, b in queue:
        neighbours[a].add(b)
        neighbours[b].add(a)
    while queue:
        _, a, b = heapq.heappop(queue)
        if b not in neighbours[a]:  # one of the two is part of a larger region by now
            continue
        merged = hierarchy.merge(a, b)
        around = (neighbours[a] | neighbours[b]) - {a, b}
        neighbours[a], neighbours[b], neighbours[merged] = set(), set(), around
        for other in around:
            neighbours[other] -= {a, b}
            neighbours[other].add(merged)
        others = np.fromiter(around, dtype=np.intp, count=len(around))
        alike = hierarchy.similarity(others, merged)
        for score, other in zip(alike.tolist(), others.tolist(), strict=True):
            heapq.heappush(queue, (-score, other, merged))
    return hierarchy


class _Hierarchy:
    """The given regions and the merged ones, in arrays that have room for all of them.

    Attributes:
        merges: the two regions of each merge, in order.
    """

    def __init__(self, regions: Regions, similarities: str) -> None:
        self.count = len(regions.size)
        self.merges: list[tuple[int, int]] = []
        self.area = regions.size.sum()
        self.with_size, self.with_fill = "S" in similarities, "F" in similarities
        # Colour and texture are treated alike, so the two stand side by side in one histogram.
        histograms = [
            histogram
            for letter, histogram in (("C", regions.colour), ("T", regions.texture))
            if letter in similarities
        ]
        empty = np.zeros((self.count, 0), dtype=np.float32)
        self.histogram = self._with_room(np.concatenate([empty, *histograms], axis=1))
        self.size = self._with_room(regions.size)
        self.boxes = self._with_room(regions.boxes)

    def similarity(self, a: np.ndarray, b: np.ndarray | int) -> np.ndarray:
        """(M,) similarities of the regions a (M,) with b, which is (M,) or one region."""
        total = np.minimum(self.histogram[a], self.histogram[b]).sum(axis=1, dtype=np.float64)
        both = self.size[a] + self.size[b]
        if self.with_size:
            total += 1 - both / self.area
        if self.with_fill:
            one, other = self.boxes[a], self.boxes[b]
            sides = np.maximum(one[:, 2:], other[..., 2:]) - np.minimum(
                one[:, :2], other[..., :2]
            )  # (M, 4), (M or 1, 4) -> (M, 2)
            total += 1 - (sides[:, 0] * sides[:, 1] - both) / self.area
        return total

    def merge(self, a: int, b: int) -> int:
        """Make one region of two; returns its number."""
        merged = self.count
        self.count += 1
        self.merges.append((a, b))
        size_a, size_b = self.size[a], self.size[b]
        self.size[merged] = size_a + size_b
        share = np.float32(size_a / (size_a + size_b))
        self.histogram[merged] = share * self.histogram[a] + (1 - share) * self.histogram[b]
        np.minimum(self.boxes[a, :2], self.boxes[b, :2], out=self.boxes[merged, :2])
        np.maximum(self.boxes[a, 2:], self.boxes[b, 2:], out=self.boxes[merged, 2:])
        return merged

    def _with_room(self, rows: np.ndarray) -> np.ndarray:
        """(R, ...) -> (2 R - 1, ...), the new rows not set yet."""
        larger = np.empty((2 * self.count - 1, *rows.shape[1:]), dtype=rows.dtype)
        larger[: self.count] = rows
        return larger


def _touching(labels: np.ndarray) -> np.ndarray:
    """(P, 2): the pairs of labels that are side by side or one above the other somewhere."""
    one = np.concatenate([labels[:, :-1].ravel(), labels[:-1].ravel()]).astype(np.int64)
    other = np.concatenate([labels[:, 1:].ravel(), labels[1:].ravel()]).astype(np.int64)
    apart = np.flatnonzero(one != other)
    one, other = one[apart], other[apart]
    regions = int(labels.max()) + 1
    pairs = np.unique(np.minimum(one, other) * regions + np.maximum(one, other))
    return np.stack([pairs // regions, pairs % regions], axis=1)
