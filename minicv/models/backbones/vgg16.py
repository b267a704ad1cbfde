"""VGG-16: thirteen 3x3 convolutions and a head of 4096 units (Simonyan & Zisserman 2015)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.models.backbones.backbone import Backbone
from minicv.nn import (
    Conv2d,
    Dropout,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
    run_conv_relu,
)

# Table 1, column D: output channels of each convolution; None is a 2x2 max pooling.
CONFIGURATION_D = (
    (64, 64, None)
    + (128, 128, None)
    + (256, 256, 256, None)
    + (512, 512, 512, None)
    + (512, 512, 512, None)
)
# In ``features``, the numbers of the layers that follow a pooling.
_AFTER_POOL2, _AFTER_POOL3, _AFTER_POOL4 = 10, 17, 24


def _features(
    configuration: tuple[int | None, ...], rng: np.random.Generator, ceil_mode: bool = False
) -> Sequential:
    layers: list[Module] = []
    channels = 3
    for width in configuration:
        if width is None:
            layers.append(MaxPool2d(2, 2, ceil_mode=ceil_mode))
        else:
            layers += [Conv2d(channels, width, 3, padding=1, rng=rng), ReLU()]
            channels = width
    return Sequential(*layers)


class VGG16(Module):
    """The classifier: (N, 3, H, W) -> (N, num_classes) logits. Layer names are torchvision's.

    Args:
        num_classes: K.
        rng: draws the initial weights and what is dropped; see `minicv.nn.Dropout`.

    Source: Simonyan & Zisserman, Very Deep Convolutional Networks, ICLR 2015, Table 1 D.
    """

    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)

    def __init__(self, num_classes: int = 1000, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.features = _features(CONFIGURATION_D, rng)
        self.classifier = Sequential(
            Linear(512 * 7 * 7, 4096, rng=rng),
            ReLU(),
            Dropout(0.5, rng=rng),
            Linear(4096, 4096, rng=rng),
            ReLU(),
            Dropout(0.5, rng=rng),
            Linear(4096, num_classes, rng=rng),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(self.feature_map(x))

    def feature_map(self, x: Tensor) -> Tensor:
        """What the fully connected layers look at: (N, 3, H, W) -> (N, 512, H/32, W/32)."""
        return run_conv_relu(x, self.features)

    def logits(self, features: Tensor) -> Tensor:
        """The fully connected layers: -> (N, num_classes)."""
        x = F.adaptive_avg_pool2d(features, 7)  # -> (N, 512, 7, 7)
        return self.classifier(x.reshape(x.shape[0], 512 * 7 * 7))


class VGG16Backbone(Backbone):
    """VGG-16 without its last layer; at stride 32 the fully connected layers are convolutions.

    The deepest map is that of the deepest layer of its stride: conv3_3 (4), conv4_3 (8), conv5_3
    (16; the backbone of Fast and Faster R-CNN, Ren et al. 2015, section 3.1) or fc7 (32). A map
    above the deepest is the pooling that the next layer takes: pool2 (4), pool3 (8) or pool4 (16),
    as in Long et al. 2015, section 4.1 and Figure 3.

    In the classifier a unit of fc6 sees the whole 7x7 map. Here fc6 is a 7x7 convolution, whose
    units see the 7x7 cells around each position, and fc7 is a 1x1 convolution. So each position has
    the features that the classifier would find in a window around it. Zeros surround the map,
    where Long et al. pad the image by 100 pixels and crop later.

    Poolings round up, as in the network that Long et al. published, so that no pixel is left out
    and an image may have any size. Dropout draws from ``rng`` in training.

    Layer names are torchvision's. Published weights of the whole network load by way of
    `minicv.weights.start_from`.

    Args:
        strides: of the maps; see `Backbone`.
        classifier_channels: of fc6 and fc7. Fewer than 4096 save memory and time; then published
            weights fit the ``features`` alone.
        rng: draws the initial weights and what is dropped.

    >>> rng = np.random.default_rng(0)
    >>> backbone = VGG16Backbone((8, 16, 32), classifier_channels=8, rng=rng).eval()
    >>> [features.shape for features in backbone(Tensor(np.zeros((1, 3, 33, 40), "float32")))]
    [(1, 256, 5, 5), (1, 512, 3, 3), (1, 8, 2, 2)]
    """

    mean = VGG16.mean
    std = VGG16.std

    def __init__(
        self,
        strides: Sequence[int] = (16,),
        *,
        classifier_channels: int = 4096,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(strides, rng=rng)
        deepest = self.strides[-1]
        at4 = 256 if deepest == 4 else 128  # conv3_3 or pool2
        at8 = 512 if deepest == 8 else 256  # conv4_3 or pool3
        self.out_channels = self.channels_of(at4, at8, 512, classifier_channels)
        pools = [i for i, width in enumerate(CONFIGURATION_D) if width is None]
        end = {4: pools[2], 8: pools[3], 16: pools[4], 32: len(CONFIGURATION_D)}[deepest]
        self.features = _features(CONFIGURATION_D[:end], rng, ceil_mode=True)
        if deepest == 32:
            self.classifier = Sequential(
                Conv2d(512, classifier_channels, 7, padding=3, rng=rng),
                ReLU(),
                Dropout(0.5, rng=rng),
                Conv2d(classifier_channels, classifier_channels, 1, rng=rng),
                ReLU(),
                Dropout(0.5, rng=rng),
            )

    def to_stride(self, x: Tensor, stride: int) -> Tensor:
        starts = {4: 0, 8: _AFTER_POOL2, 16: _AFTER_POOL3, 32: _AFTER_POOL4}
        start, end = starts[stride], None if stride == self.strides[-1] else starts[2 * stride]
        x = run_conv_relu(x, self.features[start:end])  # -> (N, C, H/s, W/s)
        return run_conv_relu(x, self.classifier) if stride == 32 else x  # fc7: (N, 4096, ...)
