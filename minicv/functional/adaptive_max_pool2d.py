"""Max pooling to a fixed output size, whatever the size of the input."""

from __future__ import annotations

from typing import Any

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kernels_of, xp_of
from minicv.functional.conv2d import as_pair
from minicv.functional.pooling_windows import Pair, adaptive_bins, check_maps


class AdaptiveMaxPool2d(Function):
    def __init__(self, output_size: Pair) -> None:
        self.output_size = output_size

    def forward(self, x: Array) -> Array:
        xp = xp_of(x)
        self.x_shape = x.shape
        _, _, h, w = x.shape
        # First the best column of each row in a bin, then the best row: ties go to the first row,
        # and within it to the first column, which is the first in reading order.
        across, columns = [], []
        for bin_ in adaptive_bins(w, self.output_size[1]):
            column = x[:, :, :, bin_].argmax(axis=3)[..., None] + bin_.start  # (N, C, H, 1)
            across.append(xp.take_along_axis(x, column, axis=3))
            columns.append(column)
        across, columns = xp.concatenate(across, axis=3), xp.concatenate(columns, axis=3)
        maxima, indices = [], []
        for bin_ in adaptive_bins(h, self.output_size[0]):
            row = across[:, :, bin_].argmax(axis=2)[:, :, None] + bin_.start  # (N, C, 1, OW)
            maxima.append(xp.take_along_axis(across, row, axis=2))
            indices.append(row * w + xp.take_along_axis(columns, row, axis=2))
        self.indices = xp.concatenate(indices, axis=2).astype(xp.int64)  # (N, C, OH, OW)
        return xp.concatenate(maxima, axis=2)

    def backward(self, grad: Array) -> Array:
        n, c, h, w = self.x_shape
        flat = (n, c, self.output_size[0] * self.output_size[1])
        kernels = kernels_of(grad)
        grad_x = kernels.scatter_to_maps(grad.reshape(flat), self.indices.reshape(flat), h * w)
        return grad_x.reshape(self.x_shape)


def adaptive_max_pool2d(
    x: Tensor | Array, output_size: int | Pair, return_indices: bool = False
) -> Any:
    """Cut each map into OH x OW bins and take the largest value of each.

    Forward: bin i covers rows floor(i·H / OH) up to, not including, ceil((i + 1)·H / OH), in whole
    numbers, and columns likewise; y[n, c, i, j] is the maximum of x[n, c] over bin (i, j).
    Gradient: dL/dy[n, c, i, j] goes to the position that held the maximum; bins may overlap, and
    then a position adds up what it gets.

    ============  ==================================================
    x             (N, C, H, W)
    output_size   one number, or (OH, OW)
    result        (N, C, OH, OW)
    indices       (N, C, OH, OW), int64: flat position h·W + w in x
    ============  ==================================================

    ``return_indices`` returns (result, indices). Ties: the first maximum in reading order. A bin
    with NaN gives NaN, the first NaN counting as the maximum. A batch of 0 images gives an empty
    result. Cost: about one pass over x.

    Returns:
        the result, a Tensor; with ``return_indices`` the result and the indices, an array.

    Raises:
        ValueError: x has not four axes or has maps without a pixel, or ``output_size`` is out of
            range.

    Source: He et al. 2014, "Spatial pyramid pooling in deep convolutional networks", section 2.3.

    >>> y, indices = adaptive_max_pool2d(Tensor([[[[1.0, 2.0, 6.0]]]]), (1, 2), return_indices=True)
    >>> y.data.tolist(), indices.tolist()
    ([[[[2.0, 6.0]]]], [[[[1, 2]]]])
    """
    check_maps("adaptive_max_pool2d", x)
    output_size = as_pair("adaptive_max_pool2d", "output_size", output_size, least=1)
    operation = AdaptiveMaxPool2d(output_size)
    y = operation(x)
    return (y, operation.indices) if return_indices else y
