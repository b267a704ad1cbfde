"""ResNet: blocks that learn what to add to their input (He et al. 2016).

A block computes y = relu(x + f(x)). Where f is nothing yet, y passes x on, so a network of many
blocks starts no worse than one of few, and the gradient reaches the first layer undiminished.

| block | f | where |
|---|---|---|
| basic | 3x3, 3x3 | ResNet-18 |
| bottleneck | 1x1 to a quarter of the channels, 3x3, 1x1 back | ResNet-50 |

Layer names are torchvision's. As there, a bottleneck that halves the map has its stride on the 3x3
convolution and not on the first 1x1 as in the paper, which would look at a quarter of the pixels.
"""

from __future__ import annotations

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.models.backbones.backbone import Backbone
from minicv.nn import (
    BatchNorm2d,
    Conv2d,
    FrozenBatchNorm2d,
    Linear,
    Module,
    Sequential,
    conv_bn_relu,
)

Norm = BatchNorm2d | FrozenBatchNorm2d


def _convolution(
    channels_in: int, channels_out: int, kernel: int, stride: int, rng: np.random.Generator
) -> Conv2d:
    return Conv2d(
        channels_in, channels_out, kernel, stride, padding=kernel // 2, bias=False, rng=rng
    )


class _Block(Module):
    """y = relu(shortcut(x) + f(x)); the shortcut is x itself wherever that has the right shape."""

    expansion: int  # channels out over width

    def _build_shortcut(self, channels_in, width, stride, norm, rng) -> None:
        channels_out = width * self.expansion
        self.downsample = None
        if stride != 1 or channels_in != channels_out:
            projection = _convolution(channels_in, channels_out, 1, stride, rng)
            self.downsample = Sequential(projection, norm(channels_out))

    def _shortcut(self, x: Tensor) -> Tensor:
        if self.downsample is None:
            return x
        return conv_bn_relu(x, *self.downsample)  # (N, C, H, W) -> (N, O, H/s, W/s)


class _BasicBlock(_Block):
    expansion = 1

    def __init__(self, channels_in, width, stride, norm, rng) -> None:
        self.conv1 = _convolution(channels_in, width, 3, stride, rng)
        self.bn1 = norm(width)
        self.conv2 = _convolution(width, width, 3, 1, rng)
        self.bn2 = norm(width)
        self._build_shortcut(channels_in, width, stride, norm, rng)

    def forward(self, x: Tensor) -> Tensor:
        # (N, C, H, W) -> (N, width, H/s, W/s)
        y = conv_bn_relu(x, self.conv1, self.bn1, activation="relu")
        return conv_bn_relu(y, self.conv2, self.bn2, self._shortcut(x), "relu")


class _Bottleneck(_Block):
    expansion = 4

    def __init__(self, channels_in, width, stride, norm, rng) -> None:
        self.conv1 = _convolution(channels_in, width, 1, 1, rng)
        self.bn1 = norm(width)
        self.conv2 = _convolution(width, width, 3, stride, rng)
        self.bn2 = norm(width)
        self.conv3 = _convolution(width, 4 * width, 1, 1, rng)
        self.bn3 = norm(4 * width)
        self._build_shortcut(channels_in, width, stride, norm, rng)

    def forward(self, x: Tensor) -> Tensor:
        # (N, C, H, W) -> (N, width, H, W) -> (N, width, H/s, W/s) -> (N, 4 width, H/s, W/s)
        y = conv_bn_relu(x, self.conv1, self.bn1, activation="relu")
        y = conv_bn_relu(y, self.conv2, self.bn2, activation="relu")
        return conv_bn_relu(y, self.conv3, self.bn3, self._shortcut(x), "relu")


class _Trunk(Module):
    """The stem, and one group of blocks for each number in ``depths``: layer1, layer2, ..."""

    def _build_trunk(
        self,
        block: type[_Block],
        depths: tuple[int, ...],
        norm: type[Norm],
        rng: np.random.Generator,
    ) -> None:
        self.conv1 = _convolution(3, 64, 7, 2, rng)
        self.bn1 = norm(64)
        self.groups = []
        channels = 64
        for number, depth in enumerate(depths):
            width = 64 * 2**number
            blocks = []
            for index in range(depth):
                stride = 2 if index == 0 and number > 0 else 1
                blocks.append(block(channels, width, stride, norm, rng))
                channels = width * block.expansion
            self.groups.append(f"layer{number + 1}")
            setattr(self, self.groups[-1], Sequential(*blocks))

    def _run_trunk(self, x: Tensor) -> Tensor:
        # (N, 3, H, W) -> (N, 64, H/2, W/2)
        x = conv_bn_relu(x, self.conv1, self.bn1, activation="relu")
        x = F.max_pool2d(x, 3, stride=2, padding=1)  # -> (N, 64, H/4, W/4)
        for name in self.groups:  # each but the first halves the map
            x = getattr(self, name)(x)
        return x


class _Classifier(_Trunk):
    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)

    def __init__(self, block, depths, num_classes, rng) -> None:
        self._build_trunk(block, depths, BatchNorm2d, rng)
        self.fc = Linear(512 * block.expansion, num_classes, rng=rng)

    def forward(self, x: Tensor) -> Tensor:
        x = self._run_trunk(x)  # (N, 3, H, W) -> (N, C, H/32, W/32)
        x = F.mean(x, dim=(2, 3))  # -> (N, C)
        return self.fc(x)  # -> (N, num_classes)


class ResNet18(_Classifier):
    """The classifier of 18 layers: (N, 3, H, W) -> (N, num_classes) logits.

    Source: He, Zhang, Ren & Sun, Deep Residual Learning, CVPR 2016, Table 1.
    """

    def __init__(self, num_classes: int = 1000, *, rng: np.random.Generator) -> None:
        super().__init__(_BasicBlock, (2, 2, 2, 2), num_classes, rng)


class ResNet50(_Classifier):
    """The classifier of 50 layers: (N, 3, H, W) -> (N, num_classes) logits.

    Source: He, Zhang, Ren & Sun, Deep Residual Learning, CVPR 2016, Table 1.
    """

    def __init__(self, num_classes: int = 1000, *, rng: np.random.Generator) -> None:
        super().__init__(_Bottleneck, (3, 4, 6, 3), num_classes, rng)


class ResNet50Backbone(_Trunk, Backbone):
    """ResNet-50 up to layer3: stride 16, 1024 channels, batch normalisation frozen.

    The trunk of Faster R-CNN in He et al. 2016, appendix A. A detector trains on too few images at
    a time for batch statistics, so the published ones stay and are folded into the convolutions.

    Args:
        rng: draws the weights; load published ones with `minicv.weights.load_published`.
        frozen_groups: the stem and this many of the three groups of blocks keep their weights.
    """

    out_channels = 1024
    stride = 16
    mean = _Classifier.mean
    std = _Classifier.std

    def __init__(self, *, rng: np.random.Generator, frozen_groups: int = 1) -> None:
        self._build_trunk(_Bottleneck, (3, 4, 6), FrozenBatchNorm2d, rng)
        if frozen_groups > 0:
            for name in ("conv1", *self.groups[:frozen_groups]):
                getattr(self, name).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self._run_trunk(x)  # (N, 3, H, W) -> (N, 1024, H/16, W/16)
