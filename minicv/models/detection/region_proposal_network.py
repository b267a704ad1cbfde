"""The region proposal network: at every cell of the feature map, is there an object, and where?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import Array, xp_of
from minicv.nn import Conv2d, Module
from minicv.nn import initializers as init
from minicv.vision.boxes import clip_boxes_to_image, decode_boxes, remove_small_boxes
from minicv.vision.nms import nms


class RPNHead(Module):
    """A 3x3 convolution, then two 1x1: one score and four offsets for each of A anchors.

    Source: Ren et al. 2015, section 3.1 and figure 3. One logit an anchor with the logistic loss,
    as torchvision has it, instead of the paper's two-way softmax; the two are equivalent.
    """

    def __init__(
        self, in_channels: int, channels: int, anchors_per_cell: int, *, rng: np.random.Generator
    ) -> None:
        super().__init__()
        self.conv = Conv2d(in_channels, channels, 3, padding=1, rng=rng)
        self.cls_logits = Conv2d(channels, anchors_per_cell, 1, rng=rng)
        self.bbox_pred = Conv2d(channels, 4 * anchors_per_cell, 1, rng=rng)
        for layer in (self.conv, self.cls_logits, self.bbox_pred):
            layer.weight.data = init.normal(layer.weight.shape, rng, std=0.01)
            layer.bias.data = init.constant(layer.bias.shape, 0.0)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, h, w) -> objectness logits (N, h*w*A) and box offsets (N, h*w*A, 4).

        The order of anchors is that of `minicv.vision.anchors`: cell by cell, row by row.
        """
        hidden = F.relu(self.conv(features))  # (N, C, h, w) -> (N, channels, h, w)
        objectness = self.cls_logits(hidden)  # -> (N, A, h, w)
        deltas = self.bbox_pred(hidden)  # -> (N, 4A, h, w)
        n, a, h, w = objectness.shape
        objectness = objectness.permute(0, 2, 3, 1).reshape(n, h * w * a)
        deltas = deltas.reshape(n, a, 4, h, w).permute(0, 3, 4, 1, 2).reshape(n, h * w * a, 4)
        return objectness, deltas


class Proposals(NamedTuple):
    """The proposals of one image, and what they were chosen from.

    Attributes:
        boxes: (R, 4), best first, in the pixels of the batch.
        scores: (R,) probabilities.
        boxes_before_nms: (P, 4), clipped, best first.
        scores_before_nms: (P,).
    """

    boxes: Array
    scores: Array
    boxes_before_nms: Array
    scores_before_nms: Array


def propose(
    objectness: Array,
    deltas: Array,
    anchors: Array,
    image_size: tuple[int, int],
    *,
    pre_nms_top_n: int,
    post_nms_top_n: int,
    nms_threshold: float,
    min_size: float,
) -> Proposals:
    """Turn the scores and offsets of one image into a few hundred boxes. A constant, no gradient.

    Sort by score and keep the best; no anchor is dropped for being "background", because the order
    is all that is known before the detector has seen the regions.

    Args:
        objectness: (M,) logits, one for each anchor.
        deltas: (M, 4) offsets from the anchors.
        anchors: (M, 4).
        image_size: height and width that boxes are clipped to.
        pre_nms_top_n, post_nms_top_n: how many are kept before and after suppression.
        nms_threshold: overlap above which the lower of two falls.
        min_size: boxes with a shorter side are dropped, pixels.

    Source: Ren et al. 2015, section 3.3.
    """
    xp = xp_of(objectness, deltas, anchors)
    best = xp.argsort(-objectness, kind="stable")[:pre_nms_top_n]  # (P,)
    boxes = decode_boxes(deltas[best], anchors[best])  # (P, 4)
    boxes = clip_boxes_to_image(boxes, image_size)
    scores = 1 / (1 + xp.exp(-xp.clip(objectness[best], -50, 50)))
    large = remove_small_boxes(boxes, min_size)
    boxes, scores = boxes[large], scores[large]
    kept = nms(boxes, scores, nms_threshold)[:post_nms_top_n]  # (R,)
    return Proposals(boxes[kept], scores[kept], boxes, scores)
