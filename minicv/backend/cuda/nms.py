"""Non-maximum suppression on CUDA: nms.cu; `minicv.backend.cpu.nms` documents it."""

from __future__ import annotations

import numpy as np

from minicv.backend.cuda.launcher import CudaFile, Grid
from minicv.backend.device import Array, to_numpy, xp_of
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
    kept, count = _suppressed(
        boxes[None], descending(scores)[None], iou_threshold, labels, None, len(boxes)
    )
    return kept[0, : int(count.item())]


def nms_of_images(
    boxes: Array,
    scores: Array,
    labels: Array,
    wanted: Array,
    iou_threshold: float,
    most: int,
) -> tuple[Array, list[int]]:
    """The survivors of each image, and how many they are; the host waits once for all images.

    Raises:
        ValueError: as `nms`.
    """
    xp = xp_of(boxes)
    order = xp.argsort(-scores, axis=1, kind="stable")
    kept, counts = _suppressed(boxes, order, iou_threshold, labels, wanted, most)
    return kept, to_numpy(counts).tolist()


def _suppressed(
    boxes: Array,
    order: Array,
    iou_threshold: float,
    labels: Array | None,
    wanted: Array | None,
    most: int,
) -> tuple[Array, Array]:
    """The survivors of N images (N, at most ``most``), best first; their numbers (N,)."""
    xp, (images, count, _) = xp_of(boxes), boxes.shape
    words, most = -(-count // BOXES), min(most, count)
    if words > MOST_WORDS:
        raise ValueError(
            f"nms: on a GPU at most {MOST_WORDS * BOXES} boxes can be compared but there are "
            f"{count}; pass only those with the best scores"
        )
    kept, kept_count = xp.empty((images, most), np.int64), xp.zeros(images, np.int32)
    if most == 0:
        return kept, kept_count
    mask = xp.empty((images, count, words), np.uint64)
    order = xp.ascontiguousarray(order)
    types = {"real": boxes.dtype, "MOST_WORDS": MOST_WORDS}
    NMS.launch(
        "overlap_mask",
        Grid((words, words, images), (BOXES, 1, 1)),
        *(xp.ascontiguousarray(boxes), order),
        *(order if labels is None else xp.ascontiguousarray(labels, np.int64), labels is not None),
        *(mask, count, words, iou_threshold, np.finfo(boxes.dtype).tiny),
        **types,
    )
    chosen = xp.empty(1, np.bool_) if wanted is None else xp.ascontiguousarray(wanted)
    NMS.launch(
        "keep_best",
        Grid((images, 1, 1), (THREADS, 1, 1)),
        *(mask, order, chosen, wanted is not None, kept, kept_count, count, words, most),
        **types,
    )
    return kept, kept_count
