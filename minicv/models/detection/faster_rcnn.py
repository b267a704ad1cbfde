"""Faster R-CNN: one network proposes regions and recognises what they hold (Ren et al. 2015).

    1. batch      images                    -> resized, normalised, padded pixels   (N, 3, H, W)
    2. features   pixels                    -> backbone                             (N, C, h, w)
    3. rpn        features                  -> objectness and offsets of M anchors  (N, M), (N, M, 4)
    4. propose    scores, offsets, anchors  -> the best anchors, moved              (P, 4)
    5. suppress   boxes, scores             -> the best of boxes that overlap       (R, 4)
    6. pool       features, boxes           -> RoIAlign                             (R, C, 7, 7)
    7. head       region features           -> class scores and box offsets         (R, K+1), (R, K+1, 4)
    8. post       scores, offsets, boxes    -> detections                           (D, 4)

Training runs 1 to 7 with sampled anchors and regions and adds four losses. The code of stages 3 to
5 is in `rpn.py`, that of 7 and 8 in `roi_heads.py`.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.backend import Array, to_numpy, xp_of
from minicv.data import check_targets
from minicv.inspection.stage import StageRecorder, record_features, record_input
from minicv.models.backbones.backbone import Backbone
from minicv.models.detection.roi_heads import (
    BoxPredictor,
    Objects,
    RegionSettings,
    TwoLayerHead,
    box_loss,
    join_regions,
    objects_in_batch,
    postprocess,
    record_boxes,
    record_region_features,
    sample_regions,
)
from minicv.models.detection.rpn import (
    Proposals,
    RPNHead,
    anchor_targets,
    propose,
    rpn_loss,
    suppress,
)
from minicv.models.model import Model, Result, Target
from minicv.models.photographs import ImageBatch, batch_for
from minicv.nn import evaluating
from minicv.vision.anchors import AnchorGrid
from minicv.vision.matching import Matcher


@dataclass(frozen=True)
class FasterRCNNSettings(RegionSettings):
    """The numbers of `RegionSettings`, and the proposal network's.

    The defaults are the papers', except that fewer proposals spare the CPU (the papers train on
    2000 after suppression).

    Source: Ren et al., Faster R-CNN, 2015, section 3.

    >>> FasterRCNNSettings(min_size=320).anchors_per_cell
    9
    """

    # 3. Anchors: square roots of their areas in pixels of the network input, and height / width.
    anchor_sizes: tuple[float, ...] = (128.0, 256.0, 512.0)
    aspect_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    rpn_channels: int = 256

    # 4 and 5. Proposals, before and after suppression.
    pre_nms_top_n_train: int = 2000
    pre_nms_top_n_test: int = 1000
    post_nms_top_n_train: int = 500
    post_nms_top_n_test: int = 300
    rpn_nms_threshold: float = 0.7
    min_proposal_size: float = 2.0

    # Training of the proposals: anchors above one overlap are objects, below the other background.
    rpn_positive_iou: float = 0.7
    rpn_negative_iou: float = 0.3
    rpn_samples: int = 256
    rpn_positive_fraction: float = 0.5
    rpn_smooth_l1_beta: float = 1.0 / 9.0

    # 6. Region features: sample points along each side of a bin.
    sampling_ratio: int = 2

    @property
    def anchors_per_cell(self) -> int:
        """A: one anchor for each size and each shape."""
        return len(self.anchor_sizes) * len(self.aspect_ratios)


class RPNOutput(NamedTuple):
    """The output of the proposal network for the M anchors of N images.

    Attributes:
        objectness: (N, M) logits.
        deltas: (N, M, 4) offsets.
        anchors: (M, 4), the same for every image.
    """

    objectness: Tensor
    deltas: Tensor
    anchors: Array


class FasterRCNN(Model):
    """A detector of ``classes``, on any backbone with one feature map.

    Args:
        backbone: pixels to features; brings its normalisation and stride.
        classes: the K names; label k means ``classes[k]``.
        settings: sizes, thresholds, counts.
        rng: draws the initial weights.

    >>> from minicv.models.backbones import SmallBackbone
    >>> rng = np.random.default_rng(0)
    >>> settings = FasterRCNNSettings(min_size=64, max_size=64, anchor_sizes=(16.0, 32.0),
    ...                               rpn_channels=8, head_units=8)
    >>> model = FasterRCNN(SmallBackbone(width=4, rng=rng), ("cow", "duck"), settings, rng=rng)
    >>> image = rng.random((3, 64, 48), dtype="float32")
    >>> target = {"boxes": np.array([[4.0, 4.0, 36.0, 40.0]], "float32"), "labels": np.array([1])}
    >>> sorted(model.loss([image], [target]))
    ['loss_box_reg', 'loss_classifier', 'loss_objectness', 'loss_rpn_box_reg']
    >>> sorted(model.predict([image])[0])
    ['boxes', 'labels', 'scores']
    >>> [stage.name for stage in model.stages(image)]
    ['input', 'feature_map', 'anchors', 'objectness', 'proposals_before_nms', 'proposals',
     'region_features', 'class_scores', 'refined_boxes', 'detections']
    """

    settings: FasterRCNNSettings

    def __init__(
        self,
        backbone: Backbone,
        classes: Sequence[str],
        settings: FasterRCNNSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        s = settings or FasterRCNNSettings()
        self.settings = s
        self.classes = tuple(classes)
        self.stride, channels = backbone.strides[0], backbone.out_channels[0]
        self.anchors = AnchorGrid(self.stride, tuple(s.anchor_sizes), tuple(s.aspect_ratios))
        self.anchor_matcher = Matcher(
            s.rpn_positive_iou, s.rpn_negative_iou, allow_low_quality_matches=True
        )
        self.region_matcher = Matcher(s.head_positive_iou, s.head_positive_iou)

        self.backbone = backbone
        self.rpn = RPNHead(channels, s.rpn_channels, s.anchors_per_cell, rng=rng)
        self.box_head = TwoLayerHead(channels * s.pooled_size**2, s.head_units, rng=rng)
        self.box_predictor = BoxPredictor(s.head_units, len(self.classes), rng=rng)

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The four losses, by name. Their sum is what training minimises.

        Args:
            images: each (3, H, W), RGB float in 0..1.
            targets: for each image ``"boxes"`` (G, 4) and ``"labels"`` (G,); G may be 0. Objects
                marked ``"difficult"`` or ``"iscrowd"`` are left out.
            rng: draws the sampled anchors and regions; None draws the same ones at every call, so
                that a validation loss can be compared between epochs.

        Raises:
            ValueError: a box or label that cannot be learnt from; names the image and the field.

        Source: Ren et al. 2015, equation 1, with both terms normalised by the number of samples.
        """
        batch, objects, rng = self._begin(images, targets, rng)
        s = self.settings
        features = self._stage2_features(batch)
        found = self._stage3_rpn(features)
        losses = self._rpn_losses(found, objects, rng)
        candidates = self._stage4_propose(found, batch, s.pre_nms_top_n_train)
        proposals = self._stage5_suppress(candidates, s.post_nms_top_n_train)
        boxes = [own.boxes for own in proposals]
        return losses | self._head_losses(features, boxes, objects, rng)

    def rpn_loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The two losses of the proposal network alone; see `loss`."""
        batch, objects, rng = self._begin(images, targets, rng)
        found = self._stage3_rpn(self._stage2_features(batch))
        return self._rpn_losses(found, objects, rng)

    def head_loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        proposals: Sequence[np.ndarray],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The two losses of the head alone, on the given proposals; see `loss`.

        Args:
            proposals: (R, 4) for each image, in its own pixels.
        """
        batch, objects, rng = self._begin(images, targets, rng)
        features = self._stage2_features(batch)
        xp = xp_of(features.data)
        boxes = [xp.asarray(batch.boxes_to_batch(i, own)) for i, own in enumerate(proposals)]
        return self._head_losses(features, boxes, objects, rng)

    def propose(self, image: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The proposal network alone, as a `minicv.proposals.Proposer`; ``rng`` is not used.

        Returns:
            boxes (R, 4) in the pixels of the image and scores (R,), as many as in training.
        """
        s = self.settings
        with no_grad(), evaluating(self):
            batch = self._stage1_batch([image])
            found = self._stage3_rpn(self._stage2_features(batch))
            candidates = self._stage4_propose(found, batch, s.pre_nms_top_n_train)
            (proposals,) = self._stage5_suppress(candidates, s.post_nms_top_n_train)
        return batch.boxes_to_image(0, to_numpy(proposals.boxes)), to_numpy(proposals.scores)

    def run(self, images: Sequence[np.ndarray], record: StageRecorder) -> list[Result]:
        """Detections of each image, best first; see `Model.run`.

        Returns:
            dictionaries of ``"boxes"`` (D, 4) in the pixels of the image given, ``"labels"`` (D,)
            0..K-1 and ``"scores"`` (D,) in 0..1. The stages before the detections have boxes in
            the pixels of the resized image.
        """
        s = self.settings
        batch = self._stage1_batch(images)
        record_input(record, batch.sizes[0], lambda: batch.input_image(0, self.backbone))
        features = self._stage2_features(batch)
        record_features(record, features.data[0], self.stride)
        found = self._stage3_rpn(features)
        self._record_rpn(record, found, features.shape[2:])
        candidates = self._stage4_propose(found, batch, s.pre_nms_top_n_test)
        title = "Proposals before NMS"
        record_boxes(record, "proposals_before_nms", title, *candidates[0])
        proposals = self._stage5_suppress(candidates, s.post_nms_top_n_test)
        record_boxes(record, "proposals", "Proposals after NMS", *proposals[0])
        boxes = [own.boxes for own in proposals]
        pooled = self._stage6_pool(features, boxes)
        record_region_features(record, boxes[0], pooled.data)
        logits, offsets = self._stage7_head(pooled)
        return postprocess(logits.data, offsets.data, boxes, batch, s, record)  # 8

    def _record_rpn(self, record: StageRecorder, found: RPNOutput, size: tuple[int, ...]) -> None:
        (h, w), per_cell = size, self.settings.anchors_per_cell

        def anchors() -> np.ndarray:
            return to_numpy(found.anchors).reshape(h, w, per_cell, 4)  # (M, 4) -> (h, w, A, 4)

        def objectness() -> np.ndarray:
            logits = to_numpy(found.objectness.data[0]).reshape(h, w, per_cell)
            return 1 / (1 + np.exp(-np.clip(logits, -50, 50)))

        record(
            "anchors",
            f"Anchors\n{per_cell} at each of {h * w:,} cells, {h * w * per_cell:,} boxes in all",
            "anchors",
            lambda: {"anchors": anchors()},
        )
        record(
            "objectness",
            "Objectness\nof each anchor, 0 to 1",
            "objectness",
            lambda: {"objectness": objectness(), "anchors": anchors()},
        )

    def _begin(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None,
    ) -> tuple[ImageBatch, list[Objects], np.random.Generator]:
        images = self.checked(images, "loss", targets)
        check_targets(images, targets, len(self.classes))
        batch = self._stage1_batch(images)
        objects = objects_in_batch(batch, targets, like=self.rpn.conv.weight.data)
        return batch, objects, np.random.default_rng(0) if rng is None else rng

    def _rpn_losses(
        self, found: RPNOutput, objects: list[Objects], rng: np.random.Generator
    ) -> dict[str, Tensor]:
        s, (objectness, deltas, anchors) = self.settings, found
        samples = s.rpn_samples, s.rpn_positive_fraction
        sampled = [
            anchor_targets(anchors, own.boxes, self.anchor_matcher, *samples, rng)
            for own in objects
        ]
        is_object, box = rpn_loss(objectness, deltas, sampled, s.rpn_smooth_l1_beta)
        return {"loss_objectness": is_object, "loss_rpn_box_reg": box}

    def _head_losses(
        self,
        features: Tensor,
        proposals: list[Array],
        objects: list[Objects],
        rng: np.random.Generator,
    ) -> dict[str, Tensor]:
        s = self.settings
        sampled = sample_regions(proposals, objects, self.region_matcher, s, rng)
        pooled = self._stage6_pool(features, [regions.boxes for regions in sampled])
        logits, offsets = self._stage7_head(pooled)
        classifier, box = box_loss(logits, offsets, sampled, s.head_smooth_l1_beta)
        return {"loss_classifier": classifier, "loss_box_reg": box}

    def _stage1_batch(self, images: Sequence[np.ndarray]) -> ImageBatch:
        return batch_for(self.backbone, images, self.settings.min_size, self.settings.max_size)

    def _stage2_features(self, batch: ImageBatch) -> Tensor:
        xp = xp_of(self.rpn.conv.weight.data)  # the pixels go where the weights are
        (features,) = self.backbone(Tensor(xp.asarray(batch.pixels)))
        return features  # (N, 3, H, W) -> (N, C, h, w)

    def _stage3_rpn(self, features: Tensor) -> RPNOutput:
        h, w = features.shape[2:]
        anchors = self.anchors.generate(h, w, like=features.data)  # (M, 4), M = h w A
        objectness, deltas = self.rpn(features)  # (N, C, h, w) -> (N, M), (N, M, 4)
        return RPNOutput(objectness, deltas, anchors)

    def _stage4_propose(
        self, found: RPNOutput, batch: ImageBatch, pre_nms_top_n: int
    ) -> list[Proposals]:
        return [
            propose(
                found.objectness.data[i],  # .data: a proposal is a constant, without a gradient
                found.deltas.data[i],
                found.anchors,
                size,
                pre_nms_top_n=pre_nms_top_n,
                min_size=self.settings.min_proposal_size,
            )  # (M,), (M, 4) -> (P, 4)
            for i, size in enumerate(batch.sizes)
        ]

    def _stage5_suppress(
        self, candidates: Sequence[Proposals], post_nms_top_n: int
    ) -> list[Proposals]:
        threshold = self.settings.rpn_nms_threshold
        return [
            suppress(own, nms_threshold=threshold, post_nms_top_n=post_nms_top_n)
            for own in candidates
        ]  # (P, 4) -> (R, 4)

    def _stage6_pool(self, features: Tensor, boxes: Sequence[Array]) -> Tensor:
        return F.roi_align(
            features,
            *join_regions(boxes),  # (R, 4), the regions of all images together
            self.settings.pooled_size,
            spatial_scale=1 / self.stride,
            sampling_ratio=self.settings.sampling_ratio,
            aligned=True,
        )  # (N, C, h, w) -> (R, C, 7, 7)

    def _stage7_head(self, region_features: Tensor) -> tuple[Tensor, Tensor]:
        units = self.box_head(region_features)  # (R, C, 7, 7) -> (R, units)
        return self.box_predictor(units)  # -> (R, K+1), (R, K+1, 4)
