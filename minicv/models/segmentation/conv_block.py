"""The blocks of these networks: a (transposed) convolution, batch normalisation, and ReLU."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from minicv.autograd import Tensor
from minicv.nn import BatchNorm2d, Conv2d, ConvTranspose2d, Module, Sequential, conv_bn_relu


class ConvBNReLU(Module):
    """relu(bn(conv(x))): (N, in_channels, H, W) -> (N, out_channels, H, W).

    In evaluation the three run as one operation. The convolution has no bias, because the
    normalisation subtracts the mean and adds a shift.

    Args:
        in_channels, out_channels: of the convolution.
        kernel_size: of the convolution.
        padding: None surrounds x by (kernel_size - 1) / 2 zeros, so that the size stays; 0 looks
            at x alone, and (H, W) shrinks by kernel_size - 1.
        rng: draws the initial weights.

    Raises:
        ValueError: an even kernel, with which the size could not stay.

    Source: Ioffe & Szegedy, Batch Normalization (ICML 2015), section 3.2.

    >>> block = ConvBNReLU(3, 8, rng=np.random.default_rng(0))
    >>> block(Tensor(np.ones((1, 3, 5, 4), "float32"))).shape
    (1, 8, 5, 4)
    """

    convolution: type[Conv2d] | type[ConvTranspose2d] = Conv2d

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        padding: int | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        if padding is None:
            padding = padding_that_keeps(type(self).__name__, kernel_size)
        self.conv = self.convolution(
            in_channels, out_channels, kernel_size, padding=padding, bias=False, rng=rng
        )
        self.bn = BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        assert isinstance(self.conv, Conv2d)
        return conv_bn_relu(x, self.conv, self.bn, activation="relu")


class DeconvBNReLU(ConvBNReLU):
    """`ConvBNReLU` with a transposed convolution of stride 1: relu(bn(deconv(x))).

    (N, in_channels, H, W) -> (N, out_channels, H, W), or with ``padding=0`` larger by
    kernel_size - 1.

    Source: Noh et al., Learning deconvolution network for semantic segmentation (ICCV 2015),
    "Deconvolution" and "Batch normalization".

    >>> block = DeconvBNReLU(3, 8, 7, padding=0, rng=np.random.default_rng(0))
    >>> block(Tensor(np.ones((2, 3, 1, 1), "float32"))).shape
    (2, 8, 7, 7)
    """

    convolution = ConvTranspose2d

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x), "relu")


def conv_blocks(
    channels: Sequence[int],
    kernel_size: int = 3,
    block: type[ConvBNReLU] = ConvBNReLU,
    *,
    rng: np.random.Generator,
) -> Sequential:
    """Blocks one after the other: from channels[0] to channels[1], to channels[2], and so on.

    >>> blocks = conv_blocks((3, 8, 4), rng=np.random.default_rng(0))
    >>> [block.conv.out_channels for block in blocks]
    [8, 4]
    """
    return Sequential(
        *(block(before, after, kernel_size, rng=rng) for before, after in pairwise(channels))
    )


def padding_that_keeps(layer: str, kernel_size: int) -> int:
    """The padding with which a result has the size of the input.

    Raises:
        ValueError: an even kernel.

    >>> padding_that_keeps("SegNet", 7)
    3
    """
    if kernel_size % 2 == 0:
        raise ValueError(
            f"{layer}: kernel_size is {kernel_size}, expected an odd number, so that the result "
            "has the size of the input"
        )
    return kernel_size // 2
