"""What Faster R-CNN makes of a batch of images, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minicv.autograd import Tensor
from minicv.backend import Array, to_numpy
from minicv.models.backbones.backbone import Backbone
from minicv.models.detection.region_proposal_network import Proposals
from minicv.models.detection.region_stages import RegionStages


@dataclass(frozen=True)
class FasterRCNNStages(RegionStages):
    """The result of each stage for N images: those of `RegionStages`, and the proposal network's.

    Attributes:
        anchors: (M, 4), M = h w A.
        objectness: (N, M) logits.
        proposals: one for each image.
    """

    anchors: Array
    objectness: Tensor
    proposals: list[Proposals]

    def as_arrays(self, index: int, backbone: Backbone) -> dict[str, Any]:
        """Everything about one image, as NumPy arrays by name; see `FasterRCNN.stages`."""
        found = self.proposals[index]
        h, w = self.features.shape[2:]
        objectness = to_numpy(self.objectness.data[index]).reshape(h, w, -1)  # (M,) -> (h, w, A)
        return super().as_arrays(index, backbone) | {
            "anchors": to_numpy(self.anchors),
            "anchors_per_location": objectness.shape[2],
            "objectness": objectness.transpose(2, 0, 1),  # (h, w, A) -> (A, h, w)
            "proposals_before_nms": to_numpy(found.boxes_before_nms),
            "proposal_scores_before_nms": to_numpy(found.scores_before_nms),
        }
