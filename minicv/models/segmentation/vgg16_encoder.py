"""The convolutions of VGG-16 with batch normalisation, keeping the switches of their poolings."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Tensor
from minicv.models.backbones.vgg16 import CONFIGURATION_D
from minicv.models.segmentation.switches import Switches
from minicv.nn import BatchNorm2d, Conv2d, MaxPool2d, Module, ReLU, Sequential, conv_bn_relu


class VGG16Encoder(Module):
    """Thirteen 3x3 convolutions, each with batch normalisation and ReLU, and five 2x2 poolings.

    (N, 3, H, W) -> (N, 512, ceil(H / 32), ceil(W / 32)), and five `Switches`, that of the largest
    map first. Layer names and numbers are those of torchvision's vgg16_bn.

    Args:
        width: multiplies the channels of every layer; with 1 published weights fit.
        rng: draws the initial weights.

    Attributes:
        levels: for each pooling the channels before it, e.g. (64, 128, 128) for the second: 64 come
            in, and two convolutions give 128 each.

    Source: Simonyan & Zisserman, Very Deep Convolutional Networks, ICLR 2015, Table 1 D.

    >>> encoder = VGG16Encoder(1 / 64, rng=np.random.default_rng(0))
    >>> x, switches = encoder(Tensor(np.zeros((1, 3, 40, 33), "float32")))
    >>> x.shape, [places.size for places in switches]
    ((1, 8, 2, 2), [(40, 33), (20, 17), (10, 9), (5, 5), (3, 3)])
    """

    def __init__(self, width: float = 1.0, *, rng: np.random.Generator) -> None:
        layers: list[Module] = []
        self.levels: list[tuple[int, ...]] = []
        level = [3]
        for full in CONFIGURATION_D:
            if full is None:
                layers.append(MaxPool2d(2, ceil_mode=True, return_indices=True))
                self.levels.append(tuple(level))
                level = level[-1:]
            else:
                level.append(max(1, round(full * width)))
                convolution = Conv2d(*level[-2:], 3, padding=1, rng=rng)
                layers += [convolution, BatchNorm2d(level[-1]), ReLU()]
        self.features = Sequential(*layers)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Switches]]:
        switches = []
        layers = iter(self.features)
        for layer in layers:
            if isinstance(layer, MaxPool2d):
                size = x.shape[2:]
                x, indices = layer(x)  # (N, C, h, w) -> (N, C, ceil(h / 2), ceil(w / 2))
                switches.append(Switches(indices, size))
            else:
                norm, _ = next(layers), next(layers)
                x = conv_bn_relu(x, layer, norm, activation="relu")
        return x, switches
