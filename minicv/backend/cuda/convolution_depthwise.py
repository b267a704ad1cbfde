"""Depthwise convolution on CUDA; see convolution_depthwise.cu.

Arithmetic: N·C·OH·OW·KH·KW multiply-adds. Traffic: each array once, as far as the caches reach.
"""

from __future__ import annotations

import math

from minicv.backend.convolution_layer import NO_EPILOGUE, Epilogue, Layer, turn_weight
from minicv.backend.cuda.convolution_epilogue import epilogue_arguments
from minicv.backend.cuda.launcher import THREADS, CudaFile, Grid, index_type, one_thread_each
from minicv.backend.device import Array, xp_of

DEPTHWISE = CudaFile("convolution_depthwise.cu")
MOST_TAPS = 49  # of a kernel, for its weights to stay in registers
ROWS = 4  # outputs of a thread: at stride 1 and 3x3, half as many reads as with one
# The gradient of the weight is shared out among so many blocks, a few for each multiprocessor of a
# large GPU, as long as each thread of them has some windows to sum over.
BLOCKS, WINDOWS_EACH = 1024, 16


def forward(layer: Layer, x: Array, weight: Array, epilogue: Epilogue = NO_EPILOGUE) -> Array:
    """(N, C, H, W), (C, 1, KH, KW) -> (N, C, OH, OW), and the epilogue."""
    n, c, oh, ow = layer.y_shape
    y = xp_of(x).empty(layer.y_shape, x.dtype)
    strips = -(-oh // ROWS)
    count = n * c * strips * ow
    DEPTHWISE.launch(
        "depthwise",
        one_thread_each(count),
        *(x, weight, y, *epilogue_arguments(epilogue, y)),
        *(count, c, *x.shape[2:], oh, ow, strips, *layer.padding),
        **_constants(layer, x, count),
    )
    return y


def grad_input(layer: Layer, grad: Array, weight: Array) -> Array:
    """dL/dx: each pixel collects from the windows that looked at it.

    At stride 1 that is again a depthwise convolution, of dL/dy with the kernel turned by 180°.
    """
    xp = xp_of(grad)
    if layer.stride == (1, 1):
        turned = xp.ascontiguousarray(turn_weight(weight, layer.groups))
        return forward(layer.turned(), grad, turned)
    grad_x = xp.empty(layer.x_shape, grad.dtype)
    DEPTHWISE.launch(
        "depthwise_grad_input",
        one_thread_each(grad_x.size),
        *(grad, weight, grad_x, grad_x.size),
        *(*layer.x_shape[1:], *grad.shape[2:], *layer.padding),
        **_constants(layer, grad, grad_x.size),
    )
    return grad_x


def grad_weight(layer: Layer, grad: Array, x: Array) -> Array:
    """dL/dweight (C, 1, KH, KW): sums over all windows of a channel, in a fixed order."""
    n, c, oh, ow = layer.y_shape
    windows, rows = n * oh * ow, c * layer.kernel[0]
    most_useful = -(-windows // (THREADS * WINDOWS_EACH))
    shares = max(1, min(most_useful, BLOCKS // rows))
    sums = xp_of(grad).empty((shares, *layer.weight_shape), grad.dtype)
    DEPTHWISE.launch(
        "depthwise_grad_weight",
        Grid((rows, shares, 1), (THREADS, 1, 1)),
        *(grad, x, sums, windows, *x.shape[1:], oh, ow, *layer.padding),
        **_constants(layer, grad, windows),
    )
    return sums.sum(axis=0)


def can_compute(layer: Layer) -> bool:
    """Whether the kernels of a depthwise layer are small enough: at most `MOST_TAPS` weights."""
    return math.prod(layer.kernel) <= MOST_TAPS


def _constants(layer: Layer, array: Array, count: int) -> dict[str, object]:
    """What the source leaves open."""
    names = ("KH", "KW", "SH", "SW", "DH", "DW")
    values = (*layer.kernel, *layer.stride, *layer.dilation)
    geometry = dict(zip(names, values, strict=True))
    open_types = {"real": array.dtype, "index_t": index_type(count)}
    return {**open_types, **geometry, "ROWS": ROWS, "THREADS": THREADS}
