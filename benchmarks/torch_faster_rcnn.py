"""The demo's Faster R-CNN written for PyTorch, so that a training step has something to race.

The same layers under the same names, the same settings and losses as `FasterRCNN` of
`minicv.models.detection` on the small backbone, and the same random draws, so that from the same
weights the same four losses come out; the benchmark checks that they do. Images must have the size
that the network works at. RoIAlign and suppression are torchvision's where it is there; PyTorch
alone has neither, and then they are written with what it has.

Source: Ren et al. 2015; `minicv.models.detection` says more about each stage.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

try:
    from torchvision import ops as torchvision_ops
except ImportError:
    torchvision_ops = None

WIDTH, STRIDE = 32, 8  # of the small backbone
MEAN, STD = 0.5, 0.25
RPN_WEIGHTS = (1.0, 1.0, 1.0, 1.0)  # of a proposal's offsets; the head's are a setting

Settings = dict[str, Any]  # the fields of minicv.models.detection.FasterRCNNSettings


class FasterRCNN(nn.Module):
    """``loss(images, targets, rng)`` gives the four losses."""

    def __init__(self, classes: int, settings: Settings) -> None:
        super().__init__()
        self.settings = s = settings
        per_cell = len(s["anchor_sizes"]) * len(s["aspect_ratios"])
        channels, hidden, units = 4 * WIDTH, s["rpn_channels"], s["head_units"]
        self.backbone = nn.ModuleDict({"layers": small_backbone()})
        self.rpn = nn.ModuleDict(
            {
                "conv": nn.Conv2d(channels, hidden, 3, padding=1),
                "cls_logits": nn.Conv2d(hidden, per_cell, 1),
                "bbox_pred": nn.Conv2d(hidden, 4 * per_cell, 1),
            }
        )
        self.box_head = nn.ModuleDict(
            {
                "fc6": nn.Linear(channels * s["pooled_size"] ** 2, units),
                "fc7": nn.Linear(units, units),
            }
        )
        self.box_predictor = nn.ModuleDict(
            {
                "cls_score": nn.Linear(units, classes + 1),
                "bbox_pred": nn.Linear(units, 4 * (classes + 1)),
            }
        )

    def loss(self, images, targets, rng: np.random.Generator) -> list[torch.Tensor]:
        """Objectness, boxes of the proposals, classes, boxes of the classes."""
        return self.learn_from_batch(images, targets, rng)[0]

    def learn_from_batch(self, images, targets, rng: np.random.Generator):
        """`loss`; the feature map; and for each image the sampled `Regions`."""
        s, device = self.settings, self.rpn["conv"].weight.device
        x = (torch.from_numpy(np.stack(images)).to(device) - MEAN) / STD
        true_boxes = [torch.from_numpy(target["boxes"]).to(device) for target in targets]
        true_labels = [torch.from_numpy(target["labels"]).to(device) for target in targets]
        features = self.backbone["layers"](x)  # (N, 3, H, W) -> (N, C, h, w)
        objectness, deltas = self._proposal_network(features)  # (N, M), (N, M, 4)
        anchors = _anchors(*features.shape[2:], s, device)  # (M, 4)
        loss_objectness, loss_rpn_box = _rpn_losses(objectness, deltas, anchors, true_boxes, s, rng)
        sampled = []
        for i, (boxes, labels) in enumerate(zip(true_boxes, true_labels, strict=True)):
            scores, offsets = objectness[i].detach(), deltas[i].detach()
            proposals = _propose(scores, offsets, anchors, x.shape[2:], s)
            sampled.append(region_targets(proposals, boxes, labels, s, rng))
        pooled = roi_align(features, [own.boxes for own in sampled], s["pooled_size"], s)
        losses = head_losses(self, pooled, sampled, s["head_smooth_l1_beta"])
        return [loss_objectness, loss_rpn_box, *losses], features, sampled

    def _proposal_network(self, features):
        n, _, h, w = features.shape
        hidden = F.relu(self.rpn["conv"](features))
        objectness = self.rpn["cls_logits"](hidden)  # (N, A, h, w)
        deltas = self.rpn["bbox_pred"](hidden).reshape(n, -1, 4, h, w)
        deltas = deltas.permute(0, 3, 4, 1, 2).reshape(n, -1, 4)  # -> (N, h w A, 4)
        return objectness.permute(0, 2, 3, 1).reshape(n, -1), deltas


def small_backbone() -> nn.Sequential:
    layers, channels = [], 3
    for out, stride in ((1, 2), (2, 2), (2, 1), (4, 2), (4, 1)):
        layers.append(nn.Conv2d(channels, out * WIDTH, 3, stride, padding=1, bias=False))
        layers += [nn.BatchNorm2d(out * WIDTH), nn.ReLU()]
        channels = out * WIDTH
    return nn.Sequential(*layers)


def _anchors(height: int, width: int, s: Settings, device: torch.device) -> torch.Tensor:
    root = torch.tensor(s["aspect_ratios"], device=device)[:, None] ** 0.5
    sizes = torch.tensor(s["anchor_sizes"], device=device)[None]
    half_w, half_h = (sizes / root / 2).reshape(-1), (sizes * root / 2).reshape(-1)
    around = torch.stack([-half_w, -half_h, half_w, half_h], 1)  # (A, 4)
    y, x = ((torch.arange(n, device=device) + 0.5) * STRIDE for n in (height, width))
    cy, cx = torch.meshgrid(y, x, indexing="ij")
    centres = torch.stack([cx, cy, cx, cy], -1)  # (h, w, 4)
    return (centres[:, :, None] + around).reshape(-1, 4)


def _rpn_losses(objectness, deltas, anchors, true_boxes, s, rng):
    drawn, positives, is_object, wanted = [], [], [], []
    for i, boxes in enumerate(true_boxes):
        overlaps = _iou(boxes, anchors)  # (G, M)
        best, of = overlaps.max(0)
        label = torch.full(best.shape, -1, device=best.device)
        label[best < s["rpn_negative_iou"]] = 0
        label[best >= s["rpn_positive_iou"]] = 1
        enough = overlaps.max(1, keepdim=True).values - 1e-5
        label[((overlaps >= enough) & (overlaps > 0)).any(0)] = 1
        positive, negative = _sample(label, s["rpn_samples"], s["rpn_positive_fraction"], rng)
        start = i * len(anchors)
        drawn += [positive + start, negative + start]
        positives.append(positive + start)
        is_object += [boxes.new_ones(len(positive)), boxes.new_zeros(len(negative))]
        wanted.append(_encode(boxes[of[positive]], anchors[positive], RPN_WEIGHTS))
    drawn = torch.cat(drawn)
    loss_objectness = F.binary_cross_entropy_with_logits(
        objectness.reshape(-1)[drawn], torch.cat(is_object)
    )
    found = deltas.reshape(-1, 4)[torch.cat(positives)]
    beta = s["rpn_smooth_l1_beta"]
    loss_box = F.smooth_l1_loss(found, torch.cat(wanted), reduction="sum", beta=beta)
    return loss_objectness, loss_box / len(drawn)


def _propose(objectness, deltas, anchors, image_size, s):
    best = torch.argsort(objectness, descending=True, stable=True)[: s["pre_nms_top_n_train"]]
    boxes = _decode(deltas[best], anchors[best], RPN_WEIGHTS)
    height, width = image_size
    x = boxes[:, 0::2].clamp(0, width)
    y = boxes[:, 1::2].clamp(0, height)
    boxes = torch.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], 1)
    large = ((boxes[:, 2:] - boxes[:, :2]) >= s["min_proposal_size"]).all(1)
    boxes, scores = boxes[large], torch.sigmoid(objectness[best][large])
    return boxes[_nms(boxes, scores, s["rpn_nms_threshold"])[: s["post_nms_top_n_train"]]]


class Regions(NamedTuple):
    """What the head should say of the regions drawn from one image, those with an object first.

    Attributes:
        boxes: (S, 4).
        columns: (S,) the right class, 0 for the background.
        wanted: (P, 4) offsets of those with an object.
        held: (P,) which object.
    """

    boxes: torch.Tensor
    columns: torch.Tensor
    wanted: torch.Tensor
    held: torch.Tensor


def region_targets(proposals, true_boxes, true_labels, s, rng) -> Regions:
    """Proposals and true boxes of an image, drawn."""
    candidates = torch.cat([proposals, true_boxes])
    best, of = _iou(true_boxes, candidates).max(0)
    label = torch.where(best >= s.get("head_background_floor", 0.0), 0, -1)
    label[best >= s["head_positive_iou"]] = 1
    positive, negative = _sample(label, s["head_samples"], s["head_positive_fraction"], rng)
    held = of[positive]
    columns = torch.cat([true_labels[held] + 1, torch.zeros_like(negative)])
    weights = s.get("box_weights", RPN_WEIGHTS)
    wanted = _encode(true_boxes[held], candidates[positive], weights)
    return Regions(candidates[torch.cat([positive, negative])], columns, wanted, held)


def head_losses(model: nn.Module, pooled, sampled, beta: float) -> list[torch.Tensor]:
    """Classes and boxes of the regions (S, C, h, w), by ``box_head`` and ``box_predictor``."""
    units = F.relu(model.box_head["fc6"](pooled.flatten(1)))
    units = F.relu(model.box_head["fc7"](units))  # (S, units)
    logits = model.box_predictor["cls_score"](units)  # (S, K+1)
    offsets = model.box_predictor["bbox_pred"](units).reshape(*logits.shape, 4)
    columns = torch.cat([own.columns for own in sampled])
    wanted = torch.cat([own.wanted for own in sampled])
    positive = torch.nonzero(columns > 0)[:, 0]
    chosen = offsets[positive, columns[positive]]
    loss_box = F.smooth_l1_loss(chosen, wanted, reduction="sum", beta=beta)
    return [F.cross_entropy(logits, columns), loss_box / len(columns)]


def _sample(labels, count, positive_fraction, rng):
    """NumPy draws, so that both sides draw the same; it is a thousandth of a step."""

    def draw(indices, at_most):
        if len(indices) > at_most:
            indices = rng.choice(indices, size=at_most, replace=False, shuffle=False)
        return np.sort(indices)

    device, labels = labels.device, labels.cpu().numpy()
    positive = draw(np.flatnonzero(labels > 0), math.floor(count * positive_fraction + 0.5))
    negative = draw(np.flatnonzero(labels == 0), count - len(positive))
    return torch.from_numpy(positive).to(device), torch.from_numpy(negative).to(device)


def _iou(first, second):
    lower = torch.minimum(first[:, None, 2:], second[:, 2:])
    upper = torch.maximum(first[:, None, :2], second[:, :2])
    shared = (lower - upper).clamp(min=0).prod(2)  # (G, M)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (first, second)]
    return shared / (areas[0][:, None] + areas[1] - shared)


def _encode(boxes, proposals, weights):
    size, from_size = boxes[:, 2:] - boxes[:, :2], proposals[:, 2:] - proposals[:, :2]
    moved = (boxes[:, :2] + size / 2 - proposals[:, :2] - from_size / 2) / from_size
    return torch.cat([moved, torch.log(size / from_size)], 1) * boxes.new_tensor(weights)


def _decode(deltas, proposals, weights):
    deltas = deltas / deltas.new_tensor(weights)
    size = proposals[:, 2:] - proposals[:, :2]
    centre = deltas[:, :2] * size + proposals[:, :2] + size / 2
    half = size * torch.exp(deltas[:, 2:].clamp(max=math.log(1000 / 16))) / 2
    return torch.cat([centre - half, centre + half], 1)


def _nms(boxes, scores, threshold):
    if torchvision_ops is not None:
        return torchvision_ops.nms(boxes, scores, threshold)
    # Boxes come best first. All overlaps at once, then one row of them for each box that is kept.
    rivals = (_iou(boxes, boxes) > threshold).cpu().numpy()
    standing, kept = np.ones(len(boxes), dtype=bool), []
    for index, rivals_of_index in enumerate(rivals):
        if standing[index]:
            kept.append(index)
            standing &= ~rivals_of_index
    return torch.tensor(kept, device=boxes.device)


def roi_align(features, boxes, size, s):
    """The map (N, C, h, w) and the boxes of each image -> (R, C, size, size)."""
    samples = s["sampling_ratio"]
    if torchvision_ops is not None:
        return torchvision_ops.roi_align(features, boxes, size, 1 / STRIDE, samples, aligned=True)
    # A bin is a weighted sum of cells, four around each of its samples: an embedding bag.
    n, c, h, w = features.shape
    image = torch.cat([b.new_full((len(b),), i, dtype=torch.long) for i, b in enumerate(boxes)])
    boxes = torch.cat(boxes) / STRIDE - 0.5
    steps = (torch.arange(samples * size, device=boxes.device) + 0.5) / (samples * size)
    index, share = [], []
    for start, end, length in ((1, 3, h), (0, 2, w)):
        place = boxes[:, start, None] + steps * (boxes[:, end] - boxes[:, start])[:, None]
        outside = (place < -1) | (place > length)
        place = place.clamp(0, length - 1)
        low = place.long().clamp(max=max(length - 2, 0))
        high = (low + 1).clamp(max=length - 1)
        part = place - low
        weight = torch.stack([1 - part, part], -1) * ~outside[..., None]
        # (R, bins · samples, 2) -> (R, bins, 2 · samples): each sample lies between two cells
        index.append(torch.stack([low, high], -1).reshape(-1, size, 2 * samples))
        share.append(weight.reshape(-1, size, 2 * samples) / samples)
    rows = image[:, None, None, None, None] * h + index[0][:, :, None, :, None]
    cells = rows * w + index[1][:, None, :, None, :]  # (R, 7, 7, 2 · samples, 2 · samples)
    weights = share[0][:, :, None, :, None] * share[1][:, None, :, None, :]
    table = features.permute(0, 2, 3, 1).reshape(n * h * w, c)
    bags = F.embedding_bag(
        cells.flatten(0, 2).flatten(1),
        table,
        mode="sum",
        per_sample_weights=weights.flatten(0, 2).flatten(1),
    )
    return bags.reshape(-1, size, size, c).permute(0, 3, 1, 2)
