"""ResNet: blocks that learn what to add to their input (He et al. 2016).

A block computes y = relu(x + f(x)). Where f is close to 0, y is relu(x). So a network of many
blocks starts no worse than one of few, and the gradient reaches the first layer undiminished.

| block | f | where |
|---|---|---|
| basic | 3x3, 3x3 | ResNet-18 |
| bottleneck | 1x1 to a quarter of the channels, 3x3, 1x1 back | ResNet-50 |

Layer names are torchvision's. A bottleneck that halves the map has its stride on the 3x3
convolution, as in torchvision. The paper has the stride on the first 1x1 convolution, which then
sees only a quarter of the pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

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
# He et al. 2016, Table 1: blocks of layer1 to layer4; and the group that ends each stride.
_DEPTHS_18, _DEPTHS_50 = (2, 2, 2, 2), (3, 4, 6, 3)
_GROUP = {4: 1, 8: 2, 16: 3, 32: 4}


def _convolution(
    channels_in: int,
    channels_out: int,
    kernel: int,
    stride: int,
    rng: np.random.Generator,
    dilation: int = 1,
) -> Conv2d:
    padding = kernel // 2 * dilation
    return Conv2d(channels_in, channels_out, kernel, stride, padding, dilation, bias=False, rng=rng)


class _Block(Module):
    """y = relu(shortcut(x) + f(x)); the shortcut is x itself wherever that has the right shape."""

    expansion: int  # channels out over width
    downsample: Sequential | None

    def __init__(
        self,
        channels_in: int,
        width: int,
        stride: int,
        norm: type[Norm],
        rng: np.random.Generator,
        dilation: int = 1,
    ) -> None:
        """The shortcut; a subclass builds f before it."""
        channels_out = width * self.expansion
        self.downsample = None
        if stride != 1 or channels_in != channels_out:
            projection = _convolution(channels_in, channels_out, 1, stride, rng)
            self.downsample = Sequential(projection, norm(channels_out))

    def _shortcut(self, x: Tensor) -> Tensor:
        if self.downsample is None:
            return x
        convolution, norm = self.downsample
        assert isinstance(convolution, Conv2d) and isinstance(norm, Norm)
        return conv_bn_relu(x, convolution, norm)  # (N, C, H, W) -> (N, O, H/s, W/s)


class _BasicBlock(_Block):
    expansion = 1

    def __init__(
        self,
        channels_in: int,
        width: int,
        stride: int,
        norm: type[Norm],
        rng: np.random.Generator,
        dilation: int = 1,
    ) -> None:
        self.conv1 = _convolution(channels_in, width, 3, stride, rng, dilation)
        self.bn1 = norm(width)
        self.conv2 = _convolution(width, width, 3, 1, rng, dilation)
        self.bn2 = norm(width)
        super().__init__(channels_in, width, stride, norm, rng)

    def forward(self, x: Tensor) -> Tensor:
        # (N, C, H, W) -> (N, width, H/s, W/s)
        y = conv_bn_relu(x, self.conv1, self.bn1, activation="relu")
        return conv_bn_relu(y, self.conv2, self.bn2, self._shortcut(x), "relu")


class _Bottleneck(_Block):
    expansion = 4

    def __init__(
        self,
        channels_in: int,
        width: int,
        stride: int,
        norm: type[Norm],
        rng: np.random.Generator,
        dilation: int = 1,
    ) -> None:
        self.conv1 = _convolution(channels_in, width, 1, 1, rng)
        self.bn1 = norm(width)
        self.conv2 = _convolution(width, width, 3, stride, rng, dilation)
        self.bn2 = norm(width)
        self.conv3 = _convolution(width, 4 * width, 1, 1, rng)
        self.bn3 = norm(4 * width)
        super().__init__(channels_in, width, stride, norm, rng)

    def forward(self, x: Tensor) -> Tensor:
        # (N, C, H, W) -> (N, width, H, W) -> (N, width, H/s, W/s) -> (N, 4 width, H/s, W/s)
        y = conv_bn_relu(x, self.conv1, self.bn1, activation="relu")
        y = conv_bn_relu(y, self.conv2, self.bn2, activation="relu")
        return conv_bn_relu(y, self.conv3, self.bn3, self._shortcut(x), "relu")


class _ResNet(Module):
    """The stem and the groups of blocks: conv1, bn1, layer1, layer2, ..."""

    conv1: Conv2d
    bn1: Norm

    def build_groups(
        self,
        block: type[_Block],
        depths: Sequence[int],
        norm: type[Norm],
        rng: np.random.Generator,
        most_stride: int = 32,
    ) -> None:
        """Group i, of ``depths[i]`` blocks, becomes the attribute ``layer{i + 1}``.

        Where a group would bring the map beyond ``most_stride``, it keeps the size of the map. From
        its second block on the taps of 3x3 kernels lie twice as far apart instead, so that they
        fall on what they would have seen.
        """
        self.conv1 = _convolution(3, 64, 7, 2, rng)
        self.bn1 = norm(64)
        channels, total_stride, dilation = 64, 4, 1
        for number, depth in enumerate(depths):
            width = 64 * 2**number
            blocks: list[Module] = []
            growth = 1 if number == 0 else 2
            stride = growth if total_stride * growth <= most_stride else 1
            total_stride *= stride
            for index in range(depth):
                own = stride if index == 0 else 1
                blocks.append(block(channels, width, own, norm, rng, dilation))
                channels = width * block.expansion
                if index == 0:
                    dilation *= growth // stride
            setattr(self, f"layer{number + 1}", Sequential(*blocks))

    def run_stem(self, x: Tensor) -> Tensor:
        # (N, 3, H, W) -> (N, 64, H/2, W/2)
        x = conv_bn_relu(x, self.conv1, self.bn1, activation="relu")
        return F.max_pool2d(x, 3, stride=2, padding=1)  # -> (N, 64, H/4, W/4)

    def run_group(self, x: Tensor, number: int) -> Tensor:
        """Group 1 keeps the size of the map; each other halves it."""
        group: Sequential = getattr(self, f"layer{number}")
        return group(x)


class _Classifier(_ResNet):
    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)

    def __init__(
        self,
        block: type[_Block],
        depths: Sequence[int],
        num_classes: int,
        rng: np.random.Generator,
    ) -> None:
        self.build_groups(block, depths, BatchNorm2d, rng)
        self.fc = Linear(512 * block.expansion, num_classes, rng=rng)

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(self.feature_map(x))

    def feature_map(self, x: Tensor) -> Tensor:
        """What is averaged before the last layer: (N, 3, H, W) -> (N, C, H/32, W/32)."""
        x = self.run_stem(x)  # -> (N, 64, H/4, W/4)
        for number in (1, 2, 3, 4):
            x = self.run_group(x, number)
        return x

    def logits(self, features: Tensor) -> Tensor:
        """The mean and the last layer: -> (N, num_classes)."""
        return self.fc(F.mean(features, dim=(2, 3)))


class ResNet18(_Classifier):
    """The classifier of 18 layers: (N, 3, H, W) -> (N, num_classes) logits.

    Source: He, Zhang, Ren & Sun, Deep Residual Learning, CVPR 2016, Table 1.
    """

    def __init__(self, num_classes: int = 1000, *, rng: np.random.Generator) -> None:
        super().__init__(_BasicBlock, _DEPTHS_18, num_classes, rng)


class ResNet50(_Classifier):
    """The classifier of 50 layers: (N, 3, H, W) -> (N, num_classes) logits.

    Source: He, Zhang, Ren & Sun, Deep Residual Learning, CVPR 2016, Table 1.
    """

    def __init__(self, num_classes: int = 1000, *, rng: np.random.Generator) -> None:
        super().__init__(_Bottleneck, _DEPTHS_50, num_classes, rng)


class DilatedResNet50(_ResNet):
    """ResNet-50 that stops halving: (N, 3, H, W) -> (N, 2048, ceil(H / 8), ceil(W / 8)).

    The last two groups keep the size of the map and spread their kernels instead: by 2 in layer3,
    by 4 in layer4. The maps are four times as fine as those of `ResNet50Backbone` at stride 32, and
    a cell depends on about as many pixels. Names and shapes of the weights are the same.

    Args:
        rng: draws the weights.

    Source: Chen et al., DeepLab, 2015, section 3.1 (the hole algorithm); torchvision's
    ``resnet50(replace_stride_with_dilation=[False, True, True])``.

    >>> backbone = DilatedResNet50(rng=np.random.default_rng(0))
    >>> [block.conv2.dilation[0] for block in (*backbone.layer3[:2], *backbone.layer4[:2])]
    [1, 2, 2, 4]
    """

    mean = _Classifier.mean
    std = _Classifier.std
    out_channels = 2048
    stride = 8

    def __init__(self, *, rng: np.random.Generator) -> None:
        self.build_groups(_Bottleneck, _DEPTHS_50, BatchNorm2d, rng, most_stride=self.stride)

    def forward(self, x: Tensor) -> Tensor:
        x = self.run_stem(x)  # (N, 3, H, W) -> (N, 64, H/4, W/4)
        for number in (1, 2, 3, 4):
            x = self.run_group(x, number)  # in the end (N, 2048, H/8, W/8)
        return x


class _ResNetBackbone(_ResNet, Backbone):
    """What `ResNet18Backbone` and `ResNet50Backbone` share."""

    mean = _Classifier.mean
    std = _Classifier.std
    block: type[_Block]
    depths: tuple[int, ...]

    def __init__(
        self,
        strides: Sequence[int] = (16,),
        *,
        frozen_batch_norm: bool = True,
        frozen_groups: int = 1,
        rng: np.random.Generator,
    ) -> None:
        Backbone.__init__(self, strides, rng=rng)
        at4 = 64 * self.block.expansion
        self.out_channels = self.channels_of(at4, 2 * at4, 4 * at4, 8 * at4)
        norm = FrozenBatchNorm2d if frozen_batch_norm else BatchNorm2d
        self.build_groups(self.block, self.depths[: _GROUP[self.strides[-1]]], norm, rng)
        if frozen_groups > 0:
            groups = [getattr(self, f"layer{i}", None) for i in range(1, frozen_groups + 1)]
            for part in (self.conv1, self.bn1, *groups):
                if part is not None:
                    part.requires_grad_(False)

    def to_stride(self, x: Tensor, stride: int) -> Tensor:
        if stride == 4:  # (N, 3, H, W) -> (N, 64, H/4, W/4)
            x = self.run_stem(x)
        return self.run_group(x, _GROUP[stride])


class ResNet18Backbone(_ResNetBackbone):
    """ResNet-18 without its last layer: as `ResNet50Backbone`, with 64, 128, 256 and 512 channels.

    >>> backbone = ResNet18Backbone((8, 16), rng=np.random.default_rng(0))
    >>> [features.shape for features in backbone(Tensor(np.zeros((1, 3, 33, 40), "float32")))]
    [(1, 128, 5, 5), (1, 256, 3, 3)]
    """

    block = _BasicBlock
    depths = _DEPTHS_18


class ResNet50Backbone(_ResNetBackbone):
    """ResNet-50 without its last layer. The maps are those of layer1 (stride 4, 256 channels),
    layer2 (8, 512), layer3 (16, 1024) and layer4 (32, 2048).

    With stride 16 it is the backbone of Faster R-CNN in He et al. 2016, appendix A. A detector
    trains on too few images at a time for batch statistics. So by default the published statistics
    stay as they are and are folded into the convolutions.

    Args:
        strides: of the maps; see `Backbone`.
        frozen_batch_norm: whether batch normalisation stays as loaded. Either way it has the same
            names in the state_dict.
        frozen_groups: the stem and this many of the groups keep their weights; 0 freezes nothing.
        rng: draws the weights; load published ones with `minicv.weights.load_published`.

    >>> ResNet50Backbone((16,), rng=np.random.default_rng(0)).out_channels
    (1024,)
    """

    block = _Bottleneck
    depths = _DEPTHS_50
