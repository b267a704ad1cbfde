"""Boxes as offsets from proposals, on CUDA: box_coding.cu; `minicv.backend.cpu.box_coding`
documents it.
"""

from __future__ import annotations

import numpy as np

from minicv.backend.cpu.box_coding import MAX_LOG_SCALE, Weights
from minicv.backend.cuda.launcher import CudaFile, one_thread_each
from minicv.backend.device import Array, xp_of

BOX_CODING = CudaFile("box_coding.cu")


def encode_boxes(boxes: Array, proposals: Array, weights: Weights) -> Array:
    """(N, 4) boxes and proposals of one dtype -> (N, 4) offsets, infinite or NaN without area."""
    xp, count = xp_of(boxes), len(boxes)
    offsets = xp.empty((count, 4), boxes.dtype)
    arrays = (xp.ascontiguousarray(boxes), xp.ascontiguousarray(proposals), offsets)
    BOX_CODING.launch(
        "encode", one_thread_each(count), *arrays, count, *weights, real=offsets.dtype
    )
    return offsets


def decode_boxes(deltas: Array, proposals: Array, weights: Weights) -> Array:
    """(N, 4) or (N, K, 4) offsets and (N, 4) proposals -> boxes in the shape of the offsets."""
    xp = xp_of(deltas)
    boxes = xp.empty(deltas.shape, deltas.dtype)
    count, classes = boxes.size // 4, deltas.shape[1] if deltas.ndim == 3 else 1
    arrays = (xp.ascontiguousarray(deltas), xp.ascontiguousarray(proposals), boxes)
    numbers = (count, max(classes, 1), *weights, MAX_LOG_SCALE)
    BOX_CODING.launch("decode", one_thread_each(count), *arrays, *numbers, real=boxes.dtype)
    return boxes


def clip_boxes(boxes: Array, height: float, width: float) -> Array:
    """(..., 4) boxes with x cut to 0..width and y to 0..height."""
    xp, count = xp_of(boxes), boxes.size // 4
    clipped = xp.empty(boxes.shape, boxes.dtype)
    arrays = (xp.ascontiguousarray(boxes), clipped)
    BOX_CODING.launch(
        "clip_to_image", one_thread_each(count), *arrays, count, height, width, real=boxes.dtype
    )
    return clipped


def large_boxes(boxes: Array, min_size: float) -> Array:
    """(..., 4) -> (...): whether both sides have at least ``min_size``, and more than 0."""
    xp, count = xp_of(boxes), boxes.size // 4
    large = xp.empty(boxes.shape[:-1], np.bool_)
    arrays = (xp.ascontiguousarray(boxes), large)
    BOX_CODING.launch(
        "large_boxes", one_thread_each(count), *arrays, count, min_size, real=boxes.dtype
    )
    return large


def decode_candidates(
    logits: Array,
    deltas: Array,
    anchors: Array,
    chosen: Array,
    sizes: list[tuple[float, float]],
    min_size: float,
) -> tuple[Array, Array, Array]:
    """Boxes (N, P, 4), scores (N, P) and whether each box is large enough (N, P)."""
    xp, dtype = xp_of(logits), deltas.dtype
    boxes = xp.empty((*chosen.shape, 4), dtype)
    scores, large = xp.empty(chosen.shape, dtype), xp.empty(chosen.shape, np.bool_)
    contiguous = (xp.ascontiguousarray(array) for array in (logits, deltas, anchors, chosen))
    BOX_CODING.launch(
        "decode_candidates",
        one_thread_each(chosen.size),
        *(*contiguous, xp.asarray(np.array(sizes, dtype)), boxes, scores, large),
        *(chosen.size, chosen.shape[1], len(anchors), MAX_LOG_SCALE, min_size),
        real=dtype,
    )
    return boxes, scores, large
