"""Bed-of-nails unpooling: every value stands in a corner, among zeros."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, xp_of
from minicv.functional.conv2d import as_pair
from minicv.functional.pooling_windows import Pair, check_maps


class UnpoolBedOfNails(Function):
    def __init__(self, scale_factor: Pair) -> None:
        self.scale_factor = scale_factor

    def forward(self, x: Array) -> Array:
        n, c, h, w = x.shape
        vertical, horizontal = self.scale_factor
        y = xp_of(x).zeros((n, c, h * vertical, w * horizontal), x.dtype)
        y[:, :, ::vertical, ::horizontal] = x
        return y

    def backward(self, grad: Array) -> Array:
        vertical, horizontal = self.scale_factor
        return grad[:, :, ::vertical, ::horizontal].copy()


def unpool_bed_of_nails(x: Tensor | Array, scale_factor: int | Pair) -> Tensor:
    """Put every value into the top left corner of an SH x SW block of zeros.

    Forward: y[n, c, h·SH, w·SW] = x[n, c, h, w], and y is 0 elsewhere. Gradient:
    dL/dx[n, c, h, w] = dL/dy[n, c, h·SH, w·SW].

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
    section 3.2: unpooling to a fixed corner.

    >>> unpool_bed_of_nails(Tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), (1, 2)).data.tolist()
    [[[[1.0, 0.0, 2.0, 0.0], [3.0, 0.0, 4.0, 0.0]]]]
    """
    check_maps("unpool_bed_of_nails", x)
    scale_factor = as_pair("unpool_bed_of_nails", "scale_factor", scale_factor, least=1)
    return UnpoolBedOfNails(scale_factor)(x)
