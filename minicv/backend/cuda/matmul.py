"""Matrix products on CUDA: cuBLAS's, by way of CuPy."""

from __future__ import annotations

import math

from minicv.backend.device import Array


def matmul(a: Array, b: Array) -> Array:
    """``a @ b`` for arrays as NumPy takes them.

    A stack of matrices times one matrix is a single product of the rows of all: the shape that
    cuBLAS is fastest in, and the only one that `matmul_precision` changes.
    """
    if a.ndim > 2 and b.ndim == 2 and a.shape[-1] == len(b):
        rows = math.prod(a.shape[:-1])  # (..., K) -> (rows, K)
        return (a.reshape(rows, len(b)) @ b).reshape(*a.shape[:-1], b.shape[1])
    return a @ b
