"""Softmax cross entropy on CUDA: softmax_cross_entropy.cu;
`minicv.backend.cpu.softmax_cross_entropy` documents it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicv.backend.cuda.launcher import THREADS, CudaFile, Grid, one_thread_each
from minicv.backend.device import Array, xp_of

SOFTMAX_CROSS_ENTROPY = CudaFile("softmax_cross_entropy.cu")
LABEL_TYPES = (np.dtype(np.uint8), np.dtype(np.int32), np.dtype(np.int64))
MANY_CLASSES = 64  # above this a whole block computes one sample


def softmax_cross_entropy_forward(
    logits: Array, labels: Array, weight: Array | None, ignore_index: int
) -> tuple[Array, Array, Array]:
    """``(losses, factor, softmax)``. A label that is no class raises nothing: its loss is NaN."""
    xp = xp_of(logits)
    samples, classes, pixels = logits.shape
    losses, factor = (xp.empty((samples, pixels), logits.dtype) for _ in range(2))
    softmax = xp.empty(logits.shape, logits.dtype)
    if weight is None:
        weight = xp.ones(classes, logits.dtype)
    grid, options = _launch_options(logits, labels)
    SOFTMAX_CROSS_ENTROPY.launch(
        "softmax_cross_entropy_forward",
        grid,
        xp.ascontiguousarray(logits),
        _whole_numbers(labels),
        xp.ascontiguousarray(weight, dtype=logits.dtype),
        *(losses, factor, softmax),
        *(losses.size, classes, pixels, ignore_index),
        **options,
    )
    return losses, factor, softmax


def softmax_cross_entropy_backward(
    grad: Array, softmax: Array, labels: Array, ignore_index: int
) -> Array:
    """(N, K, P): grad · (softmax - 1 at the label); ``ignore_index`` has a grad of 0 already."""
    xp = xp_of(grad)
    _, classes, pixels = softmax.shape
    grad_logits = xp.empty(softmax.shape, softmax.dtype)
    grid, options = _launch_options(softmax, labels)
    SOFTMAX_CROSS_ENTROPY.launch(
        "softmax_cross_entropy_backward",
        grid,
        *(xp.ascontiguousarray(grad), xp.ascontiguousarray(softmax)),
        *(_whole_numbers(labels), grad_logits),
        *(grad.size, classes, pixels),
        **options,
    )
    return grad_logits


def _launch_options(logits: Array, labels: Array) -> tuple[Grid, dict[str, Any]]:
    """The grid, and what the file leaves open."""
    _, classes, pixels = logits.shape
    together = pixels == 1 and classes > MANY_CLASSES
    count = labels.size
    grid = Grid((count, 1, 1), (THREADS, 1, 1)) if together else one_thread_each(count)
    label_type = _whole_numbers(labels).dtype
    lanes = THREADS if together else 1
    return grid, {
        "real": logits.dtype,
        "label_t": label_type,
        "LANES": lanes,
        "THREADS": THREADS,
    }


def _whole_numbers(labels: Array) -> Array:
    """Labels as kernels take them: contiguous, of a type in `LABEL_TYPES`."""
    dtype = labels.dtype if labels.dtype in LABEL_TYPES else np.dtype(np.int64)
    return xp_of(labels).ascontiguousarray(labels, dtype=dtype)
