"""Greedy non-maximum suppression on the CPU.

The plain algorithm takes the best box, removes all boxes that overlap it too much, and repeats: one
short NumPy step for every box that is kept. Here the boxes come in blocks, so that NumPy works on
long rows: first the boxes of a block suppress one another, then its survivors remove boxes of all
later blocks at once. The result is the same, because only a better box can remove a box.
"""

from __future__ import annotations

import numpy as np

from minicv.backend.ranking import descending

# The bits of one integer; and a block against 2000 boxes is half a megabyte of float32, which stays
# in the cache.
BLOCK = 64


def nms(
    boxes: np.ndarray,
    scores: np.ndarray,
    iou_threshold: float,
    labels: np.ndarray | None = None,
    most: int | None = None,
) -> np.ndarray:
    """Indices of the boxes that survive, best score first; equal scores keep their order.

    A box is removed when its IoU with a better surviving box is greater than ``iou_threshold``.

    Args:
        boxes: (N, 4) as x1, y1, x2, y2, floating point.
        scores: (N,).
        iou_threshold: overlap above which the box with the lower score is removed, 0 or more.
        labels: (N,) integers; boxes of different labels never compete.
        most: only so many survivors, the best ones, are wanted; None wants all.

    >>> boxes = np.array([[0, 0, 10, 10], [0, 1, 10, 11], [20, 0, 30, 10]], dtype=np.float32)
    >>> nms(boxes, np.array([0.5, 0.9, 0.1]), 0.5).tolist()
    [1, 2]
    >>> nms(boxes, np.array([0.5, 0.9, 0.1]), 0.5, np.array([0, 1, 0])).tolist()
    [1, 0, 2]
    """
    most = len(boxes) if most is None else most
    if labels is None or (labels == labels[:1]).all():
        return _nms_of_one_label(boxes, scores, iou_threshold, most)
    survives = np.zeros(len(boxes), dtype=bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        kept = _nms_of_one_label(boxes[members], scores[members], iou_threshold, most)
        survives[members[kept]] = True
    kept = np.flatnonzero(survives)
    return kept[descending(scores[kept])][:most]


def nms_of_images(
    boxes: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    wanted: np.ndarray,
    iou_threshold: float,
    most: int,
) -> tuple[np.ndarray, list[int]]:
    """`nms` of each of N images with P boxes each.

    Args:
        boxes: (N, P, 4).
        scores: (N, P).
        labels: (P,), of every image.
        wanted: (N, P) boolean; the other boxes are neither kept nor remove others.
        iou_threshold: as for `nms`.
        most: how many survivors of an image are wanted, the best ones.

    Returns:
        kept: (N, min(most, P)) int64, indices of the survivors, best first, then zeros.
        counts: how many survivors each image has.

    >>> boxes = np.array([[[0, 0, 10, 10], [0, 1, 10, 11], [20, 0, 30, 10]]], dtype=np.float32)
    >>> kept, counts = nms_of_images(boxes, np.array([[0.5, 0.9, 0.1]]), np.zeros(3, int),
    ...                              np.array([[True, True, False]]), 0.5, 10)
    >>> kept.tolist(), counts
    ([[1, 0, 0]], [1])
    """
    images, count, _ = boxes.shape
    kept = np.zeros((images, min(most, count)), np.int64)
    counts = []
    # One by one: such short steps of NumPy on two threads would wait for each other.
    for image in range(images):
        own = np.flatnonzero(wanted[image])
        best = nms(boxes[image, own], scores[image, own], iou_threshold, labels[own], most)
        kept[image, : len(best)] = own[best]
        counts.append(len(best))
    return kept, counts


def _nms_of_one_label(
    boxes: np.ndarray, scores: np.ndarray, iou_threshold: float, most: int
) -> np.ndarray:
    order = descending(scores)
    corners = np.ascontiguousarray(boxes[order].T)  # (N, 4) -> (4, N)
    x1, y1, x2, y2 = corners
    area = np.maximum(x2 - x1, 0) * np.maximum(y2 - y1, 0)
    np.maximum(area, np.finfo(area.dtype).tiny, out=area)  # two empty boxes: IoU is 0, not 0/0
    left = np.concatenate([corners, area[None]])  # (5, N): the boxes not yet decided
    room = np.empty((3, BLOCK * len(order)), left.dtype)
    kept, count = [order[:0]], 0
    while left.shape[1] and count < most:
        block, left = left[:, :BLOCK], left[:, BLOCK:]
        block_order, order = order[:BLOCK], order[BLOCK:]
        survivors = _suppress(_overlaps(block, block, iou_threshold, room))
        kept.append(block_order[survivors])
        count += len(survivors)
        remaining = ~_overlaps(block[:, survivors], left, iou_threshold, room).any(axis=0)
        left, order = left[:, remaining], order[remaining]
    return np.concatenate(kept)[:most]


def _overlaps(
    first: np.ndarray, second: np.ndarray, iou_threshold: float, room: np.ndarray
) -> np.ndarray:
    """(5, M) and (5, N) -> (M, N): whether the IoU of each pair is above the threshold.

    ``room`` is memory for three such arrays.
    """
    shape = first.shape[1], second.shape[1]
    width, height, other = room[:, : shape[0] * shape[1]].reshape(3, *shape)
    np.minimum(first[2, :, None], second[2], out=width)
    width -= np.maximum(first[0, :, None], second[0], out=other)
    np.maximum(width, 0, out=width)  # a height below 0 leaves an intersection of 0 or below
    np.minimum(first[3, :, None], second[3], out=height)
    height -= np.maximum(first[1, :, None], second[1], out=other)
    intersection = np.multiply(width, height, out=width)
    union = np.add(first[4, :, None], second[4], out=height)
    union -= intersection
    intersection /= union
    return intersection > iou_threshold


def _suppress(overlaps: np.ndarray) -> np.ndarray:
    """Greedy suppression within one block: (M, M) overlaps, best box first -> surviving rows.

    Each row becomes one integer whose bit j says that row j overlaps, so a single ``|`` removes all
    rows that overlap with it.
    """
    packed = np.zeros((len(overlaps), 8), np.uint8)
    bits = np.packbits(overlaps, axis=1, bitorder="little")
    packed[:, : bits.shape[1]] = bits
    rivals = packed.view("<u8")[:, 0].tolist()
    removed, survivors = 0, []
    for index, rivals_of_index in enumerate(rivals):
        if not removed >> index & 1:
            survivors.append(index)
            removed |= rivals_of_index
    return np.array(survivors, dtype=np.intp)
