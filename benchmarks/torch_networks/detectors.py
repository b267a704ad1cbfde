"""Fast R-CNN, SPP-net's head and Mask R-CNN on the small backbone's map of stride 8.

RoI pooling is torchvision's where it is there. PyTorch alone pools region by region, each from its
window of the map, by `torch.nn.functional.adaptive_max_pool2d`.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks import inputs
from benchmarks.torch_faster_rcnn import (
    STRIDE,
    WIDTH,
    FasterRCNN,
    head_losses,
    region_targets,
    roi_align,
    small_backbone,
    torchvision_ops,
)
from benchmarks.torch_networks.backbones import HALVES
from benchmarks.torch_networks.pictures import normalised

Settings = dict[str, Any]
CHANNELS = 4 * WIDTH


class FastRCNN(nn.Module):
    """Given proposals, one map for all regions, two losses."""

    def __init__(self, classes: int, settings: Settings, proposals: int) -> None:
        super().__init__()
        self.settings, self.proposals = settings, proposals
        units, bins = settings["head_units"], settings["pooled_size"] ** 2
        self.backbone = nn.ModuleDict({"layers": small_backbone()})
        self.box_head = _two_layers(CHANNELS * bins, units)
        self.box_predictor = nn.ModuleDict(
            {
                "cls_score": nn.Linear(units, classes + 1),
                "bbox_pred": nn.Linear(units, 4 * (classes + 1)),
            }
        )

    def loss(self, images, targets, rng) -> list[torch.Tensor]:
        """Classes, and boxes of the classes."""
        s = self.settings
        features = self.backbone["layers"](normalised(images, HALVES))
        sampled = _sampled(targets, images[0].shape[1:], self.proposals, s, rng)
        pooled = roi_pool(features, [own.boxes for own in sampled], s["pooled_size"], 1 / STRIDE)
        return head_losses(self, pooled, sampled, s["head_smooth_l1_beta"])


class SPPNet(nn.Module):
    """The convolutions stay as they are; the head learns upon a pyramid of each region."""

    def __init__(self, classes: int, settings: Settings, proposals: int) -> None:
        super().__init__()
        self.settings, self.proposals = settings, proposals
        bins = sum(level**2 for level in settings["pyramid"])
        self.backbone = nn.ModuleDict({"layers": small_backbone()}).requires_grad_(False)
        self.box_head = _two_layers(CHANNELS * bins, settings["head_units"])
        self.cls_score = nn.Linear(settings["head_units"], classes + 1)

    def loss(self, images, targets, rng) -> list[torch.Tensor]:
        """Classes."""
        s = self.settings
        sampled = _sampled(targets, images[0].shape[1:], self.proposals, s, rng)
        self.backbone.eval()
        with torch.no_grad():
            # Image by image, for in general they differ in size.
            pooled = torch.cat([self._pooled(image, own) for image, own in
                                zip(images, sampled, strict=True)])  # fmt: skip
        units = F.relu(self.box_head["fc6"](pooled))
        logits = self.cls_score(F.relu(self.box_head["fc7"](units)))
        return [F.cross_entropy(logits, torch.cat([own.columns for own in sampled]))]

    def _pooled(self, image, sampled):
        features = self.backbone["layers"](normalised([image], HALVES))
        cells = [_cells(sampled.boxes, features.shape[2:])]
        levels = [roi_pool(features, cells, level, 1.0) for level in self.settings["pyramid"]]
        return torch.cat([level.flatten(1) for level in levels], 1)


class MaskRCNN(FasterRCNN):
    """The demo's Faster R-CNN with a mask for each region that holds an object."""

    def __init__(self, classes: int, settings: Settings) -> None:
        super().__init__(classes, settings)
        layers, before = {}, CHANNELS
        for number, after in enumerate(settings["mask_channels"], start=1):
            layers[f"mask_fcn{number}"] = nn.Conv2d(before, after, 3, padding=1)
            before = after
        wide = settings["mask_predictor_channels"]
        self.mask_head = nn.ModuleDict(layers)
        self.mask_predictor = nn.ModuleDict(
            {
                "conv5_mask": nn.ConvTranspose2d(before, wide, 2, 2),
                "mask_fcn_logits": nn.Conv2d(wide, classes + 1, 1),
            }
        )

    def loss(self, images, targets, rng) -> list[torch.Tensor]:
        """The four of Faster R-CNN, and the masks of the true classes."""
        s = self.settings
        losses, features, sampled = self.learn_from_batch(images, targets, rng)
        boxes = [own.boxes[: len(own.wanted)] for own in sampled]
        x = roi_align(features, boxes, s["mask_pooled_size"], s)
        for convolution in self.mask_head.values():
            x = F.relu(convolution(x), inplace=True)
        x = F.relu(self.mask_predictor["conv5_mask"](x), inplace=True)
        logits = self.mask_predictor["mask_fcn_logits"](x)  # (P, K+1, M, M)
        columns = torch.cat([own.columns[: len(own.wanted)] for own in sampled])
        truth = torch.cat(
            [
                mask_targets(torch.from_numpy(target["masks"])[own.held], where, logits.shape[-1])
                for target, own, where in zip(targets, sampled, boxes, strict=True)
            ]
        )
        chosen = logits[torch.arange(len(columns)), columns]
        return [*losses, F.binary_cross_entropy_with_logits(chosen, truth)]


def _two_layers(inputs: int, units: int) -> nn.ModuleDict:
    return nn.ModuleDict({"fc6": nn.Linear(inputs, units), "fc7": nn.Linear(units, units)})


def _sampled(targets, size, proposals: int, s: Settings, rng):
    """The regions of each image, drawn from the given proposals."""
    sampled = []
    for index, target in enumerate(targets):
        given = torch.from_numpy(inputs.proposals(index, proposals, size))
        true = torch.from_numpy(target["boxes"]), torch.from_numpy(target["labels"])
        sampled.append(region_targets(given, *true, s, rng))
    return sampled


def _cells(boxes, size) -> torch.Tensor:
    """The first and last cell of each box whose centre lies in it (He et al. 2014, appendix A)."""
    first = torch.floor(boxes[:, :2] / STRIDE) + 1
    last = torch.ceil(boxes[:, 2:] / STRIDE) - 1
    middle = torch.floor((boxes[:, :2] + boxes[:, 2:]) / (2 * STRIDE) + 0.5)
    empty = last < first
    cells = torch.cat([torch.where(empty, middle, first), torch.where(empty, middle, last)], 1)
    most = torch.tensor([size[1] - 1, size[0] - 1] * 2)
    return torch.minimum(cells.clamp(min=0), most)


def roi_pool(features, boxes, size: int, scale: float) -> torch.Tensor:
    """The map (N, C, h, w), not negative, and the boxes of each image -> (R, C, size, size)."""
    if torchvision_ops is not None:
        return torchvision_ops.roi_pool(features, boxes, size, scale)
    # A box at the edge of the picture ends one cell beyond the map; a bin there is 0.
    padded = F.pad(features, (0, 1, 0, 1))
    pooled = []
    for own, regions in zip(padded, boxes, strict=True):
        for x1, y1, x2, y2 in torch.floor(regions * scale + 0.5).long().tolist():
            window = own[:, y1 : max(y2, y1) + 1, x1 : max(x2, x1) + 1]
            pooled.append(F.adaptive_max_pool2d(window, size))
    return torch.stack(pooled)


def mask_targets(masks, boxes, size: int) -> torch.Tensor:
    """(P, H, W) bool and (P, 4): how much of each of size x size bins of a box its mask covers.

    RoIAlign with about one sample a pixel. Along rows and columns the means are independent, so a
    target is a product of three matrices.
    """
    rows, columns = (
        _means(boxes[:, axis], boxes[:, axis + 2], size, masks.shape[2 - axis]) for axis in (1, 0)
    )
    return rows @ masks.float() @ columns.transpose(1, 2)


def _means(start, end, bins: int, length: int) -> torch.Tensor:
    """(P, bins, length): the weights of the pixels in the mean of each bin."""
    start, end = start.double() - 0.5, end.double() - 0.5
    width = (end - start) / bins
    samples = torch.ceil(width).clamp(min=1)
    step = torch.arange(int(samples.max()) if len(samples) else 1)
    inner = (step + 0.5) / samples[:, None]  # (P, S)
    places = (
        start[:, None, None] + (torch.arange(bins)[:, None] + inner[:, None]) * width[:, None, None]
    )  # (P, bins, S)
    counted = (step < samples[:, None])[:, None] & (places >= -1) & (places <= length)
    places = places.clamp(0, length - 1)
    before = places.long()
    share = places - before
    weights = places.new_zeros(*places.shape[:2], length)
    for cell, part in ((before, 1 - share), ((before + 1).clamp(max=length - 1), share)):
        weights.scatter_add_(2, cell, part * counted / samples[:, None, None])
    return weights.float()
