"""One answer for a whole picture: classifier, DeepPose, autoencoder; and how pictures come in."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.torch_networks.backbones import ConvNet, EfficientNetLite0, ResNet18, Small

BACKBONES = {"conv_net": ConvNet, "resnet18": ResNet18, "efficientnet_lite0": EfficientNetLite0}


def normalised(images, normalisation) -> torch.Tensor:
    """Images (3, H, W) of one size -> (N, 3, H, W), less the mean, over the deviation."""
    mean, std = (torch.tensor(normalisation[name])[:, None, None] for name in ("mean", "std"))
    return (torch.from_numpy(np.stack(images)) - mean) / std


class Classifier(nn.Module):
    """A backbone, the mean of its map, and a linear layer."""

    def __init__(self, classes: int, backbone: str) -> None:
        super().__init__()
        self.backbone = BACKBONES[backbone]()
        self.fc = nn.Linear(self.backbone.out_channels[-1], classes)

    def loss(self, images, targets, rng) -> list[torch.Tensor]:
        """The mean cross entropy of the images."""
        labels = torch.tensor([target["label"] for target in targets])
        features = self.backbone(normalised(images, self.backbone.normalisation))[-1]
        return [F.cross_entropy(self.fc(features.mean((2, 3))), labels)]


class DeepPose(nn.Module):
    """The first stage: from the whole picture to the place of each joint."""

    def __init__(self, joints: int, pooled_size: int, units: int) -> None:
        super().__init__()
        self.backbone = Small((16,))
        inputs = self.backbone.out_channels[-1] * pooled_size**2
        hidden = {"fc6": nn.Linear(inputs, units), "fc7": nn.Linear(units, units)}
        places = nn.Linear(units, 2 * joints)
        self.head = nn.ModuleDict({"hidden": nn.ModuleDict(hidden), "places": places})
        self.pooled_size = pooled_size

    def loss(self, images, targets, rng) -> list[torch.Tensor]:
        """The mean squared error of the annotated joints, in parts of the picture."""
        joints = np.stack([target["joints"] for target in targets])  # (N, J, 3)
        height, width = images[0].shape[1:]
        truth = (joints[..., :2] / (width, height) - 0.5).astype(np.float32)
        known = torch.from_numpy(joints[..., 2] > 0)
        (features,) = self.backbone(normalised(images, self.backbone.normalisation))
        grid = F.adaptive_avg_pool2d(features, self.pooled_size).flatten(1)
        hidden = self.head["hidden"]
        units = F.relu(hidden["fc7"](F.relu(hidden["fc6"](grid), inplace=True)), inplace=True)
        places = self.head["places"](units).reshape(len(images), -1, 2)
        return [F.mse_loss(places[known], torch.from_numpy(truth)[known])]


class ConvAutoencoder(nn.Module):
    """Convolutions of stride 2 down to the code, transposed ones back."""

    def __init__(self, shape, widths, code: int) -> None:
        super().__init__()
        channels, side = shape[0], shape[1]
        self.sides = [side]
        for _ in widths:
            self.sides.append(-(-self.sides[-1] // 2))
        features = widths[-1] * self.sides[-1] ** 2
        self.encoder, self.decoder = (
            nn.ModuleDict({"convolutions": nn.ModuleList(), "norms": nn.ModuleList()})
            for _ in range(2)
        )
        for before, after in zip((channels, *widths), widths, strict=False):
            self.encoder["convolutions"].append(
                nn.Conv2d(before, after, 3, 2, padding=1, bias=False)
            )
            self.encoder["norms"].append(nn.BatchNorm2d(after))
        self.to_code, self.from_code = nn.Linear(features, code), nn.Linear(code, features)
        self.decoder["norm"] = nn.BatchNorm2d(widths[-1])
        upwards = (*widths[::-1], channels)
        for level, (before, after) in enumerate(pairwise(upwards), start=1):
            last = level == len(widths)
            self.decoder["convolutions"].append(
                nn.ConvTranspose2d(before, after, 4, 2, padding=1, bias=last)
            )
            if not last:
                self.decoder["norms"].append(nn.BatchNorm2d(after))

    def loss(self, images, targets, rng) -> list[torch.Tensor]:
        """The mean squared error of the pixels; pictures are as many channels as the network."""
        x = torch.from_numpy(np.stack(images))
        return [F.mse_loss(torch.sigmoid(self(x)), x)]

    def forward(self, x):
        h = x
        for convolution, norm in zip(*self.encoder.values(), strict=True):
            h = F.relu(norm(convolution(h)), inplace=True)
        last = h.shape
        h = self.from_code(self.to_code(h.flatten(1))).reshape(last)
        h = F.relu(self.decoder["norm"](h), inplace=True)
        norms = iter(self.decoder["norms"])
        for side, convolution in zip(self.sides[-2::-1], self.decoder["convolutions"], strict=True):
            h = convolution(h)[:, :, :side, :side]
            norm = next(norms, None)
            if norm is not None:
                h = F.relu(norm(h), inplace=True)
        return h
