"""The box head: what each region holds, and how its box should be corrected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import Array, xp_of
from minicv.models.detection.select_detections import select_detections
from minicv.nn import Dropout, Identity, Linear, Module
from minicv.nn import initializers as init
from minicv.vision.boxes import Weights, clip_boxes_to_image, decode_boxes


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


def two_layer_head_weights(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """fc6 and fc7 of a published AlexNet or VGG-16, as a state_dict of `TwoLayerHead`.

    They are the first two fully connected layers of torchvision's ``classifier``, with the inputs
    in the same order: channel, row, column. AlexNet's fit regions pooled to 6 x 6, VGG-16's to
    7 x 7, and 4096 units.

    Raises:
        ValueError: not three fully connected layers in ``classifier``.

    >>> layer = {"weight": np.zeros((8, 8), "float32"), "bias": np.zeros(8, "float32")}
    >>> vgg = {f"classifier.{n}.{part}": a for n in (0, 3, 6) for part, a in layer.items()}
    >>> list(two_layer_head_weights(vgg))
    ['fc6.weight', 'fc6.bias', 'fc7.weight', 'fc7.bias']
    """
    found = [re.fullmatch(r"classifier\.(\d+)\.weight", name) for name in weights]
    layers = sorted(int(match[1]) for match in found if match)
    if len(layers) != 3:
        raise ValueError(
            f"two_layer_head_weights: expected the weights of three fully connected layers named "
            f"classifier.N.weight, as AlexNet and VGG-16 have them, but found {layers or 'none'}"
        )
    return {
        f"{new}.{part}": weights[f"classifier.{old}.{part}"]
        for new, old in zip(("fc6", "fc7"), layers, strict=False)
        for part in ("weight", "bias")
    }


class BoxPredictor(Module):
    """Class scores and box offsets: (R, units) -> (R, K+1) logits and (R, K+1, 4) offsets.

    Column 0 is the background; class k of the K classes stands in column k + 1. The offsets of
    column 0 are never used; they are there because published weights have them.

    Source: Girshick, Fast R-CNN, 2015, sections 2.1 and 2.3 (initial deviations 0.01 and 0.001).
    """

    def __init__(self, in_features: int, num_classes: int, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.cls_score = Linear(in_features, num_classes + 1, rng=rng)
        self.bbox_pred = Linear(in_features, 4 * (num_classes + 1), rng=rng)
        self.cls_score.weight.data = init.normal(self.cls_score.weight.shape, rng, std=0.01)
        self.bbox_pred.weight.data = init.normal(self.bbox_pred.weight.shape, rng, std=0.001)
        self.cls_score.bias.data = init.constant(self.cls_score.bias.shape, 0.0)
        self.bbox_pred.bias.data = init.constant(self.bbox_pred.bias.shape, 0.0)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.cls_score(x)  # (R, units) -> (R, K+1)
        deltas = self.bbox_pred(x)  # (R, units) -> (R, 4(K+1))
        return logits, deltas.reshape(x.shape[0], logits.shape[1], 4)  # -> (R, K+1, 4)


class Detections(NamedTuple):
    """The detections of one image, and the two results that they come from.

    Attributes:
        boxes: (D, 4), best score first, pixels.
        labels: (D,) int64, 0..K-1.
        scores: (D,) probabilities.
        class_scores: (R, K+1) probabilities of every region, background first.
        refined_boxes: (R, K, 4) the box of every region for every class.
    """

    boxes: Array
    labels: Array
    scores: Array
    class_scores: Array
    refined_boxes: Array


def postprocess(
    logits: Array,
    deltas: Array,
    proposals: Array,
    image_size: tuple[int, int],
    *,
    box_weights: Weights,
    score_threshold: float,
    nms_threshold: float,
    detections_per_image: int,
) -> Detections:
    """Scores and offsets of the regions of one image -> its detections.

    Softmax; each class moves the proposal by its own offsets; boxes are clipped; what scores below
    the threshold goes; suppression within each class; the best of all classes together remain.

    Args:
        logits: (R, K+1), background first. R may be 0.
        deltas: (R, K+1, 4).
        proposals: (R, 4).
        image_size: height and width.

    Source: Girshick 2015, section 2.2.
    """
    xp = xp_of(logits, deltas, proposals)
    powers = xp.exp(logits - logits.max(axis=1, keepdims=True))
    class_scores = powers / powers.sum(axis=1, keepdims=True)  # (R, K+1)
    refined = decode_boxes(deltas[:, 1:], proposals, box_weights)  # (R, K, 4)
    refined = clip_boxes_to_image(refined, image_size)
    boxes, labels, scores = select_detections(
        class_scores[:, 1:],
        refined,
        score_threshold=score_threshold,
        nms_threshold=nms_threshold,
        detections_per_image=detections_per_image,
    )
    return Detections(boxes, labels, scores, class_scores, refined)
