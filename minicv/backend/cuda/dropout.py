"""Dropout on CUDA: dropout.cu; `minicv.backend.cpu.dropout` documents it."""

from __future__ import annotations

import numpy as np

from minicv.backend.cuda.launcher import CudaFile, index_type, one_thread_each
from minicv.backend.device import Array, xp_of

DROPOUT = CudaFile("dropout.cu")


def dropout_forward(x: Array, p: float, rng: np.random.Generator) -> tuple[Array, int]:
    """``(y, seed)``: one number is drawn on the host, and the mask is a function of it."""
    seed = int(rng.integers(2**63))
    return _dropped(x, p, seed), seed


def dropout_backward(grad: Array, saved: int, p: float) -> Array:
    """dL/dx from dL/dy, with the same mask, computed again from the seed."""
    return _dropped(grad, p, saved)


def _dropped(x: Array, p: float, seed: int) -> Array:
    xp = xp_of(x)
    y = xp.empty(x.shape, x.dtype)
    x = xp.ascontiguousarray(x)  # of an array without axes it makes one with an axis
    threads = -(-x.size // 4)  # of four elements each
    DROPOUT.launch(
        "dropout",
        one_thread_each(threads),
        *(x, y, x.size, threads, seed, round(p * 2**32), 1 / (1 - p) if p < 1 else 0.0),
        real=x.dtype,
        index_t=index_type(x.size),
    )
    return y
