"""AlexNet, the first deep network to win ImageNet (Krizhevsky, Sutskever & Hinton 2012)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.models.backbones.backbone import STRIDES, Backbone
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
        groups: of each convolution. With 2, each half of the output channels sees one half of the
            input channels: the paper computed the halves on two devices.
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
    Networks, 2012, section 3. An input of 224 pixels gives the paper's maps of 55 pixels only with
    a padding of 2, as in torchvision.
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
        return self.logits(self.feature_map(x))

    def feature_map(self, x: Tensor) -> Tensor:
        """What the fully connected layers look at: (N, 3, 224, 224) -> (N, 256, 6, 6)."""
        return run_conv_relu(x, self.features)

    def logits(self, features: Tensor) -> Tensor:
        """The fully connected layers: -> (N, num_classes)."""
        x = F.adaptive_avg_pool2d(features, 6)  # other sizes -> (N, 256, 6, 6)
        return self.classifier(x.reshape(x.shape[0], -1))


class AlexNetBackbone(Backbone):
    """AlexNet without its last layer; at stride 32 the fully connected layers are convolutions.

    The maps are those of the deepest layer of each stride: conv1 (4), conv2 (8), conv5 (16; the
    pooling after it is left out) and fc7 (32), each after its ReLU and, where there is one, its
    normalisation.

    The kernels are those of `AlexNet` and have the same names. The padding differs: half a kernel
    of zeros on each side, where the classifier has less or none. So cell i of the map of stride s
    is centred on pixel i s, and every image has ceil(H / s) rows of cells.

    An image of 208 pixels gives a map of 13 x 13, and ``adaptive_max_pool2d`` of that to 6 x 6 is
    the pooling that is left out at stride 16: bins of 3 x 3 cells, 2 apart.

    A unit of fc6 looked at a map of 6 x 6 cells. As a 6x6 convolution it looks at the cells i - 2
    to i + 3 around position i, whose middle is the middle of the 32 pixels from 32 i on; fc7
    becomes a 1x1 convolution. Dropout draws from ``rng`` in training.

    Args:
        strides: of the maps; see `Backbone`.
        classifier_channels: of fc6 and fc7; see `VGG16Backbone`.
        layers: see `AlexNet`; that of 2014 is the one for which weights are published.
        rng: draws the initial weights and what is dropped.

    Source: Long, Shelhamer & Darrell, Fully convolutional networks (CVPR 2015), section 4.1
    (FCN-AlexNet).

    >>> rng = np.random.default_rng(0)
    >>> backbone = AlexNetBackbone((8, 16, 32), classifier_channels=8, rng=rng).eval()
    >>> [features.shape for features in backbone(Tensor(np.zeros((1, 3, 33, 40), "float32")))]
    [(1, 192, 5, 5), (1, 256, 3, 3), (1, 8, 2, 2)]
    """

    mean = AlexNet.mean
    std = AlexNet.std

    def __init__(
        self,
        strides: Sequence[int] = (16,),
        *,
        classifier_channels: int = 4096,
        layers: AlexNetLayers = KRIZHEVSKY_2014,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(strides, rng=rng)
        channels = layers.channels
        self.out_channels = self.channels_of(
            channels[0], channels[1], channels[4], classifier_channels
        )
        features = list(_features(layers, 5, 1, rng))
        pools = [i for i, layer in enumerate(features) if isinstance(layer, MaxPool2d)]
        self.ends = dict(zip(STRIDES, (*pools, len(features)), strict=True))
        end = self.ends[self.strides[-1]]
        self.features = Sequential(*features[:end])
        if self.strides[-1] == 32:
            self.classifier = Sequential(
                Dropout(0.5, rng=rng),
                Conv2d(channels[4], classifier_channels, 6, rng=rng),
                ReLU(),
                Dropout(0.5, rng=rng),
                Conv2d(classifier_channels, classifier_channels, 1, rng=rng),
                ReLU(),
            )

    def to_stride(self, x: Tensor, stride: int) -> Tensor:
        start, end = 0 if stride == 4 else self.ends[stride // 2], self.ends[stride]
        x = run_conv_relu(x, self.features[start:end])  # -> (N, C, H/s, W/s)
        if stride < 32:
            return x
        x = F.pad(x, (2, 3, 2, 3))  # left, right, top, bottom: as many rows after 6x6 as before
        return run_conv_relu(x, self.classifier)  # -> (N, 4096, H/32, W/32)


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
            # The paper's alpha is 1e-4; the layer divides alpha by the window's size of 5.
            result.append(LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0))
        if pooled:
            result.append(MaxPool2d(3, 2, padding=pool_padding))
        before = width
    return Sequential(*result)
