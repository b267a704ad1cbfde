"""Matrix products on CUDA: cuBLAS's, by way of CuPy; in a recording our own."""

from __future__ import annotations

import math

import numpy as np

from minicv.backend.convolution_layer import Layer
from minicv.backend.cuda import convolution_implicit_gemm as implicit_gemm
from minicv.backend.cuda.graph import is_recording
from minicv.backend.device import Array, xp_of
from minicv.backend.storage import computed_in_float32


def matmul(a: Array, b: Array) -> Array:
    """``a @ b`` for arrays as NumPy takes them.

    A stack of matrices times one matrix is a single product of the rows of all: the shape that
    cuBLAS is fastest in, and the only one that `matmul_precision` changes.
    """
    if a.ndim > 2 and b.ndim == 2 and a.shape[-1] == len(b):
        rows = math.prod(a.shape[:-1])  # (..., K) -> (rows, K)
        return product(a.reshape(rows, len(b)), b).reshape(*a.shape[:-1], b.shape[1])
    return product(a, b) if a.ndim == b.ndim == 2 else a @ b


def product(a: Array, b: Array, out: Array | None = None) -> Array:
    """Of two matrices, (M, K) and (K, N) -> (M, N), into ``out`` if that is given.

    cuBLAS adds up in float32 where the matrices are float16.
    """
    if is_recording():
        found = _product_without_cublas(a, b)
        if out is None:
            return found
        out[...] = found
        return out
    return xp_of(a, b).matmul(a, b, out=out)


@computed_in_float32
def _product_without_cublas(a: Array, b: Array) -> Array:
    """As a 1x1 convolution: each row of ``a`` is an image of one pixel with K channels, and each
    column of ``b`` the weight of one of the N output channels.
    """
    xp, dtype = xp_of(a, b), np.result_type(a.dtype, b.dtype)
    x = xp.ascontiguousarray(a, dtype)[:, :, None, None]
    weight = xp.ascontiguousarray(b.T, dtype)[:, :, None, None]
    once, none = (1, 1), (0, 0)
    layer = Layer.of(dtype, x.shape, weight.shape, once, none, once, groups=1)
    return implicit_gemm.forward(layer, x, weight)[:, :, 0, 0]
