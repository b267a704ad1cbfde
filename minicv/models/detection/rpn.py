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
from minicv.backend import Array, kernels_of, xp_of
from minicv.backend.device import sent_together
from minicv.backend.ranking import best_first
from minicv.models.detection.roi_heads import draw_weights
from minicv.nn import Conv2d, Module
from minicv.vision.boxes import encode_boxes
from minicv.vision.matching import Matcher, balanced_samples


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


class Candidates(NamedTuple):
    """The best P anchors of each of N images, moved by their offsets.

    Attributes:
        boxes: (N, P, 4), level after level, best first within each level.
        scores: (N, P) probabilities.
        levels: (P,) the map that each comes from.
        anchors: (N, P) the anchor that each was, 0..M-1.
        large: (N, P) whether the box is large enough to be a proposal. Were the others left out
            here, each image would have a number of its own, for which a GPU's host must wait.
    """

    boxes: Array
    scores: Array
    levels: Array
    anchors: Array
    large: Array

    def of_image(self, number: int) -> Proposals:
        """Those of one image that are large enough; on a GPU the host waits."""
        large = xp_of(self.large).flatnonzero(self.large[number])
        return Proposals(
            self.boxes[number][large],
            self.scores[number][large],
            self.levels[large],
            self.anchors[number][large],
        )


def propose(
    objectness: Array,
    deltas: Array,
    anchors: Array,
    counts: Sequence[int],
    image_sizes: Sequence[tuple[int, int]],
    *,
    pre_nms_top_n: int,
    min_size: float,
) -> Candidates:
    """The best anchors of each level, moved by their offsets. A constant, without a gradient.

    There is no threshold on the scores: they only order the anchors, and the head decides later
    which regions are background.

    Args:
        objectness: (N, M) logits of N images, one for each anchor.
        deltas: (N, M, 4) offsets from the anchors.
        anchors: (M, 4), level after level.
        counts: how many anchors each level has, M in all.
        image_sizes: height and width that the boxes of each image are clipped to.
        pre_nms_top_n: how many anchors of a level are taken, the best ones.
        min_size: boxes with a shorter side are too small, pixels.

    Source: Ren et al. 2015, section 3.3; with several levels Lin et al. 2017, section 4.1.

    >>> anchors = np.array([[0.0, 0.0, 8.0, 8.0], [4.0, 4.0, 12.0, 12.0]])
    >>> found = propose(np.array([[-1.0, 0.0]]), np.zeros((1, 2, 4)), anchors, [2], [(10, 10)],
    ...                 pre_nms_top_n=1, min_size=2.0)
    >>> found.boxes.tolist(), found.scores.tolist(), found.levels.tolist(), found.anchors.tolist()
    ([[[4.0, 4.0, 10.0, 10.0]]], [[0.5]], [0], [[1]])
    """
    xp = xp_of(objectness, deltas, anchors)
    starts = [0, *itertools.accumulate(counts)]
    best_of_levels = [
        start + best_first(objectness[:, start:end], pre_nms_top_n)
        for start, end in itertools.pairwise(starts)
    ]
    best = best_of_levels[0] if len(counts) == 1 else xp.concatenate(best_of_levels, 1)  # (N, P)
    levels = np.repeat(np.arange(len(counts)), [own.shape[1] for own in best_of_levels])
    dtype = xp.result_type(objectness, deltas, anchors, np.float32)  # at least
    numbers = (array.astype(dtype, copy=False) for array in (objectness, deltas, anchors))
    boxes, scores, large = kernels_of(objectness).decode_candidates(
        *numbers, best, list(image_sizes), min_size
    )
    return Candidates(boxes, scores, xp.asarray(levels), best, large)


def suppress(
    candidates: Candidates, *, nms_threshold: float, post_nms_top_n: int
) -> list[Proposals]:
    """Of boxes of a level that overlap by more than the threshold, the best; at most
    ``post_nms_top_n`` boxes of all levels of an image.

    On a GPU the host waits once, to learn how many boxes each image has left.

    >>> boxes = np.array([[[0.0, 0.0, 8.0, 8.0], [0.0, 1.0, 8.0, 8.0], [8.0, 0.0, 12.0, 8.0]]])
    >>> candidates = Candidates(boxes, np.array([[0.9, 0.8, 0.7]]), np.zeros(3, int),
    ...                         np.arange(3)[None], np.ones((1, 3), bool))
    >>> (found,) = suppress(candidates, nms_threshold=0.7, post_nms_top_n=300)
    >>> found.scores.tolist(), found.anchors.tolist()
    ([0.9, 0.7], [0, 2])
    """
    boxes, scores, levels, anchors, large = candidates
    xp, (images, count, _) = xp_of(boxes), boxes.shape
    kept, kept_counts = kernels_of(boxes).nms_of_images(
        boxes, scores, levels, large, nms_threshold, post_nms_top_n
    )  # (N, R)
    # All images together, as one of N P boxes.
    rows = kept + count * xp.arange(images)[:, None]
    arrays = (boxes.reshape(-1, 4)[rows], scores.reshape(-1)[rows], levels[kept])
    parts = (*arrays, anchors.reshape(-1)[rows])
    return [
        Proposals(*(part[image, :own] for part in parts)) for image, own in enumerate(kept_counts)
    ]


class AnchorTargets(NamedTuple):
    """The right output of the proposal network for the anchors that were drawn in N images.

    Attributes:
        index: (S,) the drawn anchors, numbered among the N M anchors of all images; of each image
            positives first.
        is_object: (S,) 1.0 for positives, 0.0 for background.
        positive: (P,) the positives among the drawn anchors, numbered in the same way.
        deltas: (P, 4) the offsets that the positives should have.
    """

    index: Array
    is_object: Array
    positive: Array
    deltas: Array


def anchor_targets(
    anchors: Array,
    target_boxes: Array,
    target_counts: Sequence[int],
    matcher: Matcher,
    count: int,
    positive_fraction: float,
    rng: np.random.Generator,
) -> AnchorTargets:
    """Draw ``count`` anchors of each image and say what they should predict.

    An image without objects gives background alone. Targets are plain arrays, without a gradient.
    On a GPU the host waits once for all images.

    Args:
        anchors: (M, 4), of every image.
        target_boxes: (G, 4), the true boxes of all images, image by image.
        target_counts: how many of them each image has.
        matcher: which anchors hold an object, and which are background.
        count: of each image, unless there are fewer.
        positive_fraction: the share of ``count`` that positives have at most.
        rng: draws.

    Source: Ren et al. 2015, sections 3.1.2 and 3.1.3.
    """
    xp, m = xp_of(anchors, target_boxes), len(anchors)
    matches = matcher.match_images(target_boxes, target_counts, anchors)
    lengths = [m] * len(target_counts)
    drawn = balanced_samples(matches.label, lengths, count, positive_fraction, rng)
    is_object = np.zeros(len(drawn.rows), anchors.dtype)
    is_object[drawn.places] = 1
    chosen = drawn.rows[drawn.places]  # (P,)
    rows, positive, own = sent_together([drawn.rows, chosen, chosen % max(m, 1)], like=anchors)
    matched = target_boxes[matches.target_index[positive]]  # (P, 4)
    deltas = encode_boxes(matched, anchors[own])
    return AnchorTargets(rows, xp.asarray(is_object), positive, deltas)


def rpn_loss(
    objectness: Tensor, deltas: Tensor, sampled: AnchorTargets, beta: float
) -> tuple[Tensor, Tensor]:
    """The objectness loss of all sampled anchors, and the box loss of the positive ones.

    Args:
        objectness: (N, M) logits.
        deltas: (N, M, 4) offsets.
        sampled: what was drawn, S anchors, P of them positive.
        beta: the error at which smooth L1 turns from a parabola into a line.

    Returns:
        the logistic loss, and smooth L1 summed over the positives. Both are divided by S and not by
        P, so that an image with a single object does not weigh as much as one with many.

    Source: Ren et al. 2015, equation 1.
    """
    n, m = objectness.shape
    loss_objectness = F.binary_cross_entropy_with_logits(
        objectness.reshape(n * m)[sampled.index], sampled.is_object
    )
    found = deltas.reshape(n * m, 4)[sampled.positive]  # (P, 4)
    loss_box = F.smooth_l1(found, sampled.deltas, beta=beta, reduction="sum")
    return loss_objectness, loss_box / max(len(sampled.index), 1)
