"""Average pooling to a fixed output size, whatever the size of the input."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, xp_of
from minicv.functional.conv2d import as_pair
from minicv.functional.pooling_windows import Pair, adaptive_bins, check_maps


class AdaptiveAvgPool2d(Function):
    def __init__(self, output_size: Pair) -> None:
        self.output_size = output_size

    def forward(self, x: Array) -> Array:
        xp = xp_of(x)
        self.x_shape = x.shape
        self.rows = adaptive_bins(x.shape[2], self.output_size[0])
        self.columns = adaptive_bins(x.shape[3], self.output_size[1])
        # The mean of a rectangle is the mean of its rows' means.
        # (N, C, H, W) -> (N, C, H, OW) -> (N, C, OH, OW)
        across = xp.stack([x[:, :, :, columns].mean(axis=3) for columns in self.columns], axis=3)
        return xp.stack([across[:, :, rows].mean(axis=2) for rows in self.rows], axis=2)

    def backward(self, grad: Array) -> Array:
        xp = xp_of(grad)
        n, c, h, _ = self.x_shape
        # (N, C, OH, OW) -> (N, C, H, OW) -> (N, C, H, W)
        grad_across = xp.zeros((n, c, h, grad.shape[3]), grad.dtype)
        for i, rows in enumerate(self.rows):
            grad_across[:, :, rows] += grad[:, :, i : i + 1] / (rows.stop - rows.start)
        grad_x = xp.zeros(self.x_shape, grad.dtype)
        for j, columns in enumerate(self.columns):
            share = grad_across[:, :, :, j : j + 1] / (columns.stop - columns.start)
            grad_x[:, :, :, columns] += share
        return grad_x


def adaptive_avg_pool2d(x: Tensor | Array, output_size: int | Pair) -> Tensor:
    """Cut each map into OH x OW bins and take the mean of each.

    Forward: bin i covers rows floor(i·H / OH) up to, not including, ceil((i + 1)·H / OH), in whole
    numbers, and columns likewise; y[n, c, i, j] is the mean of x[n, c] over bin (i, j). Gradient:
    each position gets dL/dy[n, c, i, j] / (size of the bin) from every bin that covers it.

    ============  =================================
    x             (N, C, H, W)
    output_size   one number, or (OH, OW)
    result        (N, C, OH, OW)
    ============  =================================

    Where OH does not divide H neighbouring bins share a row; where OH > H rows are repeated.
    ``output_size=1`` is global average pooling. A batch of 0 images gives an empty result. Cost:
    about one pass over x.

    Raises:
        ValueError: x has not four axes or has maps without a pixel, or ``output_size`` is out of
            range.

    Source: Lin et al. 2014, "Network in network", section 3.2 (global average pooling); the bins
    are those of spatial pyramid pooling, He et al. 2014, section 2.3.

    >>> adaptive_avg_pool2d(Tensor([[[[1.0, 2.0, 6.0]]]]), (1, 2)).data.tolist()
    [[[[1.5, 4.0]]]]
    """
    check_maps("adaptive_avg_pool2d", x)
    output_size = as_pair("adaptive_avg_pool2d", "output_size", output_size, least=1)
    return AdaptiveAvgPool2d(output_size)(x)
