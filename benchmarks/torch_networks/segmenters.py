"""FCN-8s, SegNet, DeconvNet and the encoder and decoder; `minicv.models.segmentation` explains."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.torch_networks.backbones import HALVES, IMAGENET, Small
from benchmarks.torch_networks.pictures import normalised

VGG_LEVELS = ((3, 64, 64), (64, 128, 128), (128, 256, 256, 256), (256, 512, 512, 512),
              (512, 512, 512, 512))  # fmt: skip
LEAST_SIDE = 193  # of DeconvNet's pictures


class Segmenter(nn.Module):
    """``forward`` gives logits (N, K, H, W)."""

    normalisation = HALVES

    def loss(self, images, targets, rng) -> list[torch.Tensor]:
        """The mean cross entropy of all pixels."""
        labels = torch.from_numpy(np.stack([target["segmentation"] for target in targets]))
        logits = self(normalised(images, self.normalisation))
        return [F.cross_entropy(logits, labels)]


class FCN8s(Segmenter):
    """Three streams on the small backbone."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.backbone = Small((8, 16, 32))
        at8, at16, at32 = self.backbone.out_channels
        self.score_fr = nn.Conv2d(at32, classes, 1)
        self.score_pool4 = nn.Conv2d(at16, classes, 1)
        self.score_pool3 = nn.Conv2d(at8, classes, 1)
        self.upscore2 = nn.ConvTranspose2d(classes, classes, 4, 2, 1, bias=False)
        self.upscore_pool4 = nn.ConvTranspose2d(classes, classes, 4, 2, 1, bias=False)
        self.upscore8 = nn.ConvTranspose2d(classes, classes, 16, 8, 4, bias=False)
        self.upscore8.requires_grad_(False)

    def forward(self, x):
        pool3, pool4, fc7 = self.backbone(x)
        score = _fused(self.upscore2(self.score_fr(fc7)), self.score_pool4(pool4))
        score = _fused(self.upscore_pool4(score), self.score_pool3(pool3))
        return self.upscore8(score)[:, :, : x.shape[2], : x.shape[3]]


def _fused(enlarged, finer):
    return enlarged[:, :, : finer.shape[2], : finer.shape[3]] + finer


class _Block(nn.Module):
    """relu(bn(conv(x)))."""

    convolution = nn.Conv2d

    def __init__(self, before: int, after: int, kernel: int = 3, padding: int | None = None):
        super().__init__()
        padding = kernel // 2 if padding is None else padding
        self.conv = self.convolution(before, after, kernel, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(after)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)), inplace=True)


class _Deblock(_Block):
    convolution = nn.ConvTranspose2d


def _blocks(channels, kind=_Block):
    return nn.Sequential(*(kind(before, after) for before, after in pairwise(channels)))


class SegNet(Segmenter):
    """Unpooling by the switches of the pooling that it mirrors."""

    def __init__(self, classes: int, widths=(24, 48, 64, 96), depths=(1, 1, 2, 2)) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        for level, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            upwards = (widths[level - 1] if level else 3, *[width] * depth)
            self.encoder.append(_blocks(upwards))
            self.decoder.append(_blocks(upwards[:0:-1] if level == 0 else upwards[::-1]))
        self.score = nn.Conv2d(widths[0], classes, 3, padding=1)

    def forward(self, x):
        switches = []
        for convolutions in self.encoder:
            x, places = _pool(convolutions(x))
            switches.append(places)
        for convolutions in reversed(self.decoder):
            x = convolutions(_unpool(x, switches.pop()))
        return self.score(x)


class EncoderDecoder(Segmenter):
    """One convolution a level, and max unpooling."""

    def __init__(self, classes: int, widths=(32, 64, 128)) -> None:
        super().__init__()
        after = (widths[0], *widths[:-1])
        self.encoder = nn.ModuleList(_Block(*pair) for pair in pairwise((3, *widths)))
        self.middle = _Block(widths[-1], widths[-1])
        self.decoder = nn.ModuleList(map(_Block, widths, after))
        self.score = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x):
        switches = []
        for convolution in self.encoder:
            x, places = _pool(convolution(x))
            switches.append(places)
        x = self.middle(x)
        for convolution in reversed(self.decoder):
            x = convolution(_unpool(x, switches.pop()))
        return self.score(x)


class DeconvNet(Segmenter):
    """VGG-16 with batch normalisation, fc6 and fc7 as convolutions, and the way back."""

    normalisation = IMAGENET

    def __init__(self, classes: int, width: float) -> None:
        super().__init__()
        levels = [tuple(c if c == 3 else max(1, round(c * width)) for c in own)
                  for own in VGG_LEVELS]  # fmt: skip
        layers = []
        for channels in levels:
            for before, after in pairwise(channels):
                convolution = nn.Conv2d(before, after, 3, padding=1)
                layers += [convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
            layers.append(nn.MaxPool2d(2, ceil_mode=True, return_indices=True))
        self.encoder = nn.ModuleDict({"features": nn.Sequential(*layers)})
        deep, units = levels[-1][-1], max(1, round(4096 * width))
        self.fc6, self.fc7 = _Block(deep, units, 7, 0), _Block(units, units, 1)
        self.fc6_back = _Deblock(units, deep, 7, 0)
        self.decoder = nn.ModuleList(
            _blocks((*own[:0:-1], own[0] if number else own[1]), _Deblock)
            for number, own in enumerate(levels)
        )
        self.score = nn.Conv2d(levels[0][1], classes, 1)

    def forward(self, x):
        height, width = x.shape[2:]
        x = F.pad(x, (0, max(0, LEAST_SIDE - width), 0, max(0, LEAST_SIDE - height)))
        switches = []
        for layer in self.encoder["features"]:
            if isinstance(layer, nn.MaxPool2d):
                x, places = _pool(x)
                switches.append(places)
            else:
                x = layer(x)
        x = self.fc6_back(self.fc7(self.fc6(x)))
        for deconvolutions in reversed(self.decoder):
            x = deconvolutions(_unpool(x, switches.pop()))
        return self.score(x)[:, :, :height, :width]


def _pool(x):
    pooled, indices = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
    return pooled, (indices, x.shape[2:])


def _unpool(x, switches):
    indices, size = switches
    return F.max_unpool2d(x, indices, 2, output_size=size)
