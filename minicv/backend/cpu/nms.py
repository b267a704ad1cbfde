"""Greedy non-maximum suppression on the CPU.

The plain algorithm takes the best box, removes all boxes that overlap it too much, and repeats: one
short NumPy step for every box that is kept. Here the boxes come in blocks, so that NumPy works on
long rows: first the boxes of a block suppress one another, then its survivors remove boxes of all
later blocks at once. The result is the same, because only a better box can remove a box.
"""

from __future__ import annotations

import numpy as np

from minicv.backend.ranking import descending

BLOCK = 64  # a block against 2000 boxes is half a megabyte of float32, which stays in the cache


def nms(
    boxes: np.ndarray, scores: np.ndarray, iou_threshold: float, labels: np.ndarray | None = None
) -> np.ndarray:
    """Indices of the boxes that survive, best score first; equal scores keep their order.

    A box is removed when its IoU with a better surviving box is greater than ``iou_threshold``.

    Args:
        boxes: (N, 4) as x1, y1, x2, y2, floating point.
        scores: (N,).
        iou_threshold: overlap above which the box with the lower score is removed, 0 or more.
        labels: (N,) integers; boxes of different labels never compete.

    >>> boxes = np.array([[0, 0, 10, 10], [0, 1, 10, 11], [20, 0, 30, 10]], dtype=np.float32)
    >>> nms(boxes, np.array([0.5, 0.9, 0.1]), 0.5).tolist()
    [1, 2]
    >>> nms(boxes, np.array([0.5, 0.9, 0.1]), 0.5, np.array([0, 1, 0])).tolist()
    [1, 0, 2]
    """
    if labels is None:
        return _nms_of_one_label(boxes, scores, iou_threshold)
    survives = np.zeros(len(boxes), dtype=bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        survives[members[_nms_of_one_label(boxes[members], scores[members], iou_threshold)]] = True
    kept = np.flatnonzero(survives)
    return kept[descending(scores[kept])]


def _nms_of_one_label(boxes: np.ndarray, scores: np.ndarray, iou_threshold: float) -> np.ndarray:
    order = descending(scores)
    corners = np.ascontiguousarray(boxes[order].T)  # (N, 4) -> (4, N)
    x1, y1, x2, y2 = corners
    area = np.maximum(x2 - x1, 0) * np.maximum(y2 - y1, 0)
    left = np.concatenate([corners, area[None]])  # (5, N): the boxes not yet decided
    kept = [order[:0]]
    while left.shape[1]:
        block, left = left[:, :BLOCK], left[:, BLOCK:]
        block_order, order = order[:BLOCK], order[BLOCK:]
        survivors = _suppress(_overlaps(block, block, iou_threshold))
        kept.append(block_order[survivors])
        remaining = ~_overlaps(block[:, survivors], left, iou_threshold).any(axis=0)
        left, order = left[:, remaining], order[remaining]
    return np.concatenate(kept)


def _overlaps(first: np.ndarray, second: np.ndarray, iou_threshold: float) -> np.ndarray:
    """(5, M) and (5, N) -> (M, N): whether the IoU of each pair is above the threshold."""
    width = np.minimum(first[2, :, None], second[2])
    width -= np.maximum(first[0, :, None], second[0])
    height = np.minimum(first[3, :, None], second[3])
    height -= np.maximum(first[1, :, None], second[1])
    np.maximum(width, 0, out=width)
    np.maximum(height, 0, out=height)
    intersection = np.multiply(width, height, out=width)
    union = np.add(first[4, :, None], second[4], out=height)
    union -= intersection
    np.maximum(union, np.finfo(union.dtype).tiny, out=union)  # two empty boxes: IoU is 0, not 0/0
    intersection /= union
    return intersection > iou_threshold


def _suppress(overlaps: np.ndarray) -> np.ndarray:
    """Greedy suppression within one block: (M, M) overlaps, best box first -> surviving rows.

    Each row becomes one integer whose bit j says that row j overlaps, so a single ``|`` removes all
    rows that overlap with it.
    """
    packed = np.packbits(overlaps, axis=1, bitorder="little")
    rivals = [int.from_bytes(row.tobytes(), "little") for row in packed]
    removed, survivors = 0, []
    for index, rivals_of_index in enumerate(rivals):
        if not removed >> index & 1:
            survivors.append(index)
            removed |= rivals_of_index
    return np.array(survivors, dtype=np.intp)
