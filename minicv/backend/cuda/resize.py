"""Resizing on CUDA: resize.cu; `minicv.backend.cpu.resize` documents it."""

from __future__ import annotations

import numpy as np

from minicv.backend.cpu.resize import ROUNDED
from minicv.backend.cuda.launcher import CudaFile, index_type, one_thread_each
from minicv.backend.device import Array, xp_of

RESIZE = CudaFile("resize.cu")


def resize_maps(x: Array, rows: Array, columns: Array) -> Array:
    """rows · x[n, c] · columnsᵀ for each map, one axis after the other."""
    return _along_axis(_along_axis(x, columns, 3), rows, 2)


def _along_axis(x: Array, weights: Array, axis: int) -> Array:
    xp = xp_of(x)
    x, weights = xp.ascontiguousarray(x), xp.ascontiguousarray(weights)
    new_length, length = weights.shape
    y = xp.empty((*x.shape[:axis], new_length, *x.shape[axis + 1 :]), x.dtype)
    inner = x.shape[3] if axis == 2 else 1
    # The host does not look at these: it would have to wait.
    used = weights > ROUNDED
    start = used.argmax(axis=1)
    stop = xp.where(used.any(axis=1), length - used[:, ::-1].argmax(axis=1), 0)
    RESIZE.launch(
        "resize_axis",
        one_thread_each(y.size),
        *(x, weights, start.astype(np.int32), stop.astype(np.int32), y),
        *(y.size, length, new_length, inner),
        real=x.dtype,
        index_t=index_type(max(x.size, y.size)),
    )
    return y
