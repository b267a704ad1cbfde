"""Faster R-CNN: one network proposes regions and recognises what they hold (Ren et al. 2015).

    1. batch      images                    -> resized, normalised, padded pixels   (N, 3, H, W)
    2. features   pixels                    -> backbone                             (N, C, h, w)
    3. rpn        features                  -> objectness and offsets of M anchors  (N, M), (N, M, 4)
    4. propose    scores, offsets, anchors  -> the best boxes after suppression     (R, 4)
    5. pool       features, boxes           -> RoIAlign                             (R, C, 7, 7)
    6. head       region features           -> class scores and box offsets         (R, K+1), (R, K+1, 4)
    7. post       scores, offsets, boxes    -> detections                           (D, 4)

Training runs 1 to 6 with sampled anchors and regions and adds four losses.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.backend import Array, to_numpy, xp_of
from minicv.data import check_targets
from minicv.models.backbones.backbone import Backbone
from minicv.models.detection.box_head import BoxPredictor, Detections, TwoLayerHead
from minicv.models.detection.faster_rcnn_settings import FasterRCNNSettings
from minicv.models.detection.faster_rcnn_stages import FasterRCNNStages
from minicv.models.detection.image_batch import ImageBatch, batch_for
from minicv.models.detection.losses import head_losses, rpn_losses
from minicv.models.detection.region_proposal_network import Proposals, RPNHead, propose
from minicv.models.detection.regions_of_batch import (
    join_regions,
    postprocess_regions,
    sample_regions,
)
from minicv.models.detection.training_targets import Objects, anchor_targets, objects_in_batch
from minicv.nn import Module, evaluating
from minicv.vision.anchors import AnchorGrid
from minicv.vision.matching import Matcher

Target = dict[str, Any]
Result = dict[str, np.ndarray]


class FasterRCNN(Module):
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
    """

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
        self.anchors = AnchorGrid(backbone.stride, tuple(s.anchor_sizes), tuple(s.aspect_ratios))
        self.anchor_matcher = Matcher(
            s.rpn_positive_iou, s.rpn_negative_iou, allow_low_quality_matches=True
        )
        self.region_matcher = Matcher(s.head_positive_iou, s.head_positive_iou)

        self.backbone = backbone
        self.rpn = RPNHead(backbone.out_channels, s.rpn_channels, s.anchors_per_cell, rng=rng)
        pooled_features = backbone.out_channels * s.pooled_size**2
        self.box_head = TwoLayerHead(pooled_features, s.head_units, rng=rng)
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
        proposals = self._stage4_propose(
            found, batch, s.pre_nms_top_n_train, s.post_nms_top_n_train
        )
        boxes = [one.boxes for one in proposals]
        return losses | self._head_losses(features, boxes, objects, rng)

    def rpn_loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The first two of the four losses, those of the proposal network; see `loss`."""
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
        """The other two, those of the head, on proposals that come from elsewhere; see `loss`.

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
            as many boxes (R, 4), in the pixels of the image, and scores (R,) as in training.
        """
        s = self.settings
        with no_grad(), evaluating(self):
            batch = self._stage1_batch([image])
            found = self._stage3_rpn(self._stage2_features(batch))
            boxes, scores, *_ = self._stage4_propose(
                found, batch, s.pre_nms_top_n_train, s.post_nms_top_n_train
            )[0]
        return batch.boxes_to_image(0, to_numpy(boxes)), to_numpy(scores)

    def predict(self, images: Sequence[np.ndarray]) -> list[Result]:
        """For each image its detections, best first.

        Returns:
            dictionaries of ``"boxes"`` (D, 4) in the pixels of the image given, ``"labels"`` (D,)
            0..K-1 and ``"scores"`` (D,) in 0..1.
        """
        stages = self._detect(images)
        return [stages.result(i) for i in range(len(images))]

    def stages(self, image: np.ndarray) -> dict[str, Any]:
        """What `predict` does to one image, with the result of every stage kept, by name.

        All but ``image`` and ``detections`` are in the pixels of the network's input: ``input``
        (3, H, W), ``feature_map`` (C, h, w), ``anchors`` (M, 4), ``anchors_per_location``,
        ``objectness`` (A, h, w) logits, ``proposals_before_nms`` (P, 4) with
        ``proposal_scores_before_nms``, ``proposals`` (R, 4) with ``proposal_scores``,
        ``region_features`` (R, C, 7, 7), ``class_scores`` (R, K+1) with the background first,
        ``refined_boxes`` (R, K, 4).
        """
        return {"image": image, **self._detect([image]).as_arrays(0, self.backbone)}

    def _detect(self, images: Sequence[np.ndarray]) -> FasterRCNNStages:
        s = self.settings
        with no_grad(), evaluating(self):
            batch = self._stage1_batch(images)
            features = self._stage2_features(batch)
            found = self._stage3_rpn(features)
            proposals = self._stage4_propose(
                found, batch, s.pre_nms_top_n_test, s.post_nms_top_n_test
            )
            boxes, scores = ([one[k] for one in proposals] for k in (0, 1))
            pooled = self._stage5_pool(features, boxes)
            logits, offsets = self._stage6_head(pooled)
            detections = self._stage7_postprocess(logits, offsets, boxes, batch)
        objectness, _, anchors = found
        return FasterRCNNStages(
            batch, features, boxes, scores, pooled, detections, anchors, objectness, proposals
        )

    def _begin(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None,
    ) -> tuple[ImageBatch, list[Objects], np.random.Generator]:
        check_targets(images, targets, len(self.classes))
        batch = self._stage1_batch(images)
        objects = objects_in_batch(batch, targets, like=self.rpn.conv.weight.data)
        return batch, objects, np.random.default_rng(0) if rng is None else rng

    def _rpn_losses(
        self,
        found: tuple[Tensor, Tensor, Array],
        objects: list[Objects],
        rng: np.random.Generator,
    ) -> dict[str, Tensor]:
        s, (objectness, deltas, anchors) = self.settings, found
        sampled = [
            anchor_targets(
                anchors, boxes, self.anchor_matcher, s.rpn_samples, s.rpn_positive_fraction, rng
            )
            for boxes, _ in objects
        ]
        is_object, box = rpn_losses(objectness, deltas, sampled, s.rpn_smooth_l1_beta)
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
        pooled = self._stage5_pool(features, [regions.boxes for regions in sampled])
        logits, offsets = self._stage6_head(pooled)
        classifier, box = head_losses(logits, offsets, sampled, s.head_smooth_l1_beta)
        return {"loss_classifier": classifier, "loss_box_reg": box}

    def _stage1_batch(self, images: Sequence[np.ndarray]) -> ImageBatch:
        return batch_for(self.backbone, images, self.settings.min_size, self.settings.max_size)

    def _stage2_features(self, batch: ImageBatch) -> Tensor:
        xp = xp_of(self.rpn.conv.weight.data)  # the pixels go where the weights are
        return self.backbone(Tensor(xp.asarray(batch.pixels)))  # (N, 3, H, W) -> (N, C, h, w)

    def _stage3_rpn(self, features: Tensor) -> tuple[Tensor, Tensor, Array]:
        h, w = features.shape[2:]
        anchors = self.anchors.generate(h, w, like=features.data)  # (M, 4), M = h w A
        objectness, deltas = self.rpn(features)  # (N, C, h, w) -> (N, M), (N, M, 4)
        return objectness, deltas, anchors

    def _stage4_propose(
        self, found: tuple[Tensor, Tensor, Array], batch: ImageBatch, pre_nms: int, post_nms: int
    ) -> list[Proposals]:
        objectness, deltas, anchors = found
        return [
            propose(
                objectness.data[i],  # .data: a proposal is a constant, without a gradient; (M,)
                deltas.data[i],  # (M, 4)
                anchors,
                size,
                pre_nms_top_n=pre_nms,
                post_nms_top_n=post_nms,
                nms_threshold=self.settings.rpn_nms_threshold,
                min_size=self.settings.min_proposal_size,
            )  # -> boxes (R, 4)
            for i, size in enumerate(batch.sizes)
        ]

    def _stage5_pool(self, features: Tensor, boxes: list[Array]) -> Tensor:
        return F.roi_align(
            features,
            *join_regions(boxes),  # (R, 4), the regions of all images together
            self.settings.pooled_size,
            spatial_scale=1 / self.backbone.stride,
            sampling_ratio=self.settings.sampling_ratio,
            aligned=True,
        )  # (N, C, h, w) -> (R, C, 7, 7)

    def _stage6_head(self, region_features: Tensor) -> tuple[Tensor, Tensor]:
        units = self.box_head(region_features)  # (R, C, 7, 7) -> (R, units)
        return self.box_predictor(units)  # -> (R, K+1), (R, K+1, 4)

    def _stage7_postprocess(
        self, logits: Tensor, offsets: Tensor, regions: list[Array], batch: ImageBatch
    ) -> list[Detections]:
        return postprocess_regions(logits, offsets, regions, batch.sizes, self.settings)
