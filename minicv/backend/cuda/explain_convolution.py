"""What `minicv.backend.explain_conv` says of a GPU."""

from __future__ import annotations

from typing import get_args

import numpy as np

from minicv.backend.convolution_layer import AlgorithmName, Direction, Layer
from minicv.backend.cuda.convolution import choose_algorithm
from minicv.backend.cuda.convolution_costs import cublas_clocks, implicit_gemm_clocks
from minicv.backend.precision import current_matmul_precision

CLOCKS_OF_A_MICROSECOND = 1700
IDEAS: dict[AlgorithmName, str] = {
    "im2col": "windows become columns in memory, for one product by cuBLAS",
    "implicit_gemm": "a tile's columns are looked up as they are needed, and never stored",
    "implicit_gemm_tf32": "implicit GEMM on tensor cores, fed by asynchronous copies",
    "pointwise": "an image is its own column matrix: one launch of cuBLAS for the batch",
    "depthwise": "each channel by itself: threads slide over the map",
    "winograd_2x2": "F(2x2, 3x3): 16 multiplications in place of 36, between transforms",
}


def explain(layer: Layer) -> list[str]:
    """For each direction the algorithm and its idea, and under TF32 the estimated times.

    >>> from minicv.backend import matmul_precision
    >>> once = (1, 1)
    >>> shapes = (8, 64, 56, 56), (64, 64, 3, 3)
    >>> layer = Layer.of(np.dtype("float32"), *shapes, once, once, once, 1)
    >>> with matmul_precision("tf32"):
    ...     print("\\n".join(explain(layer)[:2]))
    forward: implicit_gemm_tf32, implicit GEMM on tensor cores, fed by asynchronous copies
        estimated for an H100 in TF32: 19 us by implicit GEMM, 56 us by cuBLAS's products
    """
    lines = []
    for direction in get_args(Direction):
        chosen = choose_algorithm(layer, direction)
        lines.append(f"{direction}: {chosen}, {IDEAS[chosen]}")
        if current_matmul_precision() == "tf32" and layer.dtype == np.float32:
            ours = implicit_gemm_clocks(layer, direction) / CLOCKS_OF_A_MICROSECOND
            theirs = cublas_clocks(layer, with_epilogue=False) / CLOCKS_OF_A_MICROSECOND
            lines.append(
                f"    estimated for an H100 in TF32: {ours:.0f} us by implicit GEMM, "
                f"{theirs:.0f} us by cuBLAS's products"
            )
    return lines
