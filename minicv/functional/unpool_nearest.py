"""Nearest-neighbour unpooling: every value fills a block."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kernels_of
from minicv.backend.windows import Windows
from minicv.functional.conv2d import as_pair
from minicv.functional.pooling_windows import Pair, check_maps


class UnpoolNearest(Function):
    keeps_float16 = True

    def __init__(self, scale_factor: Pair) -> None:
        self.scale_factor = scale_factor

    def forward(self, x: Array) -> Array:
        n, c, h, w = x.shape
        # One window of the result for each position of x.
        self.blocks = Windows(self.scale_factor, self.scale_factor, (0, 0), (1, 1), (h, w))
        y_shape = (n, c, h * self.scale_factor[0], w * self.scale_factor[1])
        return kernels_of(x).sum_pool2d_backward(x, self.blocks, y_shape)

    def backward(self, grad: Array) -> Array:
        return kernels_of(grad).sum_pool2d(grad, self.blocks)


def unpool_nearest(x: Tensor | Array, scale_factor: int | Pair) -> Tensor:
    """Repeat every value SH times downwards and SW times to the right.

    Forward: y[n, c, i, j] = x[n, c, floor(i / SH), floor(j / SW)]. Gradient: dL/dx[n, c, h, w] is
    the sum of dL/dy over the SH x SW block of (h, w). So it is the transpose of a sum pooling.

    =============  ==========================
    x              (N, C, H, W)
    scale_factor   one number, or (SH, SW)
    result         (N, C, H·SH, W·SW)
    =============  ==========================

    A batch of 0 images gives an empty result. Cost: a pass over the result.

    Raises:
        ValueError: x has not four axes or has maps without a pixel, or ``scale_factor`` is no whole
            number of at least 1.

    Source: Dosovitskiy et al. 2015, "Learning to generate chairs with convolutional networks",
    section 3.2, for the use in a network.

    >>> unpool_nearest(Tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), (1, 2)).data.tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [3.0, 3.0, 4.0, 4.0]]]]
    """
    check_maps("unpool_nearest", x)
    return UnpoolNearest(as_pair("unpool_nearest", "scale_factor", scale_factor, least=1))(x)
