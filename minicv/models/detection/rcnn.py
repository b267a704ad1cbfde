"""R-CNN: regions with features of a ConvNet (Girshick et al. 2014).

    1. propose    image             -> any proposer's boxes                          (R, 4)
    2. warp       image, boxes      -> each stretched to a square, with context      (R, 3, S, S)
    3. features   warped regions    -> backbone, pooling; fully connected layers     (R, P), (R, U)
    4. score      features          -> a support vector machine for each class       (R, K)
    5. regress    pooled features   -> boxes moved towards the object                (R, K, 4)
    6. post       scores, boxes     -> detections                                    (D, 4)

The network sees every region as a picture of its own: that is what makes R-CNN slow. Fine-tuning
runs 1 to 3 on sampled regions and minimises a softmax loss (section 2.3 and appendix B). Then
`minicv.training.train_post_hoc` keeps the features of all proposals on disk and fits what 4 and 5
use. Stages 4 to 6 are SPP-net's as well and stand in `PostHocDetector`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.backend import xp_of
from minicv.models.backbones.backbone import Backbone
from minicv.models.detection.post_hoc import RegionFeatures
from minicv.models.detection.post_hoc_detector import PostHocDetector
from minicv.models.detection.post_hoc_settings import PostHocSettings
from minicv.models.photographs import normalised_batch
from minicv.nn import evaluating
from minicv.proposals import Proposer
from minicv.vision.warp import warp_boxes


@dataclass(frozen=True)
class RCNNSettings(PostHocSettings):
    """The numbers of `PostHocSettings`, and R-CNN's own.

    >>> RCNNSettings(warp_size=64, context=5).head_samples
    64
    """

    # 2. Warping: the side of the square, and how much of it is context, on each side of the box.
    warp_size: int = 224
    context: int = 16

    # 3. Features: rows and columns that are left of each map. Regions that go through the network
    #    at a time, when all of an image do; it bounds the memory.
    pooled_size: int = 7
    regions_at_a_time: int = 64


class RCNN(PostHocDetector):
    """A detector of ``classes`` among the boxes of a proposer, on any backbone with one map.

    Arguments as of `PostHocDetector`.

    >>> from minicv.models.backbones import SmallBackbone
    >>> from minicv.proposals import SlidingWindow
    >>> rng = np.random.default_rng(0)
    >>> settings = RCNNSettings(warp_size=32, context=4, pooled_size=2, head_units=8)
    >>> model = RCNN(SmallBackbone(width=4, rng=rng), ("cow", "duck"), SlidingWindow((24.0,)),
    ...              settings, rng=rng)
    >>> image = rng.random((3, 64, 48), dtype="float32")
    >>> target = {"boxes": np.array([[4.0, 4.0, 36.0, 40.0]], "float32"), "labels": np.array([1])}
    >>> list(model.loss([image], [target]))
    ['loss_classifier']
    >>> sorted(model.predict([image])[0])
    ['boxes', 'labels', 'scores']
    """

    settings: RCNNSettings

    def __init__(
        self,
        backbone: Backbone,
        classes: Sequence[str],
        proposer: Proposer,
        settings: RCNNSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        s = settings or RCNNSettings()
        pooled = backbone.out_channels * s.pooled_size**2
        super().__init__(backbone, classes, proposer, s, pooled, rng=rng)

    def stages(self, image: np.ndarray) -> dict[str, Any]:
        """As `PostHocDetector.stages`, and ``warped_regions`` (R, 3, S, S), normalised.

        A prediction never holds all warped regions at once, so here they are warped once more.
        """
        stages = super().stages(image)
        return {**stages, "warped_regions": self._stage2_warp(image, stages["proposals"])}

    def region_features(self, image: np.ndarray, boxes: np.ndarray) -> RegionFeatures:
        """See `PostHocDetector.region_features`; a few regions at a time."""
        step = self.settings.regions_at_a_time
        parts = []
        with no_grad(), evaluating(self):
            for start in range(0, max(len(boxes), 1), step):
                warped = self._stage2_warp(image, boxes[start : start + step])
                parts.append([part.data for part in self._stage3_features(warped)])
        xp = xp_of(parts[0][0])
        return RegionFeatures(*(xp.concatenate(part) for part in zip(*parts, strict=True)))

    def _units_of_regions(
        self, images: Sequence[np.ndarray], regions: Sequence[np.ndarray]
    ) -> Tensor:
        pairs = zip(images, regions, strict=True)
        warped = np.concatenate([self._stage2_warp(image, boxes) for image, boxes in pairs])
        return self._stage3_features(warped)[1]  # (S, 3, S, S) -> (S, U)

    def _detect(self, image: np.ndarray) -> dict[str, Any]:
        boxes, scores = self.propose(image, np.random.default_rng(0))  # 1
        features = self.region_features(image, boxes)  # 2 and 3
        decided = self._decide(image, boxes, features)  # 4 to 6
        return {"proposals": boxes, "proposal_scores": scores, **decided}

    def _stage2_warp(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        pixels = normalised_batch([image], self.backbone.mean, self.backbone.std)[0]
        return warp_boxes(pixels, boxes, self.settings.warp_size, self.settings.context)

    def _stage3_features(self, warped: np.ndarray) -> tuple[Tensor, Tensor]:
        xp = xp_of(self.cls_score.weight.data)  # the pixels go where the weights are
        size, channels = self.settings.pooled_size, self.backbone.out_channels
        if len(warped):
            features = self.backbone(Tensor(xp.asarray(warped)))  # (R, 3, S, S) -> (R, C, s, s)
            pooled = F.adaptive_max_pool2d(features, size)  # -> (R, C, p, p)
        else:
            pooled = Tensor(xp.zeros((0, channels, size, size), np.float32))
        return F.flatten(pooled, 1), self.box_head(pooled)  # -> (R, P), (R, U)
