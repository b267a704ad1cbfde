"""Exercise: hierarchical grouping, the merging of Selective Search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Speed
from minicv.proposals.hierarchical_grouping import Regions, regions_of
from minicv.proposals.hierarchical_grouping import group as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

CLEAR = 1e-6  # lead of the most similar pair, so that rounding does not choose another


def group(
    size: np.ndarray, boxes: np.ndarray, histogram: np.ndarray, neighbours: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The boxes (2 R - 1, 4) and the merges (R - 1, 2).

    >>> sizes, boxes = np.array([2.0, 2.0]), np.array([[0.0, 0.0, 2.0, 1.0], [2.0, 0.0, 4.0, 1.0]])
    >>> boxes, merges = group(sizes, boxes, np.ones((2, 1)), np.array([[0, 1]]))
    >>> boxes[2].tolist(), merges.tolist()
    ([0.0, 0.0, 4.0, 1.0], [[0, 1]])
    """
    area = size.sum()
    sizes, all_boxes, histograms = list(size), list(boxes), list(histogram)
    pairs = {(a, b) for a, b in neighbours.tolist()}

    def similarity(pair: tuple[int, int]) -> float:
        a, b = pair
        both = sizes[a] + sizes[b]
        low = np.minimum(all_boxes[a][:2], all_boxes[b][:2])
        high = np.maximum(all_boxes[a][2:], all_boxes[b][2:])
        alike = np.minimum(histograms[a], histograms[b]).sum()
        small = 1 - both / area
        filled = 1 - ((high - low).prod() - both) / area
        return float(alike + small + filled)

    merges = []
    while pairs:
        a, b = max(sorted(pairs), key=similarity)  # max takes the first of equals
        merged = len(all_boxes)
        merges.append((a, b))
        low = np.minimum(all_boxes[a][:2], all_boxes[b][:2])
        high = np.maximum(all_boxes[a][2:], all_boxes[b][2:])
        all_boxes.append(np.concatenate([low, high]))
        total = sizes[a] * histograms[a] + sizes[b] * histograms[b]
        sizes.append(sizes[a] + sizes[b])
        histograms.append(total / sizes[merged])
        # Whatever touched one of the two touches the merged region, which has the highest number.
        around = {k for pair in pairs if a in pair or b in pair for k in pair} - {a, b}
        pairs = {pair for pair in pairs if a not in pair and b not in pair}
        pairs |= {(k, merged) for k in around}
    return np.array(all_boxes), np.array(merges, dtype=int).reshape(-1, 2)


def _twin(
    size: np.ndarray, boxes: np.ndarray, histogram: np.ndarray, neighbours: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    all_boxes, merges, _ = _grouped(size, boxes, histogram, neighbours)
    return np.array(all_boxes, float), np.array(merges, np.int64).reshape(-1, 2)


def _grouped(
    size: np.ndarray, boxes: np.ndarray, histogram: np.ndarray, neighbours: np.ndarray
) -> tuple[list[list[float]], list[tuple[int, int]], float]:
    """Boxes, merges, and the smallest lead of a pair that was merged before the second best."""
    area, lead = sum(size.tolist()), float("inf")
    sizes, all_boxes, histograms = size.tolist(), boxes.tolist(), histogram.tolist()
    pairs = [(a, b) for a, b in neighbours.tolist()]
    merges = []
    while pairs:
        scores = []
        for a, b in sorted(pairs):
            score = sum(min(p, q) for p, q in zip(histograms[a], histograms[b], strict=True))
            both = (sizes[a] + sizes[b]) / area
            x1, y1, x2, y2 = _around(all_boxes[a], all_boxes[b])
            score += 1 - both + 1 - ((x2 - x1) * (y2 - y1) / area - both)
            scores.append(score)
        best = max(range(len(scores)), key=lambda k: scores[k])
        lead = min([lead, *(scores[best] - score for k, score in enumerate(scores) if k != best)])
        a, b = sorted(pairs)[best]
        merged = len(all_boxes)
        merges.append((a, b))
        all_boxes.append(_around(all_boxes[a], all_boxes[b]))
        sizes.append(sizes[a] + sizes[b])
        share = sizes[a] / sizes[merged]
        mixed = zip(histograms[a], histograms[b], strict=True)
        histograms.append([share * p + (1 - share) * q for p, q in mixed])
        renamed = {
            (min(p, q), max(p, q))
            for pair in pairs
            for p, q in [[merged if k in (a, b) else k for k in pair]]
        }
        pairs = [(p, q) for p, q in renamed if p != q]
    return all_boxes, merges, lead


def _around(one: list[float], other: list[float]) -> list[float]:
    return [
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    ]


def _ours(
    size: np.ndarray, boxes: np.ndarray, histogram: np.ndarray, neighbours: np.ndarray
) -> np.ndarray:
    without = np.zeros((len(size), 0), np.float32)
    return explained(Regions(size, boxes, histogram, without, neighbours), "CSF")


def _regions(labels: np.ndarray, histogram: np.ndarray | None = None) -> Arguments:
    """The arguments for a picture; without histograms all its regions have one colour."""
    nothing = np.zeros((1, *labels.shape), int)
    regions = regions_of(labels, nothing, nothing)
    return {
        "size": regions.size,
        "boxes": regions.boxes,
        "histogram": np.ones((len(regions.size), 1)) if histogram is None else histogram,
        "neighbours": regions.neighbours,
    }


def _histograms(rng: np.random.Generator, regions: int) -> np.ndarray:
    counts = rng.integers(1, 40, (regions, 3))
    return counts / counts.sum(axis=1, keepdims=True)


def _drawn() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import distinct_sizes, seeds

    def draw(shape: tuple[int, ...], regions: int, seed: int) -> Arguments:
        rng = np.random.default_rng(seed)
        _, labels = np.unique(rng.integers(0, regions, shape), return_inverse=True)
        return _regions(labels.reshape(shape), _histograms(rng, 1 + labels.max()))

    drawn = st.builds(draw, distinct_sizes(2, 1, 5), st.integers(1, 6), seeds())
    return drawn.filter(lambda arguments: _grouped(**arguments)[2] > CLEAR)


def _timed() -> Arguments:
    rng = np.random.default_rng(0)
    labels = np.arange(49).reshape(7, 7).repeat(3, axis=0).repeat(3, axis=1)
    return _regions(labels, _histograms(rng, 49))


def _strip(about: str, lengths: list[int], histogram: list[list[float]]) -> Case:
    """Regions in one row of pixels, each beside the next."""
    ends = np.cumsum(lengths)
    boxes = [[end - length, 0, end, 1] for end, length in zip(ends, lengths, strict=True)]
    pairs = [[k, k + 1] for k in range(len(lengths) - 1)]
    arguments: Arguments = {
        "size": np.array(lengths, float),
        "boxes": np.array(boxes, float),
        "histogram": np.array(histogram, float),
        "neighbours": np.array(pairs, int).reshape(-1, 2),
    }
    return Case(about, arguments)


EXERCISE = Exercise(
    name="selective_search",
    title="the merging of Selective Search",
    example="08_region_proposals.py",
    chapter="12_proposals.md",
    holes=(
        Hole(
            solution=group,
            twin=_twin,
            explained_by=explained,
            excerpt=("Of pairs … goes first.",),
            note="Given are the sizes (R,) in pixels, the boxes (R, 4), colour histograms (R, B) "
            "that sum to 1, and the pairs (P, 2) of regions that touch, the lower number first. As "
            "long as there are such pairs, merge the most similar one: a new region with the next "
            "number, which touches what either of the two touched, and whose histogram is that of "
            "all its pixels. The similarity of a and b is the sum of min(histogram a, histogram "
            "b), plus 1 - |a| - |b|, plus 1 - (|box around both| - |a| - |b|), where all sizes are "
            "shares of the picture and the picture is all regions together. Return also the two "
            "numbers of each merge, the lower first.",
            results=("boxes", "merges"),
            cases=(
                _strip("two regions become one", [1, 3], [[1, 0], [0.5, 0.5]]),
                Case(
                    "the two small regions first",
                    _regions(np.array([[0, 0, 1, 1], [0, 0, 2, 2]])),
                ),
                _strip("two regions of one colour", [2, 2, 2], [[1, 0], [0, 1], [0, 1]]),
                _strip("four equal regions", [2, 2, 2, 2], [[1, 0], [1, 0], [1, 0], [1, 0]]),
                _strip("like and like that do not touch", [2, 4, 2], [[1, 0], [0.5, 0.5], [1, 0]]),
                Case(
                    "a box around that would hold much else",
                    _regions(
                        np.array([[0, 0, 1, 1], [0, 2, 2, 1], [0, 2, 2, 1], [0, 0, 0, 1]]),
                    ),
                ),
                _strip(
                    "a large and a small region mix their colours by size",
                    [6, 2, 4, 4],
                    [[1, 0, 0], [0.75, 0.25, 0], [0.25, 0.75, 0], [0.09375, 0, 0.90625]],
                ),
                _strip("a single region", [4], [[0.5, 0.5]]),
            ),
            drawn=_drawn,
            speed=Speed(
                arguments=_timed,
                ours=_ours,
                why="minicv keeps all pairs in a heap by their similarity, and after a merge "
                "computes only those of the new region; looking at every pair again after every "
                "merge takes longer the more regions there are, by their square.",
            ),
        ),
    ),
    hints=(
        "Write down what must change when regions a and b become region m: its size, its box, its "
        "histogram, and every pair in which a or b stood. Then the loop is short.",
        "A histogram is a share of pixels, so the merged one is the mean of the two, weighted by "
        "their sizes. In each pair replace a and b by m, and leave out the pair that becomes m and "
        "m.\nmax over the pairs in ascending order takes the first of equals. The area is the sum "
        "of the R given sizes and does not grow.",
        "while pairs:\n"
        "    a, b = max(sorted(pairs), key=similarity)\n"
        "    append the box around both, size[a] + size[b], and\n"
        "    (size[a] * histogram[a] + size[b] * histogram[b]) / (size[a] + size[b])\n"
        "    around = all that stand in a pair with a or b, less a and b\n"
        "    pairs = those without a and b, and (k, m) for each k of around",
    ),
)
