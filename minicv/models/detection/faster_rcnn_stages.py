"""What Faster R-CNN makes of a batch of images, stage by stage."""

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
from minicv.models.detection.region_proposal_network import Proposals


@dataclass(frozen=True)
class FasterRCNNStages:
    """The result of each stage for N images.

    Attributes:
        batch: the images as the network sees them.
        features: (N, C, h, w).
        anchors: (M, 4), M = h w A.
        objectness: (N, M) logits.
        proposals: one for each image.
        region_features: (R, C, 7, 7), those of all images one after the other.
        detections: one for each image, in the pixels of the batch.
    """

    batch: ImageBatch
    features: Tensor
    anchors: Array
    objectness: Tensor
    proposals: list[Proposals]
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
        """Everything about one image, as NumPy arrays by name; see `FasterRCNN.stages`."""
        found, detected = self.proposals[index], self.detections[index]
        before = sum(len(earlier.boxes) for earlier in self.proposals[:index])
        own = slice(before, before + len(found.boxes))
        height, width = self.batch.sizes[index]
        pixels = self.batch.pixels[index, :, :height, :width]
        h, w = self.features.shape[2:]
        objectness = to_numpy(self.objectness.data[index]).reshape(h, w, -1)  # (M,) -> (h, w, A)
        return {
            "input": pixels * _per_colour(backbone.std) + _per_colour(backbone.mean),
            "feature_map": to_numpy(self.features.data[index]),
            "anchors": to_numpy(self.anchors),
            "anchors_per_location": objectness.shape[2],
            "objectness": objectness.transpose(2, 0, 1),  # (h, w, A) -> (A, h, w)
            "proposals_before_nms": to_numpy(found.boxes_before_nms),
            "proposal_scores_before_nms": to_numpy(found.scores_before_nms),
            "proposals": to_numpy(found.boxes),
            "proposal_scores": to_numpy(found.scores),
            "region_features": to_numpy(self.region_features.data[own]),
            "class_scores": to_numpy(detected.class_scores),
            "refined_boxes": to_numpy(detected.refined_boxes),
            "detections": self.result(index),
        }


def _per_colour(values: Sequence[float]) -> np.ndarray:
    return np.asarray(values, dtype=np.float32)[:, None, None]
