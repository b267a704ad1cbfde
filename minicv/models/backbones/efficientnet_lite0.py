"""EfficientNet-Lite0: inverted residual blocks with depthwise convolutions (Tan & Le 2019).

The Lite form leaves out squeeze-and-excitation and uses ReLU6, so it is convolutions alone. Layer
names are those of the published weights (`minicv.weights.efficientnet_lite0_weights`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.models.backbones.backbone import Backbone
from minicv.nn import BatchNorm2d, Conv2d, FrozenBatchNorm2d, Linear, Module, ModuleList
from minicv.nn.fusion import conv_bn_relu
from minicv.nn.inverted_residual import Margins, run_inverted_residual

# Tan & Le 2019, Table 1: kernel, stride, expansion, output channels, for each of the 16 blocks.
_BLOCKS = (
    (3, 1, 1, 16),
    (3, 2, 6, 24), (3, 1, 6, 24),
    (5, 2, 6, 40), (5, 1, 6, 40),
    (3, 2, 6, 80), (3, 1, 6, 80), (3, 1, 6, 80),
    (5, 1, 6, 112), (5, 1, 6, 112), (5, 1, 6, 112),
    (5, 2, 6, 192), (5, 1, 6, 192), (5, 1, 6, 192), (5, 1, 6, 192),
    (3, 1, 6, 320),
)  # fmt: skip
# Of each stride, the first block and the one after the last.
_FIRST_BLOCK = {4: 0, 8: 3, 16: 5, 32: 11}
_END = {4: 3, 8: 5, 16: 11, 32: 16}
_EPS = 1e-3
Norm = BatchNorm2d | FrozenBatchNorm2d


def _convolution(
    channels_in: int,
    channels_out: int,
    kernel: int,
    stride: int,
    groups: int,
    rng: np.random.Generator,
) -> Conv2d:
    # At stride 2 the padding depends on the input size: see _same_padding.
    padding = kernel // 2 if stride == 1 else 0
    return Conv2d(
        channels_in, channels_out, kernel, stride, padding, groups=groups, bias=False, rng=rng
    )


def _same_margins(x: Tensor, convolution: Conv2d) -> Margins:
    """TensorFlow's "same": ceil(H / stride) outputs, the odd pixel of padding at right and bottom.

    The weights were trained with this padding; symmetric padding would shift the map. At stride 1
    the convolution pads by itself.
    """
    (kernel, _), (stride, _) = convolution.kernel_size, convolution.stride
    if stride == 1:
        return (0, 0, 0, 0)
    pads: list[int] = []
    for length in (x.shape[3], x.shape[2]):
        total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
        pads += [total // 2, total - total // 2]
    left, right, top, bottom = pads
    return (left, right, top, bottom)


def _convolve(x: Tensor, convolution: Conv2d, norm: Norm) -> Tensor:
    """With batch normalisation and ReLU6."""
    margins = _same_margins(x, convolution)
    if any(margins):
        x = F.pad(x, margins)
    return conv_bn_relu(x, convolution, norm, activation="relu6")


class _Block(Module):
    """Widen by 1x1, filter each channel by itself, narrow by 1x1; add the input where it fits."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int,
        stride: int,
        expansion: int,
        norm: type[Norm],
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        wide = channels_in * expansion
        if expansion != 1:
            self._expand_conv = _convolution(channels_in, wide, 1, 1, 1, rng)
            self._bn0 = norm(wide, eps=_EPS)
        self._depthwise_conv = _convolution(wide, wide, kernel, stride, wide, rng)
        self._bn1 = norm(wide, eps=_EPS)
        self._project_conv = _convolution(wide, channels_out, 1, 1, 1, rng)
        self._bn2 = norm(channels_out, eps=_EPS)
        self.expands = expansion != 1
        self.adds_input = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        # (N, C, H, W) -> (N, 6C, H, W) -> (N, 6C, H/s, W/s) -> (N, O, H/s, W/s)
        return run_inverted_residual(
            x,
            (self._expand_conv, self._bn0) if self.expands else None,
            (self._depthwise_conv, self._bn1),
            (self._project_conv, self._bn2),
            shortcut=x if self.adds_input else None,
            margins=_same_margins(x, self._depthwise_conv),
        )


def _stem_and_blocks(
    depth: int, norm: type[Norm], rng: np.random.Generator
) -> tuple[Conv2d, Norm, ModuleList]:
    """The first convolution with its normalisation, and the first ``depth`` blocks."""
    stem, bn0 = _convolution(3, 32, 3, 2, 1, rng), norm(32, eps=_EPS)
    channels, blocks = 32, []
    for kernel, stride, expansion, out_channels in _BLOCKS[:depth]:
        blocks.append(_Block(channels, out_channels, kernel, stride, expansion, norm, rng))
        channels = out_channels
    return stem, bn0, ModuleList(blocks)


class EfficientNetLite0(Module):
    """The classifier: (N, 3, H, W), normalised by (x - 0.5) / 0.5, to (N, num_classes) logits.

    Source: Tan & Le, EfficientNet, ICML 2019; the Lite variants as TensorFlow published them.
    """

    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.5, 0.5)

    def __init__(self, num_classes: int = 1000, *, rng: np.random.Generator) -> None:
        super().__init__()
        self._conv_stem, self._bn0, self._blocks = _stem_and_blocks(len(_BLOCKS), BatchNorm2d, rng)
        self._conv_head = _convolution(320, 1280, 1, 1, 1, rng)
        self._bn1 = BatchNorm2d(1280, eps=_EPS)
        self._fc = Linear(1280, num_classes, rng=rng)

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(self.feature_map(x))

    def feature_map(self, x: Tensor) -> Tensor:
        """What is averaged before the last layer: (N, 3, H, W) -> (N, 1280, H/32, W/32)."""
        # (N, 3, H, W) -> (N, 32, H/2, W/2)
        x = _convolve(x, self._conv_stem, self._bn0)
        for block in self._blocks:
            x = block(x)  # in the end (N, 320, H/32, W/32)
        return _convolve(x, self._conv_head, self._bn1)

    def logits(self, features: Tensor) -> Tensor:
        """The mean and the last layer: -> (N, num_classes)."""
        return self._fc(F.mean(features, dim=(2, 3)))


class EfficientNetLite0Backbone(Backbone):
    """EfficientNet-Lite0 without its head. The maps are those of the last block of each stride.

    | stride | blocks | channels |
    |---|---|---|
    | 4 | 0 to 2 | 24 |
    | 8 | 3 and 4 | 40 |
    | 16 | 5 to 10 | 112 |
    | 32 | 11 to 15 | 320 |

    A detector trains on one or two images at a time, too few for batch statistics. So by default
    the published statistics stay as they are and are folded into the convolutions.

    Args:
        strides: of the maps; see `Backbone`.
        frozen_batch_norm: whether batch normalisation stays as loaded. Either way it has the same
            names in the state_dict.
        frozen_blocks: the stem and this many blocks keep their weights; 0 freezes nothing.
        rng: draws the weights; load the published ones with `minicv.weights.load_published`.

    >>> backbone = EfficientNetLite0Backbone((8, 16), rng=np.random.default_rng(0))
    >>> [features.shape for features in backbone(Tensor(np.zeros((1, 3, 33, 40), "float32")))]
    [(1, 40, 5, 5), (1, 112, 3, 3)]
    """

    mean = EfficientNetLite0.mean
    std = EfficientNetLite0.std

    def __init__(
        self,
        strides: Sequence[int] = (16,),
        *,
        frozen_batch_norm: bool = True,
        frozen_blocks: int = 3,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(strides, rng=rng)
        self.out_channels = self.channels_of(24, 40, 112, 320)
        norm = FrozenBatchNorm2d if frozen_batch_norm else BatchNorm2d
        depth = _END[self.strides[-1]]
        self._conv_stem, self._bn0, self._blocks = _stem_and_blocks(depth, norm, rng)
        if frozen_blocks > 0:
            for part in (self._conv_stem, self._bn0, *list(self._blocks)[:frozen_blocks]):
                part.requires_grad_(False)

    def to_stride(self, x: Tensor, stride: int) -> Tensor:
        if stride == 4:  # (N, 3, H, W) -> (N, 32, H/2, W/2)
            x = _convolve(x, self._conv_stem, self._bn0)
        for block in self._blocks[_FIRST_BLOCK[stride] : _END[stride]]:
            x = block(x)
        return x
