"""Convolution and transposed convolution as layers."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

import minicv.functional as F
from minicv.autograd import Tensor
from minicv.functional.conv2d import as_pair, padding_by_name
from minicv.nn.arguments import as_count
from minicv.nn.initializers import fans, he_uniform, require_rng, uniform
from minicv.nn.module import Module
from minicv.nn.parameter import Parameter

Pair = tuple[int, int]


class _Convolution(Module):
    """What both directions share: the options, and weights that start as PyTorch's do."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair,
        padding: int | Pair,
        dilation: int | Pair,
        groups: int,
        bias: bool,
        rng: np.random.Generator | None,
    ) -> None:
        name = type(self).__name__
        rng = require_rng(name, rng)
        in_channels = as_count(name, "in_channels", in_channels)
        out_channels = as_count(name, "out_channels", out_channels)
        groups = as_count(name, "groups", groups, least=None)
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: groups must divide in_channels and out_channels; "
                f"in_channels={in_channels}, out_channels={out_channels}, groups={groups}"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = as_pair(name, "kernel_size", kernel_size, least=1)
        self.stride = as_pair(name, "stride", stride, least=1)
        self.padding = as_pair(name, "padding", padding, least=0)
        self.dilation = as_pair(name, "dilation", dilation, least=1)
        self.groups = groups
        first, second = self.weight_channels(in_channels, out_channels)
        shape = (first, second // groups, *self.kernel_size)
        self.weight = Parameter(he_uniform(shape, rng, negative_slope=math.sqrt(5)))
        bound = 1 / math.sqrt(max(fans(shape)[0], 1))
        self.bias = Parameter(uniform((out_channels,), rng, -bound, bound)) if bias else None

    @staticmethod
    def weight_channels(in_channels: int, out_channels: int) -> Pair:
        """The first two axes of the weight, the second of them for all groups together."""
        return out_channels, in_channels

    def extra_repr(self) -> str:
        parts = [
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}",
            f"stride={self.stride}",
        ]
        if self.padding != (0, 0):
            parts.append(f"padding={self.padding}")
        if self.dilation != (1, 1):
            parts.append(f"dilation={self.dilation}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        return ", ".join(parts)


class Conv2d(_Convolution):
    """Convolution of (N, in_channels, H, W) with learned kernels -> (N, out_channels, OH, OW).

    weight is (out_channels, in_channels / groups, KH, KW), bias (out_channels,) or None. Both start
    uniform within ±1 / √(in_channels / groups · KH · KW). See `minicv.functional.conv2d`.

    Args:
        in_channels: channels of the input.
        out_channels: number of kernels.
        kernel_size, stride, padding, dilation: a number, or (vertical, horizontal).
        padding: also "valid", which is 0, or with a stride of 1 "same": as many zeros as keep the
            size of the map. An even kernel has one row and column of them more at the bottom and
            the right.
        groups: into how many separate convolutions the channels are divided.
        bias: whether to add one number per output channel.
        rng: draws the first weights.

    Attributes:
        padding: (vertical, horizontal), on each side.
        trailing: rows at the bottom and columns at the right that "same" adds besides; else (0, 0).

    >>> layer = Conv2d(3, 8, 3, padding=1, rng=np.random.default_rng(0))
    >>> layer
    Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    >>> layer(Tensor(np.ones((1, 3, 4, 5), dtype=np.float32))).shape
    (1, 8, 4, 5)
    >>> Conv2d(3, 8, (5, 1), padding="same", rng=np.random.default_rng(0)).padding
    (2, 0)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair | Literal["same", "valid"] = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.trailing = (0, 0)
        if isinstance(padding, str):
            padding, self.trailing = padding_by_name(
                "Conv2d", padding, stride, kernel_size, dilation
            )
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            rng,
        )

    def forward(self, x: Tensor) -> Tensor:
        options = (self.stride, self.padding, self.dilation, self.groups)
        return F.conv2d(self.padded(x), self.weight, self.bias, *options)

    def padded(self, x: Tensor) -> Tensor:
        """x with the ``trailing`` rows and columns of zeros; nearly always x itself."""
        if self.trailing == (0, 0):
            return x
        down, right = self.trailing
        return F.pad(x, (0, right, 0, down))

    def extra_repr(self) -> str:
        shown = super().extra_repr()
        return shown if self.trailing == (0, 0) else f"{shown}, trailing={self.trailing}"


class ConvTranspose2d(_Convolution):
    """Transposed convolution, which enlarges: (N, in_channels, H, W) -> (N, out_channels, OH, OW).

    weight is (in_channels, out_channels / groups, KH, KW), bias (out_channels,) or None. Both start
    uniform within ±1 / √(out_channels / groups · KH · KW). See
    `minicv.functional.conv_transpose2d`.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size, stride, padding: a number, or (vertical, horizontal).
        output_padding: rows and columns added at the bottom and the right, to choose among the
            output sizes that a convolution of this stride would shrink to the same input.
        groups: into how many separate operations the channels are divided.
        bias: whether to add one number per output channel.
        dilation: a number, or (vertical, horizontal).
        rng: draws the first weights.

    >>> layer = ConvTranspose2d(4, 2, 2, stride=2, rng=np.random.default_rng(0))
    >>> layer
    ConvTranspose2d(4, 2, kernel_size=(2, 2), stride=(2, 2))
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        output_padding: int | Pair = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | Pair = 1,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            rng,
        )
        self.output_padding = as_pair("ConvTranspose2d", "output_padding", output_padding, least=0)

    @staticmethod
    def weight_channels(in_channels: int, out_channels: int) -> Pair:
        return in_channels, out_channels

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(
            x,
            self.weight,
            self.bias,
            stride=self.stride,
            padding=self.padding,
            output_padding=self.output_padding,
            groups=self.groups,
            dilation=self.dilation,
        )

    def extra_repr(self) -> str:
        shown = super().extra_repr()
        if self.output_padding != (0, 0):
            shown += f", output_padding={self.output_padding}"
        return shown
