"""AlexNet: the network that began it (Krizhevsky, Sutskever & Hinton 2012)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.models.backbones.backbone import Backbone
from minicv.nn import (
    Conv2d,
    Dropout,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
    run_conv_relu,
)


@dataclass(frozen=True)
class AlexNetLayers:
    """What the two published forms of AlexNet differ in.

    Attributes:
        channels: out of each of the five convolutions.
        groups: of each; with 2 the halves of the channels do not see each other, because they
            were computed on two devices.
        local_response_norm: whether it follows the first two convolutions, after their ReLU.
    """

    channels: tuple[int, int, int, int, int]
    groups: tuple[int, int, int, int, int]
    local_response_norm: bool


# As published in 2012; R-CNN's "AlexNet" is its Caffe copy.
KRIZHEVSKY_2012 = AlexNetLayers((96, 256, 384, 384, 256), (1, 2, 1, 2, 2), True)
# On one device: Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014.
# torchvision publishes weights of this one.
KRIZHEVSKY_2014 = AlexNetLayers((64, 192, 384, 256, 256), (1, 1, 1, 1, 1), False)

# Kernel size and stride of each convolution, and whether a 3x3 max pooling of stride 2 comes after.
_GEOMETRY = ((11, 4, True), (5, 1, True), (3, 1, False), (3, 1, False), (3, 1, True))


class AlexNet(Module):
    """The classifier: (N, 3, H, W) -> (N, num_classes) logits; H and W from 63 on, usually 224.

    Layer names are torchvision's, ``features.N`` and ``classifier.N``. With `KRIZHEVSKY_2014` the
    numbers are too, and torchvision's published weights load as they are. The two normalisations
    of 2012 count as layers of ``features``, so behind them the numbers are higher.

    Dropout draws from ``rng``; see `minicv.nn.Dropout`.

    Args:
        num_classes: K.
        layers: `KRIZHEVSKY_2012` or `KRIZHEVSKY_2014`.
        rng: draws the initial weights and what is dropped.

    Source: Krizhevsky, Sutskever & Hinton, ImageNet Classification with Deep Convolutional Neural
    Networks, 2012, section 3. Its input of 224 pixels gives maps of 55, as it says, with the 2
    pixels of padding that torchvision added.
    """

    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)

    def __init__(
        self,
        num_classes: int = 1000,
        layers: AlexNetLayers = KRIZHEVSKY_2012,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.features = _features(layers, 2, 0, rng)
        self.classifier = Sequential(
            Dropout(0.5, rng=rng),
            Linear(layers.channels[-1] * 6 * 6, 4096, rng=rng),
            ReLU(),
            Dropout(0.5, rng=rng),
            Linear(4096, 4096, rng=rng),
            ReLU(),
            Linear(4096, num_classes, rng=rng),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = run_conv_relu(x, self.features)  # (N, 3, 224, 224) -> (N, 256, 6, 6)
        x = F.adaptive_avg_pool2d(x, 6)  # other sizes -> (N, 256, 6, 6)
        return self.classifier(x.reshape(x.shape[0], -1))  # -> (N, num_classes)


class AlexNetBackbone(Backbone):
    """The convolutions of AlexNet without the last pooling: stride 16, 256 channels.

    The kernels are those of `AlexNet` and have the same names. What surrounds the image differs:
    half a kernel of zeros on each side, where the classifier has less or nothing, so that cell i
    of the map is centred on the pixels around 16 i and every image has ⌈H / 16⌉ rows of cells.

    An image of 208 pixels gives a map of 13 x 13, and ``adaptive_max_pool2d`` of that to 6 x 6 is
    the pooling that is left out: bins of 3 x 3 cells, 2 apart.

    Args:
        layers: see `AlexNet`.
        rng: draws the initial weights.

    >>> backbone = AlexNetBackbone(rng=np.random.default_rng(0))
    >>> backbone(Tensor(np.zeros((1, 3, 33, 40), "float32"))).shape
    (1, 256, 3, 3)
    """

    stride = 16
    mean = AlexNet.mean
    std = AlexNet.std

    def __init__(
        self, layers: AlexNetLayers = KRIZHEVSKY_2012, *, rng: np.random.Generator
    ) -> None:
        super().__init__()
        self.out_channels = layers.channels[-1]
        self.features = _features(layers, 5, 1, rng)[:-1]

    def forward(self, x: Tensor) -> Tensor:
        return run_conv_relu(x, self.features)  # (N, 3, H, W) -> (N, 256, H/16, W/16)


def _features(
    layers: AlexNetLayers, first_padding: int, pool_padding: int, rng: np.random.Generator
) -> Sequential:
    result: list[Module] = []
    before = 3
    for i, (kernel_size, stride, pooled) in enumerate(_GEOMETRY):
        width, groups = layers.channels[i], layers.groups[i]
        padding = first_padding if i == 0 else kernel_size // 2
        result.append(Conv2d(before, width, kernel_size, stride, padding, groups=groups, rng=rng))
        result.append(ReLU())
        if layers.local_response_norm and i < 2:
            # The paper's alpha of 1e-4 is not divided by the window's size, and this one is.
            result.append(LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0))
        if pooled:
            result.append(MaxPool2d(3, 2, padding=pool_padding))
        before = width
    return Sequential(*result)
