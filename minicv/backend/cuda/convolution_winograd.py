"""3x3 convolution at stride 1 by Winograd's F(2x2, 3x3): 16 multiplications in place of 36.

What the transforms are and why they work stands in ``minicv/backend/cpu/convolution_winograd.py``.
Here they are three kernels (see the .cu file beside) around one batched matrix product, for which
cuBLAS has the fastest kernel:

    U (16, O, C) @ V (16, C, tiles) = M (16, O, tiles)

V and M hold four times the numbers of x and y, where im2col's columns have nine times those of x.
They are made for some tiles at a time, in at most `WORKSPACE_BYTES`.

Rounding in float32: relative error about 1e-6. F(4x4, 3x3) would multiply and move less still, but
its error is five times as large.

Source: Lavin and Gray 2016, "Fast algorithms for convolutional neural networks", section 4.
"""

from __future__ import annotations

import math

from minicv.backend.convolution_layer import NO_EPILOGUE, Epilogue, Layer, turn_weight
from minicv.backend.cuda.convolution_epilogue import epilogue_arguments
from minicv.backend.cuda.launcher import CudaFile, index_type, one_thread_each
from minicv.backend.device import Array, xp_of

WINOGRAD = CudaFile("convolution_winograd.cu")
WORKSPACE_BYTES = 256 << 20  # of V and M together, unless a single tile needs more


def forward(layer: Layer, x: Array, weight: Array, epilogue: Epilogue = NO_EPILOGUE) -> Array:
    """Σ_c x[n, c] ⋆ weight[o, c] of 3x3 kernels, and the epilogue: -> (N, O, OH, OW)."""
    xp = xp_of(x)
    x, y = xp.ascontiguousarray(x), xp.empty(layer.y_shape, x.dtype)
    u = _transform_weight(weight)
    n, o, oh, ow = layer.y_shape
    tiles = n * math.ceil(oh / 2) * math.ceil(ow / 2)
    at_once = max(1, WORKSPACE_BYTES // (16 * x.dtype.itemsize * (x.shape[1] + o)))
    for first in range(0, tiles, at_once):
        _convolve_tiles(layer, x, u, epilogue, y, first, min(at_once, tiles - first))
    return y


def grad_input(layer: Layer, grad: Array, weight: Array) -> Array:
    """dL/dx from dL/dy (N, O, OH, OW): a convolution with the kernel turned by 180°."""
    return forward(layer.turned(), grad, turn_weight(weight, 1))


def _transform_weight(weight: Array) -> Array:
    """U = G w Gᵀ: (O, C, 3, 3) -> (16, O, C)."""
    xp = xp_of(weight)
    u = xp.empty((16, *weight.shape[:2]), weight.dtype)
    count = u[0].size
    WINOGRAD.launch(
        "transform_weight",
        one_thread_each(count),
        *(xp.ascontiguousarray(weight), u, count),
        real=weight.dtype,
        index_t=index_type(count),
    )
    return u


def _convolve_tiles(
    layer: Layer, x: Array, u: Array, epilogue: Epilogue, y: Array, first: int, tiles: int
) -> None:
    """The outputs of ``tiles`` tiles from ``first`` on, into ``y``."""
    xp = xp_of(x)
    c, h, w = x.shape[1:]
    o, oh, ow = y.shape[1:]
    v = xp.empty((16, c, tiles), x.dtype)
    WINOGRAD.launch(
        "transform_image",
        one_thread_each(c * tiles),
        *(x, v, c * tiles, tiles, first),
        *(c, h, w, oh, ow, *layer.padding),
        real=x.dtype,
        index_t=index_type(c * tiles),
    )
    WINOGRAD.launch(
        "transform_result",
        one_thread_each(o * tiles),
        *(xp.matmul(u, v), y, *epilogue_arguments(epilogue, y)),
        *(o * tiles, tiles, first, o, oh, ow),
        real=x.dtype,
        index_t=index_type(o * tiles),
    )
