"""Matching boxes with targets on the CPU; `minicv.vision.matching` has the rules.

The overlaps of all targets with all boxes would be the largest arrays of a training step. So boxes
come in blocks whose overlaps stay in the cache, and of each block only three things are kept: the
best target of each box, that overlap, and the best overlap of each target in the block. For a
target's best boxes the overlaps are computed again, only in the few blocks that hold one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.backend.parallel import split

POSITIVE, NEGATIVE, IGNORED = 1, 0, -1
TIE_TOLERANCE = 1e-5
BLOCK_ELEMENTS = 1 << 15  # pairs in a block: 128 kilobytes of float32


def match_boxes(
    targets: np.ndarray,
    boxes: np.ndarray,
    parts: Sequence[tuple[slice, slice]],
    high: float,
    low: float,
    floor: float,
    best_boxes_too: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Match the boxes of several images, each with the targets of its own image.

    Args:
        targets: (G, 4), of all images.
        boxes: (R, 4), of the dtype of the targets; images may share boxes.
        parts: for each image its targets and its boxes, both with start and stop.
        high: overlap from which a box is positive.
        low: overlap below which a box is background.
        floor: overlap below which a box is ignored instead, where there are targets.
        best_boxes_too: whether the best boxes of each target are positive.

    Returns:
        for all boxes of the first image, then of the second, and so on: the target's row among all
        (int64), the label (int8) and the overlap. An image without targets has a row all the same.

    >>> targets, boxes = np.array([[0.0, 0.0, 8.0, 8.0]]), np.array([[0.0, 0.0, 8.0, 6.0]])
    >>> parts = [(slice(0, 1), slice(0, 1)), (slice(1, 1), slice(0, 1))]
    >>> [part.tolist() for part in match_boxes(targets, boxes, parts, 0.7, 0.3, 0.0, False)]
    [[0, 1], [1, 0], [0.75, 0.0]]
    """
    count = sum(own_boxes.stop - own_boxes.start for _, own_boxes in parts)
    index = np.zeros(count, np.int64)
    label = np.full(count, NEGATIVE, np.int8)
    best = np.zeros(count, boxes.dtype)
    start = 0
    for own_targets, own_boxes in parts:
        end = start + own_boxes.stop - own_boxes.start
        if own_targets.stop > own_targets.start and end > start:
            _match_image(
                _Corners(targets[own_targets]),
                _Corners(boxes[own_boxes]),
                (high, low, floor, best_boxes_too),
                (index[start:end], label[start:end], best[start:end]),
            )
        index[start:end] += own_targets.start
        start = end
    return index, label, best


class _Corners:
    """(N, 4) boxes by columns, and their areas."""

    def __init__(self, boxes: np.ndarray) -> None:
        self.count = len(boxes)
        self.x1, self.y1, self.x2, self.y2 = np.ascontiguousarray(boxes.T)
        self.area = np.maximum(self.x2 - self.x1, 0) * np.maximum(self.y2 - self.y1, 0)

    def overlaps(self, others: _Corners, block: slice) -> np.ndarray:
        """Intersection over union with a block of others, (N, B)."""
        columns = (self.x1, self.y1, self.x2, self.y2)
        x1, y1, x2, y2 = (column[:, None] for column in columns)
        width = np.minimum(x2, others.x2[block])
        width -= np.maximum(x1, others.x1[block])
        np.maximum(width, 0, out=width)
        height = np.minimum(y2, others.y2[block])
        height -= np.maximum(y1, others.y1[block])
        np.maximum(height, 0, out=height)
        intersection = np.multiply(width, height, out=width)
        union = np.add(self.area[:, None], others.area[block], out=height)
        union -= intersection
        # The 0 of two degenerate boxes is divided to 0, not NaN.
        np.maximum(union, np.finfo(union.dtype).tiny, out=union)
        return np.divide(intersection, union, out=width)


def _match_image(
    targets: _Corners,
    boxes: _Corners,
    rules: tuple[float, float, float, bool],
    results: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    high, low, floor, best_boxes_too = rules
    index, label, best = results
    blocks = split(boxes.count, BLOCK_ELEMENTS // targets.count)
    best_in_block = np.empty((len(blocks), targets.count), best.dtype)
    for block, of_targets in zip(blocks, best_in_block, strict=True):
        overlaps = targets.overlaps(boxes, block)  # (G, B)
        index[block] = overlaps.argmax(axis=0)
        best[block] = np.take_along_axis(overlaps, index[None, block], axis=0)[0]
        if best_boxes_too:
            overlaps.max(axis=1, out=of_targets)
    label[:] = np.where((best >= floor) & (best < low), NEGATIVE, IGNORED)
    label[best >= high] = POSITIVE
    if best_boxes_too:
        nearly_best = best_in_block.max(axis=0) - best.dtype.type(TIE_TOLERANCE)  # (G,)
        holds_a_best = (best_in_block >= nearly_best) & (best_in_block > 0)
        for number in np.flatnonzero(holds_a_best.any(axis=1)):
            block = blocks[number]
            overlaps = targets.overlaps(boxes, block)
            wins = (overlaps >= nearly_best[:, None]) & (overlaps > 0)
            label[block][wins.any(axis=0)] = POSITIVE
