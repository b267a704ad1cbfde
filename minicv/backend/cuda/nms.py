"""Non-maximum suppression on CUDA: nms.cu; `minicv.backend.cpu.nms` documents it."""

from __future__ import annotations

import numpy as np

from minicv.backend.cuda.launcher import CudaFile, Grid
from minicv.backend.device import Array, xp_of
from minicv.backend.ranking import descending

NMS = CudaFile("nms.cu")
BOXES = 64  # in a block: their overlaps with one box are the bits of a word
MOST_WORDS = 4096  # in a row of the mask: what fits into shared memory
THREADS = 512  # of the pass over the mask: 8 rows by 64 words


def nms(boxes: Array, scores: Array, iou_threshold: float, labels: Array | None = None) -> Array:
    """Indices of the boxes that survive, best score first; equal scores keep their order.

    The host waits once, for the number of survivors.

    Raises:
        ValueError: more boxes than the mask of overlaps has room for.
    """
    xp = xp_of(boxes)
    count, words = len(boxes), -(-len(boxes) // BOXES)
    if words > MOST_WORDS:
        raise ValueError(
            f"nms: on a GPU at most {MOST_WORDS * BOXES} boxes can be compared but there are "
            f"{count}; pass only those with the best scores"
        )
    kept = xp.empty(count, np.int64)
    if count == 0:
        return kept
    order = descending(scores)
    mask = xp.empty((count, words), np.uint64)
    NMS.launch(
        "overlap_mask",
        Grid((words, words, 1), (BOXES, 1, 1)),
        *(xp.ascontiguousarray(boxes), order),
        *(order if labels is None else xp.ascontiguousarray(labels, np.int64), labels is not None),
        *(mask, count, words, iou_threshold, np.finfo(boxes.dtype).tiny),
        real=boxes.dtype,
        MOST_WORDS=MOST_WORDS,
    )
    kept_count = xp.empty(1, np.int32)
    NMS.launch(
        "keep_best",
        Grid((1, 1, 1), (THREADS, 1, 1)),
        *(mask, order, kept, kept_count, count, words),
        real=boxes.dtype,
        MOST_WORDS=MOST_WORDS,
    )
    return kept[: int(kept_count.item())]
