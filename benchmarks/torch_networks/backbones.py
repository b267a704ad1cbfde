"""Backbones: pixels (N, 3, H, W) to the maps that are asked for, the finest first.

Names are those of `minicv.models.backbones`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import nn

from benchmarks.networks import LITE0_BLOCKS

HALVES = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
ENDS = {4: 9, 8: 15, 16: 21, 32: 27}  # where the small backbone's layers of each stride end
LITE0 = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}


def conv_bn_relu(before: int, after: int, stride: int = 1) -> list[nn.Module]:
    """A 3x3 convolution, its normalisation, and ReLU."""
    convolution = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True)]


class Small(nn.Module):
    """Five convolutions to stride 8, and two more each to strides 16 and 32."""

    normalisation = HALVES

    def __init__(self, strides: Sequence[int] = (8,), width: int = 32) -> None:
        super().__init__()
        self.strides, before, layers = strides, 3, []
        for index, multiple in enumerate((1, 2, 2, 4, 4, 8, 8, 8, 8)):
            layers += conv_bn_relu(before, multiple * width, 2 if index in (0, 1, 3, 5, 7) else 1)
            before = multiple * width
        self.layers = nn.Sequential(*layers[: ENDS[strides[-1]]])
        channels = {4: 2 * width, 8: 4 * width, 16: 8 * width, 32: 8 * width}
        self.out_channels = [channels[stride] for stride in strides]

    def forward(self, x):
        maps, start = [], 0
        for stride in self.strides:
            x = self.layers[start : ENDS[stride]](x)
            maps.append(x)
            start = ENDS[stride]
        return maps


class ConvNet(nn.Module):
    """Three stages of two convolutions and a max pooling, to stride 8."""

    normalisation = HALVES

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        before, layers = 3, []
        for multiple in (1, 1, 2, 2, 4, 4):
            layers += conv_bn_relu(before, multiple * width)
            before = multiple * width
        self.layers = nn.Sequential(*layers)
        self.out_channels = [before]

    def forward(self, x):
        for start in (0, 6, 12):
            x = F.max_pool2d(self.layers[start : start + 6](x), 2, ceil_mode=True)
        return [x]


class _BasicBlock(nn.Module):
    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = None
        if stride != 1 or before != width:
            projection = nn.Conv2d(before, width, 1, stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(width))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(y)) + shortcut, inplace=True)


class ResNet18(nn.Module):
    """ResNet-18 without its last layer: the map of stride 32."""

    normalisation = IMAGENET

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        before = 64
        for group in range(4):
            width, stride = 64 * 2**group, 2 if group else 1
            blocks = [_BasicBlock(before, width, stride), _BasicBlock(width, width, 1)]
            setattr(self, f"layer{group + 1}", nn.Sequential(*blocks))
            before = width
        self.out_channels = [before]

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x)), inplace=True), 3, 2, 1)
        return [self.layer4(self.layer3(self.layer2(self.layer1(x))))]


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 without its head: the map of stride 32."""

    normalisation = LITE0

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = nn.Conv2d(3, 32, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(32, eps=1e-3)
        self._blocks, before = nn.ModuleList(), 32
        for kernel, stride, expansion, after in LITE0_BLOCKS:
            self._blocks.append(_InvertedResidual(before, after, kernel, stride, expansion))
            before = after
        self.out_channels = [before]

    def forward(self, x):
        x = F.relu6(self._bn0(_same(x, self._conv_stem)), inplace=True)
        for block in self._blocks:
            x = block(x)
        return [x]


class _InvertedResidual(nn.Module):
    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = before * expansion
        if expansion != 1:
            self._expand_conv = nn.Conv2d(before, wide, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(wide, eps=1e-3)
        padding = kernel // 2 if stride == 1 else 0
        self._depthwise_conv = nn.Conv2d(
            wide, wide, kernel, stride, padding, groups=wide, bias=False
        )
        self._bn1 = nn.BatchNorm2d(wide, eps=1e-3)
        self._project_conv = nn.Conv2d(wide, after, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(after, eps=1e-3)
        self.expands, self.adds_input = expansion != 1, stride == 1 and before == after

    def forward(self, x):
        y = x
        if self.expands:
            y = F.relu6(self._bn0(self._expand_conv(y)), inplace=True)
        y = F.relu6(self._bn1(_same(y, self._depthwise_conv)), inplace=True)
        y = self._bn2(self._project_conv(y))
        return x + y if self.adds_input else y


def _same(x, convolution: nn.Conv2d):
    """TensorFlow's padding: where it is odd, the odd pixel is at the right and the bottom."""
    kernel, stride = convolution.kernel_size[0], convolution.stride[0]
    if stride == 1:
        return convolution(x)
    pads = []
    for length in (x.shape[3], x.shape[2]):
        total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
        pads += [total // 2, total - total // 2]
    return convolution(F.pad(x, pads))
