"""What a detector by regions makes of a batch of images, stage by stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicv.autograd import Tensor
from minicv.backend import Array, to_numpy
from minicv.models.backbones.backbone import Backbone
from minicv.models.detection.box_head import Detections
from minicv.models.detection.image_batch import ImageBatch


@dataclass(frozen=True)
class RegionStages:
    """The result of each stage for N images.

    Attributes:
        batch: the images as the network sees them.
        features: (N, C, h, w).
        boxes: (R, 4) of each image, the proposals in the pixels of the batch, best first.
        scores: (R,) of each image, of the proposals.
        region_features: (R, C, 7, 7), those of all images one after the other.
        detections: one for each image, in the pixels of the batch.
    """

    batch: ImageBatch
    features: Tensor
    boxes: list[Array]
    scores: list[Array]
    region_features: Tensor
    detections: list[Detections]

    def result(self, index: int) -> dict[str, np.ndarray]:
        """The detections of one image, in its own pixels."""
        found = self.detections[index]
        return {
            "boxes": self.batch.boxes_to_image(index, to_numpy(found.boxes)),
            "labels": to_numpy(found.labels),
            "scores": to_numpy(found.scores),
        }

    def as_arrays(self, index: int, backbone: Backbone) -> dict[str, Any]:
        """Everything about one image, as NumPy arrays by name; see `FastRCNN.stages`."""
        detected = self.detections[index]
        before = sum(len(earlier) for earlier in self.boxes[:index])
        own = slice(before, before + len(self.boxes[index]))
        height, width = self.batch.sizes[index]
        pixels = self.batch.pixels[index, :, :height, :width]
        return {
            "input": pixels * _per_colour(backbone.std) + _per_colour(backbone.mean),
            "feature_map": to_numpy(self.features.data[index]),
            "proposals": to_numpy(self.boxes[index]),
            "proposal_scores": to_numpy(self.scores[index]),
            "region_features": to_numpy(self.region_features.data[own]),
            "class_scores": to_numpy(detected.class_scores),
            "refined_boxes": to_numpy(detected.refined_boxes),
            "detections": self.result(index),
        }


def _per_colour(values: Sequence[float]) -> np.ndarray:
    return np.asarray(values, dtype=np.float32)[:, None, None]
