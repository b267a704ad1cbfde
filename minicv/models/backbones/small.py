"""A small backbone of five convolutions, trained from scratch in a minute or two on a CPU."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Tensor
from minicv.models.backbones.backbone import Backbone
from minicv.nn import BatchNorm2d, Conv2d, ReLU, Sequential


class SmallBackbone(Backbone):
    """Five 3x3 convolutions with batch normalisation and ReLU; stride 8.

    Args:
        width: channels of the first layer; the last has four times as many.
        rng: draws the initial weights.

    | layer | stride | out, for (N, 3, H, W) |
    |---|---|---|
    | conv 3x3 | 2 | (N, width, H/2, W/2) |
    | conv 3x3 | 2 | (N, 2 width, H/4, W/4) |
    | conv 3x3 | 1 | (N, 2 width, H/4, W/4) |
    | conv 3x3 | 2 | (N, 4 width, H/8, W/8) |
    | conv 3x3 | 1 | (N, 4 width, H/8, W/8) |

    >>> backbone = SmallBackbone(width=4, rng=np.random.default_rng(0))
    >>> backbone(Tensor(np.zeros((1, 3, 33, 40), "float32"))).shape
    (1, 16, 5, 5)
    """

    stride = 8
    mean = (0.5, 0.5, 0.5)
    std = (0.25, 0.25, 0.25)

    def __init__(self, width: int = 32, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.out_channels = 4 * width

        def block(channels_in: int, channels_out: int, stride: int) -> list:
            convolution = Conv2d(
                channels_in, channels_out, 3, stride=stride, padding=1, bias=False, rng=rng
            )
            return [convolution, BatchNorm2d(channels_out), ReLU()]

        self.layers = Sequential(
            *block(3, width, stride=2),
            *block(width, 2 * width, stride=2),
            *block(2 * width, 2 * width, stride=1),
            *block(2 * width, 4 * width, stride=2),
            *block(4 * width, 4 * width, stride=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
