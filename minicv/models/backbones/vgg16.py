"""VGG-16: thirteen 3x3 convolutions and a head of 4096 units (Simonyan & Zisserman 2015)."""

from __future__ import annotations

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
_CONFIGURATION_D = (
    (64, 64, None)
    + (128, 128, None)
    + (256, 256, 256, None)
    + (512, 512, 512, None)
    + (512, 512, 512, None)
)


def _features(configuration: tuple[int | None, ...], rng: np.random.Generator) -> Sequential:
    layers: list[Module] = []
    channels = 3
    for width in configuration:
        if width is None:
            layers.append(MaxPool2d(2, 2))
        else:
            layers += [Conv2d(channels, width, 3, padding=1, rng=rng), ReLU()]
            channels = width
    return Sequential(*layers)


class VGG16(Module):
    """The classifier: (N, 3, H, W) -> (N, num_classes) logits. Layer names are torchvision's.

    Dropout draws from the generator given to ``forward``; see `minicv.nn.Dropout`.

    Source: Simonyan & Zisserman, Very Deep Convolutional Networks, ICLR 2015, Table 1 D.
    """

    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)

    def __init__(self, num_classes: int = 1000, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.features = _features(_CONFIGURATION_D, rng)
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
        x = run_conv_relu(x, self.features)  # (N, 3, H, W) -> (N, 512, H/32, W/32)
        x = F.adaptive_avg_pool2d(x, 7)  # -> (N, 512, 7, 7)
        return self.classifier(x.reshape(x.shape[0], 512 * 7 * 7))  # -> (N, num_classes)


class VGG16Backbone(Backbone):
    """The convolutions of VGG-16 without the last pooling: stride 16, 512 channels.

    The trunk of Fast and Faster R-CNN (Ren et al. 2015, section 3.1). The first four convolutions,
    which learn edges and colours, can be kept as they are: set ``requires_grad_(False)`` on
    ``backbone.features[0]`` to ``[9]``.
    """

    out_channels = 512
    stride = 16
    mean = VGG16.mean
    std = VGG16.std

    def __init__(self, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.features = _features(_CONFIGURATION_D[:-1], rng)

    def forward(self, x: Tensor) -> Tensor:
        return run_conv_relu(x, self.features)  # (N, 3, H, W) -> (N, 512, H/16, W/16)
