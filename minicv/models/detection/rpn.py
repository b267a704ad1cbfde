"""The region proposal network: at every cell of the feature map, is there an object, and where?

The network gives a score and four offsets for each anchor (`RPNHead`). The best anchors, moved by
their offsets, become boxes (`propose`); of boxes that overlap much the best stays (`suppress`). In
training, `anchor_targets` draws anchors and gives their true scores and offsets, and `rpn_loss`
compares these with the network's.

Source: Ren et al., Faster R-CNN, 2015, section 3.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import Array, xp_of
from minicv.models.detection.roi_heads import draw_weights
from minicv.nn import Conv2d, Module
from minicv.vision.boxes import (
    batched_nms,
    clip_boxes_to_image,
    decode_boxes,
    encode_boxes,
    remove_small_boxes,
)
from minicv.vision.matching import Matcher, balanced_sample


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
            draw_weights(layer, 0.01, rng)

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


class RPNOutput(NamedTuple):
    """The output of the proposal network for the M anchors of N images.

    Attributes:
        objectness: (N, M) logits.
        deltas: (N, M, 4) offsets.
        anchors: (M, 4), the same for every image, level after level.
        shapes: of each level (h, w, A): its rows and columns of cells, and anchors at each.
    """

    objectness: Tensor
    deltas: Tensor
    anchors: Array
    shapes: list[tuple[int, int, int]]

    @property
    def counts(self) -> list[int]:
        """How many of the M anchors each level has."""
        return [h * w * a for h, w, a in self.shapes]


class Proposals(NamedTuple):
    """Boxes of one image that may hold an object.

    Attributes:
        boxes: (R, 4), best first, in the pixels of the batch; before suppression best first within
            each level.
        scores: (R,) probabilities.
        levels: (R,) the map that each comes from, 0 for the finest.
        anchors: (R,) the anchor that each was, 0..M-1.
    """

    boxes: Array
    scores: Array
    levels: Array
    anchors: Array


def propose(
    objectness: Array,
    deltas: Array,
    anchors: Array,
    counts: Sequence[int],
    image_size: tuple[int, int],
    *,
    pre_nms_top_n: int,
    min_size: float,
) -> Proposals:
    """The best anchors of each level of one image, moved by their offsets. A constant, without a
    gradient.

    There is no threshold on the scores: they only order the anchors, and the head decides later
    which regions are background.

    Args:
        objectness: (M,) logits, one for each anchor.
        deltas: (M, 4) offsets from the anchors.
        anchors: (M, 4), level after level.
        counts: how many anchors each level has, M in all.
        image_size: height and width that boxes are clipped to.
        pre_nms_top_n: how many anchors of a level are taken, the best ones.
        min_size: boxes with a shorter side are dropped, pixels.

    Source: Ren et al. 2015, section 3.3; with several levels Lin et al. 2017, section 4.1.

    >>> anchors = np.array([[0.0, 0.0, 8.0, 8.0], [4.0, 4.0, 12.0, 12.0]])
    >>> found = propose(np.array([-1.0, 0.0]), np.zeros((2, 4)), anchors, [2], (10, 10),
    ...                 pre_nms_top_n=1, min_size=2.0)
    >>> found.boxes.tolist(), found.scores.tolist(), found.levels.tolist(), found.anchors.tolist()
    ([[4.0, 4.0, 10.0, 10.0]], [0.5], [0], [1])
    """
    xp = xp_of(objectness, deltas, anchors)
    starts = [0, *itertools.accumulate(counts)]
    best_of_levels = [
        start + xp.argsort(-objectness[start:end], kind="stable")[:pre_nms_top_n]
        for start, end in itertools.pairwise(starts)
    ]
    best = xp.concatenate(best_of_levels)  # (P,)
    levels = xp.concatenate(
        [xp.full(len(own), level, xp.int64) for level, own in enumerate(best_of_levels)]
    )
    boxes = decode_boxes(deltas[best], anchors[best])  # (P, 4)
    boxes = clip_boxes_to_image(boxes, image_size)
    scores = 1 / (1 + xp.exp(-xp.clip(objectness[best], -50, 50)))
    large = remove_small_boxes(boxes, min_size)
    return Proposals(boxes[large], scores[large], levels[large], best[large])


def suppress(proposals: Proposals, *, nms_threshold: float, post_nms_top_n: int) -> Proposals:
    """Of boxes of a level that overlap by more than the threshold, the best; at most
    ``post_nms_top_n`` boxes of all levels.

    >>> boxes = np.array([[0.0, 0.0, 8.0, 8.0], [0.0, 1.0, 8.0, 8.0], [8.0, 0.0, 12.0, 8.0]])
    >>> proposals = Proposals(boxes, np.array([0.9, 0.8, 0.7]), np.zeros(3, int), np.arange(3))
    >>> found = suppress(proposals, nms_threshold=0.7, post_nms_top_n=300)
    >>> found.scores.tolist(), found.anchors.tolist()
    ([0.9, 0.7], [0, 2])
    """
    boxes, scores, levels, _ = proposals
    kept = batched_nms(boxes, scores, levels, nms_threshold)[:post_nms_top_n]  # (R,)
    return Proposals(*(part[kept] for part in proposals))


class AnchorTargets(NamedTuple):
    """The right output of the proposal network for the anchors that were drawn.

    Attributes:
        index: (S,) the drawn anchors, positives first.
        is_object: (S,) 1.0 for positives, 0.0 for background.
        deltas: (P, 4) the offsets that the first P, the positives, should have.
    """

    index: Array
    is_object: Array
    deltas: Array


def anchor_targets(
    anchors: Array,
    target_boxes: Array,
    matcher: Matcher,
    count: int,
    positive_fraction: float,
    rng: np.random.Generator,
) -> AnchorTargets:
    """Draw ``count`` anchors of one image and say what they should predict.

    An image without objects gives background alone. Targets are plain arrays, without a gradient.

    Args:
        anchors: (M, 4).
        target_boxes: (G, 4), the true boxes.
        matcher: which anchors hold an object, and which are background.
        count: S, unless there are fewer.
        positive_fraction: the share of S that positives have at most.
        rng: draws.

    Source: Ren et al. 2015, sections 3.1.2 and 3.1.3.
    """
    xp = xp_of(anchors, target_boxes)
    matches = matcher(target_boxes, anchors)
    positive, negative = balanced_sample(matches.label, count, positive_fraction, rng)
    matched = target_boxes[matches.target_index[positive]]  # (P, 4)
    return AnchorTargets(
        index=xp.concatenate([positive, negative]),
        is_object=(xp.arange(len(positive) + len(negative)) < len(positive)).astype(anchors.dtype),
        deltas=encode_boxes(matched, anchors[positive]),
    )


def rpn_loss(
    objectness: Tensor, deltas: Tensor, sampled: Sequence[AnchorTargets], beta: float
) -> tuple[Tensor, Tensor]:
    """The objectness loss of all sampled anchors, and the box loss of the positive ones.

    Args:
        objectness: (N, M) logits.
        deltas: (N, M, 4) offsets.
        sampled: for each image what was drawn, S anchors in all, P of them positive.
        beta: the error at which smooth L1 turns from a parabola into a line.

    Returns:
        the logistic loss, and smooth L1 summed over the positives. Both are divided by S and not by
        P, so that an image with a single object does not weigh as much as one with many.

    Source: Ren et al. 2015, equation 1.
    """
    xp = xp_of(objectness.data)
    n, m = objectness.shape
    drawn = xp.concatenate([i * m + t.index for i, t in enumerate(sampled)])  # (S,)
    positive = xp.concatenate(
        [i * m + t.index[: len(t.deltas)] for i, t in enumerate(sampled)]
    )  # (P,)
    is_object = xp.concatenate([t.is_object for t in sampled])  # (S,)
    wanted = xp.concatenate([t.deltas for t in sampled])  # (P, 4)
    loss_objectness = F.binary_cross_entropy_with_logits(
        objectness.reshape(n * m)[drawn], is_object
    )
    loss_box = F.smooth_l1(deltas.reshape(n * m, 4)[positive], wanted, beta=beta, reduction="sum")
    return loss_objectness, loss_box / max(len(drawn), 1)
