"""Small networks of 3x3 convolutions, trained from scratch in a minute or two on a CPU."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Tensor
from minicv.models.backbones.backbone import Backbone
from minicv.models.backbones.feature_hierarchy import FeatureHierarchy
from minicv.nn import BatchNorm2d, Conv2d, Module, ReLU, Sequential, conv_bn_relu


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

        self.layers = Sequential(
            *_block(3, width, 2, rng),
            *_block(width, 2 * width, 2, rng),
            *_block(2 * width, 2 * width, 1, rng),
            *_block(2 * width, 4 * width, 2, rng),
            *_block(4 * width, 4 * width, 1, rng),
        )

    def forward(self, x: Tensor) -> Tensor:
        return _run_blocks(x, self.layers)


class SmallHierarchy(FeatureHierarchy):
    """`SmallBackbone` and below it two more pairs of such convolutions.

    Args:
        width: channels of the first layer.
        rng: draws the initial weights.

    | part | layers | out, for (N, 3, H, W) |
    |---|---|---|
    | stride8 | `SmallBackbone` | (N, 4 width, H/8, W/8) |
    | stride16 | conv 3x3 with stride 2, conv 3x3 | (N, 8 width, H/16, W/16) |
    | stride32 | conv 3x3 with stride 2, conv 3x3 | (N, 8 width, H/32, W/32) |

    >>> trunk = SmallHierarchy(width=4, rng=np.random.default_rng(0))
    >>> [features.shape for features in trunk(Tensor(np.zeros((2, 3, 33, 40), "float32")))]
    [(2, 16, 5, 5), (2, 32, 3, 3), (2, 32, 2, 2)]
    """

    mean = SmallBackbone.mean
    std = SmallBackbone.std

    def __init__(self, width: int = 32, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.out_channels = (4 * width, 8 * width, 8 * width)
        self.stride8 = SmallBackbone(width, rng=rng)
        self.stride16 = Sequential(
            *_block(4 * width, 8 * width, 2, rng), *_block(8 * width, 8 * width, 1, rng)
        )
        self.stride32 = Sequential(
            *_block(8 * width, 8 * width, 2, rng), *_block(8 * width, 8 * width, 1, rng)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        at8 = self.stride8(x)  # (N, 3, H, W) -> (N, 4 width, H/8, W/8)
        at16 = _run_blocks(at8, self.stride16)  # -> (N, 8 width, H/16, W/16)
        at32 = _run_blocks(at16, self.stride32)  # -> (N, 8 width, H/32, W/32)
        return at8, at16, at32


def _block(
    channels_in: int, channels_out: int, stride: int, rng: np.random.Generator
) -> list[Module]:
    convolution = Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False, rng=rng)
    return [convolution, BatchNorm2d(channels_out), ReLU()]


def _run_blocks(x: Tensor, layers: Sequential) -> Tensor:
    """The three layers of each block as one operation, as far as training lets them be one."""
    in_turn = iter(layers)
    for convolution, norm, _ in zip(in_turn, in_turn, in_turn, strict=True):
        x = conv_bn_relu(x, convolution, norm, activation="relu")
    return x
