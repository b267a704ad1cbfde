"""Depthwise convolution on CUDA; see convolution_depthwise.cu.

Arithmetic: N·C·OH·OW·KH·KW multiply-adds. Traffic: each array once, as far as the caches reach.
"""

from __future__ import annotations

import math

from minicv.backend.cpu.convolution_choice import Shape4
from minicv.backend.cpu.convolution_geometry import Pair
from minicv.backend.cuda.convolution_finish import NOTHING, Finish
from minicv.backend.cuda.launcher import THREADS, CudaFile, Grid, index_type, one_thread_each
from minicv.backend.device import Array, xp_of

DEPTHWISE = CudaFile("convolution_depthwise.cu")
MOST_TAPS = 49  # of a kernel, for its weights to stay in registers
ROWS = 4  # outputs of a thread: at stride 1 and 3x3, half as many reads as with one
# The gradient of the weight is shared out among so many blocks, a few for each multiprocessor of a
# large GPU, as long as each thread of them has some windows to sum over.
BLOCKS, WINDOWS_EACH = 1024, 16


def forward(
    x: Array,
    weight: Array,
    finish: Finish,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    y_shape: Shape4,
) -> Array:
    """(N, C, H, W), (C, 1, KH, KW) -> (N, C, OH, OW), and what follows."""
    n, c, oh, ow = y_shape
    y = xp_of(x).empty(y_shape, x.dtype)
    strips = -(-oh // ROWS)
    count = n * c * strips * ow
    DEPTHWISE.launch(
        "depthwise",
        one_thread_each(count),
        *(x, weight, y, *finish.arguments(y)),
        *(count, c, *x.shape[2:], oh, ow, strips, *padding),
        **_constants(x, weight.shape, stride, dilation, count),
    )
    return y


def grad_input(
    grad: Array, weight: Array, x_shape: Shape4, stride: Pair, padding: Pair, dilation: Pair
) -> Array:
    """dL/dx: each pixel collects from the windows that looked at it.

    At stride 1 that is again a depthwise convolution, of dL/dy with the kernel turned by 180°.
    """
    xp = xp_of(grad)
    if stride == (1, 1):
        turned = xp.ascontiguousarray(weight[:, :, ::-1, ::-1])
        reach = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
        turned_padding = (reach[0] - padding[0], reach[1] - padding[1])
        return forward(grad, turned, NOTHING, stride, turned_padding, dilation, x_shape)
    grad_x = xp.empty(x_shape, grad.dtype)
    DEPTHWISE.launch(
        "depthwise_grad_input",
        one_thread_each(grad_x.size),
        *(grad, weight, grad_x, grad_x.size),
        *(*x_shape[1:], *grad.shape[2:], *padding),
        **_constants(grad, weight.shape, stride, dilation, grad_x.size),
    )
    return grad_x


def grad_weight(
    grad: Array, x: Array, weight_shape: Shape4, stride: Pair, padding: Pair, dilation: Pair
) -> Array:
    """dL/dweight (C, 1, KH, KW): sums over all windows of a channel, in a fixed order."""
    n, c, oh, ow = grad.shape
    windows, rows = n * oh * ow, c * weight_shape[2]
    most_useful = -(-windows // (THREADS * WINDOWS_EACH))
    shares = max(1, min(most_useful, BLOCKS // rows))
    sums = xp_of(grad).empty((shares, *weight_shape), grad.dtype)
    DEPTHWISE.launch(
        "depthwise_grad_weight",
        Grid((rows, shares, 1), (THREADS, 1, 1)),
        *(grad, x, sums, windows, *x.shape[1:], oh, ow, *padding),
        **_constants(grad, weight_shape, stride, dilation, windows),
    )
    return sums.sum(axis=0)


def can_do(weight_shape: Shape4) -> bool:
    """Whether the kernels of a depthwise layer are small enough.

    >>> can_do((32, 1, 7, 7)), can_do((32, 1, 9, 9))
    (True, False)
    """
    return math.prod(weight_shape[2:]) <= MOST_TAPS


def _constants(
    array: Array, weight_shape: Shape4, stride: Pair, dilation: Pair, count: int
) -> dict[str, object]:
    """What the source leaves open."""
    names = ("KH", "KW", "SH", "SW", "DH", "DW")
    values = (*weight_shape[2:], *stride, *dilation)
    shape = dict(zip(names, values, strict=True))
    open_types = {"real": array.dtype, "index_t": index_type(count)}
    return {**open_types, **shape, "ROWS": ROWS, "THREADS": THREADS}
