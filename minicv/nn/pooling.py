"""Pooling and unpooling as layers."""

from __future__ import annotations

import minicv.functional as F
from minicv.autograd import Tensor
from minicv.backend import Array
from minicv.nn.module import Module

Size = int | tuple[int, int]


class MaxPool2d(Module):
    """The greatest value of each window; see `minicv.functional.max_pool2d`.

    Args:
        kernel_size: of the window, a number or (vertical, horizontal), as all sizes here.
        stride: from one window to the next; None means kernel_size.
        padding: rows and columns of -∞ around the image.
        dilation: step between the elements of a window.
        return_indices: also return where the maxima were, for `MaxUnpool2d`.
        ceil_mode: whether a window may hang over the edge.

    >>> MaxPool2d(2)
    MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Array]:
        return F.max_pool2d(
            x,
            self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxUnpool2d(Module):
    """Puts each value back where `MaxPool2d` found it, zeros elsewhere.

    See `minicv.functional.max_unpool2d`. Call it with the pooled values, the indices, and where
    the size is not clear from them the output size.

    >>> MaxUnpool2d(2)
    MaxUnpool2d(kernel_size=2, stride=2, padding=0)
    """

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding

    def forward(
        self, x: Tensor, indices: Array, output_size: tuple[int, ...] | None = None
    ) -> Tensor:
        return F.max_unpool2d(
            x,
            indices,
            self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            output_size=output_size,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(Module):
    """The mean of each window; see `minicv.functional.avg_pool2d`.

    Args:
        kernel_size: of the window.
        stride: from one window to the next; None means kernel_size.
        padding: rows and columns of 0 around the image.
        ceil_mode: whether a window may hang over the edge.
        count_include_pad: whether padding counts in the mean.

    >>> AvgPool2d(3, stride=2)
    AvgPool2d(kernel_size=3, stride=2, padding=0)
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(
            x,
            self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            ceil_mode=self.ceil_mode,
            count_include_pad=self.count_include_pad,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AdaptiveAvgPool2d(Module):
    """The mean of each cell of a grid of ``output_size`` laid over the image, whatever its size.

    >>> AdaptiveAvgPool2d(1)
    AdaptiveAvgPool2d(output_size=1)
    """

    def __init__(self, output_size: Size) -> None:
        self.output_size = output_size

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(x, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool2d(Module):
    """The maximum of each cell of a grid of ``output_size`` laid over the image.

    >>> AdaptiveMaxPool2d((6, 6))
    AdaptiveMaxPool2d(output_size=(6, 6))
    """

    def __init__(self, output_size: Size) -> None:
        self.output_size = output_size

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_max_pool2d(x, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"
