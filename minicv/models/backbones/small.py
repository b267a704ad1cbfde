"""A small network of 3x3 convolutions, trained from scratch in a minute or two on a CPU."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.autograd import Tensor
from minicv.models.backbones.backbone import Backbone
from minicv.nn import (
    BatchNorm2d,
    Conv2d,
    FrozenBatchNorm2d,
    Module,
    ReLU,
    Sequential,
    conv_bn_relu,
)

_LAYERS_A_BLOCK = 3  # convolution, normalisation, ReLU
_FIRST_BLOCK = {4: 0, 8: 3, 16: 5, 32: 7}  # of each stride
_END = {4: 3, 8: 5, 16: 7, 32: 9}


class SmallBackbone(Backbone):
    """Five 3x3 convolutions with batch normalisation and ReLU to stride 8, and two more each to
    strides 16 and 32.

    Args:
        width: channels of the first layer.
        strides: of the maps; see `Backbone`.
        rng: draws the initial weights.

    | layer | stride | out, for (N, 3, H, W) |
    |---|---|---|
    | conv 3x3 | 2 | (N, width, H/2, W/2) |
    | conv 3x3 | 2 | (N, 2 width, H/4, W/4) |
    | conv 3x3 | 1 | (N, 2 width, H/4, W/4), the map of stride 4 |
    | conv 3x3 | 2 | (N, 4 width, H/8, W/8) |
    | conv 3x3 | 1 | (N, 4 width, H/8, W/8), the map of stride 8 |
    | conv 3x3 | 2 | (N, 8 width, H/16, W/16) |
    | conv 3x3 | 1 | (N, 8 width, H/16, W/16), the map of stride 16 |
    | conv 3x3 | 2 | (N, 8 width, H/32, W/32) |
    | conv 3x3 | 1 | (N, 8 width, H/32, W/32), the map of stride 32 |

    >>> backbone = SmallBackbone(4, (8, 32), rng=np.random.default_rng(0))
    >>> [features.shape for features in backbone(Tensor(np.zeros((1, 3, 33, 40), "float32")))]
    [(1, 16, 5, 5), (1, 32, 2, 2)]
    """

    mean = (0.5, 0.5, 0.5)
    std = (0.25, 0.25, 0.25)

    def __init__(
        self, width: int = 32, strides: Sequence[int] = (8,), *, rng: np.random.Generator
    ) -> None:
        super().__init__(strides, rng=rng)
        self.out_channels = self.channels_of(2 * width, 4 * width, 8 * width, 8 * width)
        multiples = (1, 2, 2, 4, 4, 8, 8, 8, 8)[: _END[self.strides[-1]]]
        layers: list[Module] = []
        before = 3
        for index, multiple in enumerate(multiples):
            stride = 2 if index in (0, 1, 3, 5, 7) else 1
            layers += _block(before, multiple * width, stride, rng)
            before = multiple * width
        self.layers = Sequential(*layers)

    def to_stride(self, x: Tensor, stride: int) -> Tensor:
        first, end = _LAYERS_A_BLOCK * _FIRST_BLOCK[stride], _LAYERS_A_BLOCK * _END[stride]
        in_turn = iter(self.layers[first:end])
        for convolution, norm, _ in zip(in_turn, in_turn, in_turn, strict=True):
            assert isinstance(convolution, Conv2d)
            assert isinstance(norm, (BatchNorm2d, FrozenBatchNorm2d))
            x = conv_bn_relu(x, convolution, norm, activation="relu")
        return x


def _block(
    channels_in: int, channels_out: int, stride: int, rng: np.random.Generator
) -> list[Module]:
    convolution = Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False, rng=rng)
    return [convolution, BatchNorm2d(channels_out), ReLU()]
