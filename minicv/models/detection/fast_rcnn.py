"""Fast R-CNN: one feature map for all regions, and everything learnt at once (Girshick 2015).

    1. batch      images                    -> resized, normalised, padded pixels   (N, 3, H, W)
    2. features   pixels                    -> backbone                             (N, C, h, w)
    3. propose    images                    -> any proposer's boxes, scaled         (R, 4)
    4. pool       features, boxes           -> RoI pooling                          (R, C, 7, 7)
    5. head       region features           -> class scores and box offsets         (R, K+1), (R, K+1, 4)
    6. post       scores, offsets, boxes    -> detections                           (D, 4)

Training runs 1 to 5 with sampled regions and adds two losses. Their gradient passes RoI pooling
and reaches the convolutions, which SPP-net does not train. No features go to disk, and nothing is
fitted afterwards. The code of stages 5 and 6 is in `roi_heads.py`.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import Array, xp_of
from minicv.data import check_targets
from minicv.inspection.stage import StageRecorder, record_features, record_input
from minicv.models.backbones.backbone import Backbone
from minicv.models.detection.proposals_on_copy import MAX_SIDE, propose_on_copy
from minicv.models.detection.region_stages import record_boxes, record_region_features
from minicv.models.detection.region_targets import objects_in_batch, sample_regions
from minicv.models.detection.roi_heads import (
    BoxPredictor,
    RegionSettings,
    TwoLayerHead,
    box_loss,
    join_regions,
    postprocess,
)
from minicv.models.model import Model, Result, Target
from minicv.models.photographs import ImageBatch, batch_for
from minicv.proposals import Proposer
from minicv.vision.boxes import remove_small_boxes
from minicv.vision.matching import Matcher


@dataclass(frozen=True)
class FastRCNNSettings(RegionSettings):
    """The numbers of `RegionSettings`, and Fast R-CNN's own.

    An image gives 64 regions to train on, and a batch of 2 images the paper's 128. Background
    regions overlap an object by at least 0.1, "a heuristic for hard example mining". Boxes are
    suppressed above an overlap of 0.3, as in R-CNN.

    Source: Girshick, Fast R-CNN, 2015, section 2.3.

    >>> settings = FastRCNNSettings()
    >>> settings.head_samples, settings.head_background_floor, settings.dropout
    (64, 0.1, 0.5)
    """

    # 3. Proposals: how many are used at most, the best ones, and which are too small to be pooled.
    #    An image with a longer side than max_proposal_side is searched in a copy of that size.
    max_proposals: int = 2000
    min_proposal_size: float = 2.0
    max_proposal_side: int = MAX_SIDE

    # 5. Head, and its training.
    head_samples: int = 64
    head_background_floor: float = 0.1
    dropout: float = 0.5

    # 6. Post-processing.
    nms_threshold: float = 0.3


class FastRCNN(Model):
    """A detector of ``classes`` among the boxes of a proposer, on any backbone with one map.

    The paper scales the offsets to zero mean and unit variance over the training set. Here the
    fixed ``settings.box_weights`` scale them, as in Faster R-CNN.

    Args:
        backbone: pixels to features; brings its normalisation and stride.
        classes: the K names; label k means ``classes[k]``.
        proposer: says where to look. It is asked at every loss and prediction; let
            `minicv.proposals.CachedProposals` remember what a slow one said.
        settings: sizes, thresholds, counts.
        rng: draws the initial weights, and what dropout drops.

    >>> from minicv.models.backbones import SmallBackbone
    >>> from minicv.proposals import SlidingWindow
    >>> rng = np.random.default_rng(0)
    >>> model = FastRCNN(SmallBackbone(width=4, rng=rng), ("cow", "duck"), SlidingWindow((24.0,)),
    ...                  FastRCNNSettings(min_size=64, max_size=64, head_units=8), rng=rng)
    >>> image = rng.random((3, 64, 48), dtype="float32")
    >>> target = {"boxes": np.array([[4.0, 4.0, 36.0, 40.0]], "float32"), "labels": np.array([1])}
    >>> sorted(model.loss([image], [target]))
    ['loss_box_reg', 'loss_classifier']
    >>> sorted(model.predict([image])[0])
    ['boxes', 'labels', 'scores']
    >>> [stage.name for stage in model.stages(image)]
    ['input', 'feature_map', 'proposals', 'region_features', 'class_scores', 'refined_boxes',
     'detections']
    """

    settings: FastRCNNSettings

    def __init__(
        self,
        backbone: Backbone,
        classes: Sequence[str],
        proposer: Proposer,
        settings: FastRCNNSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        s = settings or FastRCNNSettings()
        self.settings = s
        self.classes = tuple(classes)
        self.proposer = proposer
        self.stride, channels = backbone.strides[0], backbone.out_channels[0]
        self.region_matcher = Matcher(
            s.head_positive_iou, s.head_positive_iou, background_floor=s.head_background_floor
        )

        self.backbone = backbone
        pooled_features = channels * s.pooled_size**2
        self.box_head = TwoLayerHead(pooled_features, s.head_units, dropout=s.dropout, rng=rng)
        self.box_predictor = BoxPredictor(s.head_units, len(self.classes), rng=rng)

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The two losses, by name. Their sum is what training minimises.

        Args:
            images, targets: see `FasterRCNN.loss`.
            rng: draws the sampled regions, and serves the proposer; None draws the same ones at
                every call, so that a validation loss can be compared between epochs.

        Raises:
            ValueError: a box or label that cannot be learnt from; names the image and the field.

        Source: Girshick 2015, equations 1 to 3, divided by the number of sampled regions.
        """
        images = self.checked(images, "loss", targets)
        check_targets(images, targets, len(self.classes))
        rng = np.random.default_rng(0) if rng is None else rng
        batch = self._stage1_batch(images)
        features = self._stage2_features(batch)
        objects = objects_in_batch(batch, targets, like=features.data)
        proposals = [
            self._stage3_propose(batch, i, features.data, rng)[0] for i in range(len(images))
        ]
        s = self.settings
        samples = s.head_samples, s.head_positive_fraction
        sampled = sample_regions(
            proposals, objects, self.region_matcher, *samples, rng, s.box_weights
        )
        pooled = self._stage4_pool(features, [regions.boxes for regions in sampled])
        logits, offsets = self._stage5_head(pooled)
        loss_classifier, loss_box = box_loss(logits, offsets, sampled, s.head_smooth_l1_beta)
        return {"loss_classifier": loss_classifier, "loss_box_reg": loss_box}

    def run(self, images: Sequence[np.ndarray], record: StageRecorder) -> list[Result]:
        """Detections of each image, best first; see `FasterRCNN.run`."""
        batch = self._stage1_batch(images)
        record_input(record, batch.sizes[0], lambda: batch.input_image(0, self.backbone))
        features = self._stage2_features(batch)
        record_features(record, features.data[0], self.stride)
        found = [
            self._stage3_propose(batch, i, features.data, np.random.default_rng(0))
            for i in range(len(images))
        ]  # each image with the same random numbers
        record_boxes(record, "proposals", "Proposals", *found[0])
        boxes = [own for own, _ in found]
        pooled = self._stage4_pool(features, boxes)
        record_region_features(record, boxes[0], pooled.data)
        logits, offsets = self._stage5_head(pooled)
        return postprocess(  # 6
            logits.data, offsets.data, boxes, batch, self.settings, record
        )

    def _stage1_batch(self, images: Sequence[np.ndarray]) -> ImageBatch:
        return batch_for(self.backbone, images, self.settings.min_size, self.settings.max_size)

    def _stage2_features(self, batch: ImageBatch) -> Tensor:
        xp = xp_of(self.box_head.fc6.weight.data)  # the pixels go where the weights are
        (features,) = self.backbone(Tensor(xp.asarray(batch.pixels)))
        return features  # (N, 3, H, W) -> (N, C, h, w)

    def _stage3_propose(
        self, batch: ImageBatch, index: int, like: Array, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        limit = self.settings.max_proposal_side
        boxes, scores = propose_on_copy(self.proposer, batch.images[index], rng, limit)  # (R, 4)
        boxes = batch.boxes_to_batch(index, boxes[: self.settings.max_proposals])
        large = remove_small_boxes(boxes, self.settings.min_proposal_size)
        xp = xp_of(like)
        return xp.asarray(boxes[large]), xp.asarray(scores[large])

    def _stage4_pool(self, features: Tensor, regions: Sequence[Array]) -> Tensor:
        return F.roi_pool(
            features,
            *join_regions(regions),  # (R, 4), the regions of all images together
            self.settings.pooled_size,
            spatial_scale=1 / self.stride,
        )  # (N, C, h, w) -> (R, C, 7, 7)

    def _stage5_head(self, region_features: Tensor) -> tuple[Tensor, Tensor]:
        units = self.box_head(region_features)  # (R, C, 7, 7) -> (R, units)
        return self.box_predictor(units)  # -> (R, K+1), (R, K+1, 4)
