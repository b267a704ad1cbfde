"""What all detectors by regions share after the proposals.

The head (`TwoLayerHead`, `BoxPredictor`) gives class scores and box offsets of each region. In
training, `box_loss` compares these with the true ones of `minicv.models.detection.region_targets`.
In detection, `postprocess` makes scores and offsets into detections.

The head's class 0 is the background, and label k of the K classes is its class k + 1. Targets,
class scores of stages and detections have no background: their labels are 0..K-1.

Source: Girshick, Fast R-CNN, 2015, section 2.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import Array, xp_of
from minicv.backend.device import received_together
from minicv.backend.storage import widened
from minicv.inspection.stage import StageRecorder
from minicv.models.detection.region_stages import (
    record_detections,
    record_refined_boxes,
    record_scores,
)
from minicv.models.detection.region_targets import RegionTargets
from minicv.models.model import Result
from minicv.models.photographs import ImageBatch
from minicv.nn import Conv2d, Dropout, Identity, Linear, Module
from minicv.nn import initializers as init
from minicv.vision.box_voting import vote_boxes
from minicv.vision.boxes import (
    batched_nms,
    clip_boxes_to_image,
    decode_boxes,
    remove_small_boxes,
)

SMALLEST_SIDE = 1e-2  # pixels; clipping can make a box thinner, which is then no detection


@dataclass(frozen=True)
class RegionSettings:
    """The numbers of Fast and Faster R-CNN: input, region features, head, and post-processing.

    The defaults are the papers', except for a head with fewer units (the papers' has 4096), which
    spares the CPU. What the papers do not give, such as the score threshold and the weights of the
    offsets, is as in the public implementations.

    Raises:
        ValueError: an image size below one pixel.

    Source: Girshick, Fast R-CNN, 2015, section 2.
    """

    # Input: the shorter side becomes min_size, unless the longer would pass max_size.
    min_size: int = 600
    max_size: int = 1000

    # Region features: rows and columns.
    pooled_size: int = 7

    # Head, and its training: regions above head_positive_iou hold an object, others are background.
    # The offsets are multiplied by box_weights, which brings their deviations close to 1.
    head_units: int = 1024
    head_positive_iou: float = 0.5
    head_samples: int = 128
    head_positive_fraction: float = 0.25
    head_smooth_l1_beta: float = 1.0
    box_weights: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)

    # Post-processing. A detection becomes the mean of the predictions that overlap it by vote_iou,
    # see `vote_boxes`; at 1 there is no voting.
    score_threshold: float = 0.05
    nms_threshold: float = 0.5
    detections_per_image: int = 100
    vote_iou: float = 1.0

    def __post_init__(self) -> None:
        if min(self.min_size, self.max_size) < 1:
            raise ValueError(
                f"{type(self).__name__}: min_size={self.min_size}, max_size={self.max_size}; "
                "expected at least one pixel each"
            )


# The head


def draw_weights(layer: Conv2d | Linear, std: float, rng: np.random.Generator) -> None:
    """New weights of a layer, from a normal distribution with this deviation; biases become 0."""
    layer.weight.data = init.normal(layer.weight.shape, rng, std=std)
    if layer.bias is not None:
        layer.bias.data = init.constant(layer.bias.shape, 0.0)


class TwoLayerHead(Module):
    """Two fully connected layers with ReLU: (R, C, h, w) -> (R, units).

    Args:
        in_features: C h w.
        units: of each layer.
        dropout: which share of the units of each layer is dropped in training; AlexNet and VGG-16
            drop half of them.
        rng: draws the initial weights, and what is dropped.
    """

    def __init__(
        self, in_features: int, units: int, *, dropout: float = 0.0, rng: np.random.Generator
    ) -> None:
        super().__init__()
        self.fc6 = Linear(in_features, units, rng=rng)
        self.fc7 = Linear(units, units, rng=rng)
        self.drop = Dropout(dropout, rng=rng) if dropout > 0 else Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = x.reshape(x.shape[0], self.fc6.in_features)  # (R, C, h, w) -> (R, C h w)
        x = self.drop(F.relu(self.fc6(x)))  # -> (R, units)
        return self.drop(F.relu(self.fc7(x)))


class BoxPredictor(Module):
    """Class scores and box offsets: (R, units) -> (R, K+1) logits and (R, K+1, 4) offsets.

    The background comes first. Its offsets are never used; they exist because published weights
    have them.

    Source: Girshick, Fast R-CNN, 2015, sections 2.1 and 2.3 (initial deviations 0.01 and 0.001).
    """

    def __init__(self, in_features: int, num_classes: int, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.cls_score = Linear(in_features, num_classes + 1, rng=rng)
        self.bbox_pred = Linear(in_features, 4 * (num_classes + 1), rng=rng)
        draw_weights(self.cls_score, 0.01, rng)
        draw_weights(self.bbox_pred, 0.001, rng)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.cls_score(x)  # (R, units) -> (R, K+1)
        deltas = self.bbox_pred(x)  # (R, units) -> (R, 4(K+1))
        return logits, deltas.reshape(x.shape[0], logits.shape[1], 4)  # -> (R, K+1, 4)


def join_regions(regions: Sequence[Array]) -> tuple[Array, Array]:
    """The boxes of all images together (R, 4), and to which image each belongs (R,).

    >>> boxes, image_of_box = join_regions([np.zeros((2, 4)), np.zeros((0, 4)), np.zeros((1, 4))])
    >>> boxes.shape, image_of_box.tolist()
    ((3, 4), [0, 0, 2])
    """
    xp = xp_of(*regions)
    numbers = np.repeat(np.arange(len(regions)), [len(boxes) for boxes in regions])
    boxes = regions[0] if len(regions) == 1 else xp.concatenate(regions)
    return boxes, xp.asarray(numbers)


# The losses


def box_loss(
    logits: Tensor, offsets: Tensor, sampled: Sequence[RegionTargets], beta: float
) -> tuple[Tensor, Tensor]:
    """The class loss of all sampled regions, and the box loss of those that hold an object.

    Args:
        logits: (S, K+1), background first.
        offsets: (S, K+1, 4); only those of the right class are trained.
        sampled: for each image what was drawn, S regions in all, P of them positive.
        beta: the error at which smooth L1 turns from a parabola into a line.

    Returns:
        the softmax loss, and smooth L1 summed over the positives; both are divided by S.

    Source: Girshick, Fast R-CNN, 2015, equations 1 to 3.
    """
    xp = xp_of(logits.data)
    labels = xp.concatenate([t.labels for t in sampled])  # (S,)
    wanted = xp.concatenate([t.deltas for t in sampled])  # (P, 4)
    starts = itertools.accumulate((len(t.labels) for t in sampled), initial=0)
    first_ones = [
        start + np.arange(len(t.deltas)) for start, t in zip(starts, sampled, strict=False)
    ]
    positive = xp.asarray(np.concatenate(first_ones))  # (P,): the first ones of each image
    loss_classifier = F.softmax_cross_entropy(logits, labels)
    chosen = offsets[positive, labels[positive]]  # (S, K+1, 4) -> (P, 4)
    loss_box = F.smooth_l1(chosen, wanted, beta=beta, reduction="sum")
    return loss_classifier, loss_box / max(len(labels), 1)


# Detection: from scores and offsets to boxes


class Found(NamedTuple):
    """The detections of one image, best first.

    Attributes:
        boxes: (D, 4), in the pixels of the batch.
        labels: (D,) int64, 0..K-1.
        scores: (D,) in 0..1.
        regions: (D,) int64, the region that each was, 0..R-1.
    """

    boxes: Array
    labels: Array
    scores: Array
    regions: Array


def select_detections(
    class_scores: Array,
    boxes: Array,
    *,
    score_threshold: float,
    nms_threshold: float,
    detections_per_image: int,
    vote_iou: float = 1.0,
) -> Found:
    """Drop low scores, suppress overlapping boxes within each class, and keep the best.

    Args:
        class_scores: (R, K), without the background. R may be 0.
        boxes: (R, K, 4), clipped to the image.
        score_threshold: a detection has more than this.
        nms_threshold: of two boxes of a class that overlap more, the lower one is dropped.
        detections_per_image: at most, of all classes together.
        vote_iou: if it is less than 1, a box that is left becomes the mean of the boxes of its
            class that overlap it by as much; see `vote_boxes`.

    Returns:
        boxes, labels, scores, and the region of each; in the pixels of ``boxes``, best first.

    Source: Girshick et al., "Rich feature hierarchies" (2014), section 2.2.

    >>> boxes = np.array([[[0.0, 0, 8, 8]], [[0.0, 0, 8, 9]], [[9.0, 0, 12, 8]]])
    >>> found = select_detections(np.array([[0.5], [0.6], [0.1]]), boxes, score_threshold=0.2,
    ...                           nms_threshold=0.3, detections_per_image=9)
    >>> found.boxes.tolist(), found.regions.tolist()
    ([[0.0, 0.0, 8.0, 9.0]], [1])
    """
    xp = xp_of(class_scores, boxes)
    regions, classes = class_scores.shape
    boxes = boxes.reshape(-1, 4)  # (R, K, 4) -> (R K, 4)
    scores = class_scores.reshape(-1)  # (R K,)
    labels = xp.tile(xp.arange(classes, dtype=xp.int64), regions)  # (R K,)
    good = xp.flatnonzero(scores > score_threshold)
    good = good[remove_small_boxes(boxes[good], SMALLEST_SIDE)]
    boxes, scores, labels = boxes[good], scores[good], labels[good]
    kept = batched_nms(boxes, scores, labels, nms_threshold)[:detections_per_image]
    found = boxes[kept]  # (D, 4)
    if vote_iou < 1:
        for label in range(classes):
            own, voting = labels[kept] == label, labels == label
            found[own] = vote_boxes(found[own], boxes[voting], scores[voting], vote_iou)
    return Found(found, labels[kept], scores[kept], good[kept] // classes)


def detect(
    logits: Array,
    offsets: Array,
    regions: Sequence[Array],
    batch: ImageBatch,
    settings: RegionSettings,
    record: StageRecorder,
) -> list[Found]:
    """Scores and offsets of the regions of all images -> the detections of each.

    Softmax; each class moves the proposal by its own offsets; boxes are clipped; then
    `select_detections`. ``record`` gets two stages of the first image: class scores and refined
    boxes.

    Args:
        logits: (R, K+1), background first.
        offsets: (R, K+1, 4).
        regions: the proposals of each image in the pixels of the batch, R in all.
        batch: the images.
        settings: thresholds and the weights of the offsets.
        record: see `StageRecorder`.

    Source: Girshick 2015, section 2.2.
    """
    xp, s = xp_of(logits, offsets), settings
    logits = widened(logits)
    powers = xp.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)  # (R, K+1)
    starts = list(itertools.accumulate((len(boxes) for boxes in regions), initial=0))
    parts = [slice(start, end) for start, end in itertools.pairwise(starts)]
    class_scores = [probabilities[part, 1:] for part in parts]  # (R, K) of each image
    record_scores(record, regions[0], class_scores[0])

    refined = []
    for part, boxes, size in zip(parts, regions, batch.sizes, strict=True):
        decoded = decode_boxes(offsets[part, 1:], boxes, s.box_weights)  # (R, K, 4)
        refined.append(clip_boxes_to_image(decoded, size))
    record_refined_boxes(record, regions[0], refined[0], class_scores[0])

    return [
        select_detections(
            scores,
            moved,
            score_threshold=s.score_threshold,
            nms_threshold=s.nms_threshold,
            detections_per_image=s.detections_per_image,
            vote_iou=s.vote_iou,
        )
        for scores, moved in zip(class_scores, refined, strict=True)
    ]


def in_image(batch: ImageBatch, index: int, found: Found) -> Result:
    """The detections of image ``index`` as a result: on the host, in the image's own pixels.

    Returns:
        ``"boxes"`` (D, 4), ``"labels"`` (D,) in 0..K-1 and ``"scores"`` (D,), best first.
    """
    boxes, labels, scores = received_together(found[:3])
    return {"boxes": batch.boxes_to_image(index, boxes), "labels": labels, "scores": scores}


def postprocess(
    logits: Array,
    offsets: Array,
    regions: Sequence[Array],
    batch: ImageBatch,
    settings: RegionSettings,
    record: StageRecorder,
) -> list[Result]:
    """`detect`, and each image's detections in its own pixels; ``record`` gets these too."""
    found = detect(logits, offsets, regions, batch, settings, record)
    results = [in_image(batch, index, own) for index, own in enumerate(found)]
    record_detections(record, batch.images[0], results[0], found[0].regions)
    return results
