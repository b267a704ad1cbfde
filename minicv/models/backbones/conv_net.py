"""A plain ConvNet, for pictures as small as 28 x 28 and for photographs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.models.backbones.backbone import Backbone
from minicv.nn import BatchNorm2d, Conv2d, FrozenBatchNorm2d, Module, ReLU, Sequential, conv_bn_relu

_LAYERS_A_CONVOLUTION = 3  # convolution, normalisation, ReLU
_MULTIPLES = (1, 2, 4, 8, 8)  # of the width: channels of the stages at strides 2, 4, 8, 16, 32
_STAGE = {4: 1, 8: 2, 16: 3, 32: 4}  # the last stage of each stride


class ConvNetBackbone(Backbone):
    """Two 3x3 convolutions and a pooling, again and again; the map halves, the channels double.

    The pattern of the lecture, ((conv, ReLU) x 2, pool) x M, with batch normalisation after each
    convolution. The first stage sees every pixel, where the small backbone has a stride of 2, and
    so it is slower by some times on large pictures and better on tiny ones.

    A pooling rounds up, and looks at the pixels that are there.

    Args:
        width: channels of the first stage.
        strides: of the maps; see `Backbone`.
        rng: draws the initial weights.

    | stage | out, for (N, 3, H, W) |
    |---|---|
    | conv 3x3, conv 3x3, max pool 2 | (N, width, H/2, W/2) |
    | conv 3x3, conv 3x3, max pool 2 | (N, 2 width, H/4, W/4), the map of stride 4 |
    | conv 3x3, conv 3x3, max pool 2 | (N, 4 width, H/8, W/8), the map of stride 8 |
    | conv 3x3, conv 3x3, max pool 2 | (N, 8 width, H/16, W/16), the map of stride 16 |
    | conv 3x3, conv 3x3, max pool 2 | (N, 8 width, H/32, W/32), the map of stride 32 |

    >>> backbone = ConvNetBackbone(4, (4, 8), rng=np.random.default_rng(0))
    >>> [features.shape for features in backbone(Tensor(np.zeros((1, 3, 28, 28), "float32")))]
    [(1, 8, 7, 7), (1, 16, 4, 4)]
    """

    mean = (0.5, 0.5, 0.5)
    std = (0.25, 0.25, 0.25)

    def __init__(
        self, width: int = 16, strides: Sequence[int] = (8,), *, rng: np.random.Generator
    ) -> None:
        super().__init__(strides, rng=rng)
        self.out_channels = self.channels_of(2 * width, 4 * width, 8 * width, 8 * width)
        layers: list[Module] = []
        before = 3
        for multiple in _MULTIPLES[: _STAGE[self.strides[-1]] + 1]:
            for _ in range(2):
                convolution = Conv2d(before, multiple * width, 3, padding=1, bias=False, rng=rng)
                layers += [convolution, BatchNorm2d(multiple * width), ReLU()]
                before = multiple * width
        self.layers = Sequential(*layers)

    def to_stride(self, x: Tensor, stride: int) -> Tensor:
        stages = (0, 1) if stride == 4 else (_STAGE[stride],)
        for stage in stages:
            first = 2 * _LAYERS_A_CONVOLUTION * stage
            in_turn = iter(self.layers[first : first + 2 * _LAYERS_A_CONVOLUTION])
            for convolution, norm, _ in zip(in_turn, in_turn, in_turn, strict=True):
                assert isinstance(convolution, Conv2d)
                assert isinstance(norm, (BatchNorm2d, FrozenBatchNorm2d))
                x = conv_bn_relu(x, convolution, norm, activation="relu")
            x = F.max_pool2d(x, 2, ceil_mode=True)  # -> (N, C, H/2, W/2)
        return x
