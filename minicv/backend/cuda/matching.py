"""Matching boxes with targets on CUDA: matching.cu; `minicv.backend.cpu.matching` documents it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.backend.cpu.matching import TIE_TOLERANCE
from minicv.backend.cuda.launcher import THREADS, CudaFile, Grid, one_thread_each
from minicv.backend.device import Array, xp_of

MATCHING = CudaFile("matching.cu")


def match_boxes(
    targets: Array,
    boxes: Array,
    parts: Sequence[tuple[slice, slice]],
    high: float,
    low: float,
    floor: float,
    best_boxes_too: bool,
) -> tuple[Array, Array, Array]:
    """The target, the label and the overlap of each box of each image; the host does not wait."""
    xp, real = xp_of(boxes), boxes.dtype
    places = np.array([(t.start, t.stop, b.start, b.stop, 0) for t, b in parts], np.int64)
    box_counts = places[:, 3] - places[:, 2]
    places[1:, 4] = box_counts[:-1].cumsum()
    count, most_boxes = int(box_counts.sum()), int(box_counts.max())
    most_targets = int((places[:, 1] - places[:, 0]).max())
    index, label = xp.empty(count, np.int64), xp.empty(count, np.int8)
    best, best_of_target = xp.empty(count, real), xp.empty(max(len(targets), 1), real)
    arrays = (xp.ascontiguousarray(targets), xp.ascontiguousarray(boxes), xp.asarray(places))
    tiny, images = np.finfo(real).tiny, len(parts)
    types = {"real": real, "THREADS": THREADS}
    if best_boxes_too:
        grid = Grid((most_targets, images, 1), (THREADS, 1, 1))
        MATCHING.launch("best_overlaps", grid, *arrays, best_of_target, tiny, **types)
    blocks = one_thread_each(most_boxes).blocks[0]
    MATCHING.launch(
        "match",
        Grid((blocks, images, 1), (THREADS, 1, 1)),
        *(*arrays, best_of_target, index, label, best),
        *(high, low, floor, best_boxes_too, TIE_TOLERANCE, tiny),
        **types,
    )
    return index, label, best
