"""The brick of these networks: convolution, batch normalisation, ReLU."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from minicv.autograd import Tensor
from minicv.nn import BatchNorm2d, Conv2d, Module, Sequential, conv_bn_relu


class ConvBNReLU(Module):
    """relu(bn(conv(x))), of the size of x. In evaluation the three run as one operation.

    (N, in_channels, H, W) -> (N, out_channels, H, W). The convolution has no bias, since the
    normalisation subtracts the mean and adds a shift of its own.

    Args:
        in_channels, out_channels: of the convolution.
        kernel_size: odd, so that a margin of (kernel_size - 1) / 2 zeros keeps the size.
        rng: draws the initial weights.

    Raises:
        ValueError: an even kernel.

    Source: Ioffe & Szegedy, Batch Normalization (ICML 2015), section 3.2.

    >>> block = ConvBNReLU(3, 8, rng=np.random.default_rng(0))
    >>> block(Tensor(np.ones((1, 3, 5, 4), "float32"))).shape
    (1, 8, 5, 4)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        *,
        rng: np.random.Generator,
    ) -> None:
        if kernel_size % 2 == 0:
            raise ValueError(
                f"ConvBNReLU: kernel_size is {kernel_size}, expected an odd number, so that the "
                "result has the size of the input"
            )
        self.conv = Conv2d(
            in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False, rng=rng
        )
        self.bn = BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return conv_bn_relu(x, self.conv, self.bn, activation="relu")


def conv_blocks(
    channels: Sequence[int], kernel_size: int = 3, *, rng: np.random.Generator
) -> Sequential:
    """Blocks one after the other: from channels[0] to channels[1], to channels[2], and so on.

    >>> blocks = conv_blocks((3, 8, 4), rng=np.random.default_rng(0))
    >>> [block.conv.out_channels for block in blocks]
    [8, 4]
    """
    return Sequential(
        *(ConvBNReLU(before, after, kernel_size, rng=rng) for before, after in pairwise(channels))
    )
