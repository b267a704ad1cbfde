"""VGG-16: thirteen 3x3 convolutions and a head of 4096 units (Simonyan & Zisserman 2015)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.models.backbones.backbone import Backbone
from minicv.models.backbones.feature_hierarchy import FeatureHierarchy
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

    Dropout draws from the generator given to ``forward``; see `minicv.nn.Dropout`.

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
        self.features = _features(CONFIGURATION_D[:-1], rng)

    def forward(self, x: Tensor) -> Tensor:
        return run_conv_relu(x, self.features)  # (N, 3, H, W) -> (N, 512, H/16, W/16)


class VGG16Hierarchy(FeatureHierarchy):
    """VGG-16 without its last layer, its fully connected layers turned into convolutions.

    The maps are pool3, pool4 and fc7 (Long et al. 2015, section 4.1 and Figure 3). A unit of fc6
    looked at the whole 7x7 map; as a 7x7 convolution it looks at the 7x7 cells around each
    position, and fc7, which looked at the units of fc6, becomes a 1x1 convolution. So each position
    has the features that the classifier would find in a window around it. Zeros surround the map,
    where the paper pads the image by 100 pixels and crops later.

    Poolings round up, as in the network that the authors published, so that no pixel is left out
    and an image may have any size. Dropout draws from ``rng`` in training.

    Layer names are torchvision's. Published weights of the whole network load by way of
    `convolutional_weights`.

    Args:
        classifier_channels: of fc6 and fc7. Fewer than 4096 save memory and time; then published
            weights fit the ``features`` alone.
        rng: draws the initial weights and what is dropped.

    >>> trunk = VGG16Hierarchy(classifier_channels=8, rng=np.random.default_rng(0)).eval()
    >>> [features.shape for features in trunk(Tensor(np.zeros((1, 3, 33, 40), "float32")))]
    [(1, 256, 5, 5), (1, 512, 3, 3), (1, 8, 2, 2)]
    """

    mean = VGG16.mean
    std = VGG16.std

    def __init__(self, classifier_channels: int = 4096, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.out_channels = (256, 512, classifier_channels)
        self.features = _features(CONFIGURATION_D, rng, ceil_mode=True)
        self.classifier = Sequential(
            Conv2d(512, classifier_channels, 7, padding=3, rng=rng),
            ReLU(),
            Dropout(0.5, rng=rng),
            Conv2d(classifier_channels, classifier_channels, 1, rng=rng),
            ReLU(),
            Dropout(0.5, rng=rng),
        )
        after = [i + 1 for i, layer in enumerate(self.features) if isinstance(layer, MaxPool2d)]
        self.after_pool3, self.after_pool4 = after[2:4]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        layers, after3, after4 = self.features, self.after_pool3, self.after_pool4
        pool3 = run_conv_relu(x, layers[:after3])  # (N, 3, H, W) -> (N, 256, H/8, W/8)
        pool4 = run_conv_relu(pool3, layers[after3:after4])  # -> (N, 512, H/16, W/16)
        pool5 = run_conv_relu(pool4, layers[after4:])  # -> (N, 512, H/32, W/32)
        fc7 = run_conv_relu(pool5, self.classifier)  # -> (N, 4096, H/32, W/32)
        return pool3, pool4, fc7


def convolutional_weights(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A state_dict of `VGG16` with its fully connected layers as convolutions.

    Unit o of a fully connected layer sums weight[o, i] · x[i] over a map (C, KH, KW) laid out as
    one row, i = (c · KH + u) · KW + v. That is one position of the convolution by the same numbers
    as (O, C, KH, KW). fc6 covers 7x7 cells, fc7 and the last layer one.

    Raises:
        ValueError: an entry has another number of inputs than VGG-16's.

    Source: Long et al. 2015, section 3.1.

    >>> weights = {"classifier.0.weight": np.zeros((4096, 25088), "float32")}
    >>> convolutional_weights(weights)["classifier.0.weight"].shape
    (4096, 512, 7, 7)
    """
    kernels = {"classifier.0": (512, 7, 7), "classifier.3": (4096, 1, 1)}
    kernels["classifier.6"] = kernels["classifier.3"]
    result = dict(weights)
    for layer, kernel in kernels.items():
        name = f"{layer}.weight"
        if name not in weights:
            continue
        matrix = weights[name]
        if matrix.ndim != 2 or matrix.shape[1] != np.prod(kernel):
            raise ValueError(
                f"convolutional_weights: {name} has shape {matrix.shape}, expected (units, "
                f"{np.prod(kernel)}), the fully connected layer of a VGG-16"
            )
        result[name] = matrix.reshape(-1, *kernel)  # (O, I) -> (O, C, KH, KW)
    return result
