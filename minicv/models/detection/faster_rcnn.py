"""Faster R-CNN: one network proposes regions and recognises what they hold (Ren et al. 2015).

    1. batch      images                    -> resized, normalised, padded pixels   (N, 3, H, W)
    2. features   pixels                    -> backbone, one map or more            (N, C, h, w)
    3. rpn        features                  -> objectness and offsets of M anchors  (N, M), (N, M, 4)
    4. propose    scores, offsets, anchors  -> the best anchors, moved              (P, 4)
    5. suppress   boxes, scores             -> the best of boxes that overlap       (R, 4)
    6. pool       features, boxes           -> RoIAlign                             (R, C, 7, 7)
    7. head       region features           -> class scores and box offsets         (R, K+1), (R, K+1, 4)
    8. post       scores, offsets, boxes    -> detections                           (D, 4)

Training runs 1 to 7 with sampled anchors and regions and adds four losses. The code of stages 3 to
5 is in `rpn.py`, that of 7 and 8 in `roi_heads.py`, what the head learns in `region_targets.py`.

A feature pyramid (`minicv.models.backbones.FPN`) gives L maps. Then the same proposal network looks
at each of them for objects of another size, and each region is pooled from the map that suits its
size. Everything else stays the same.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.backend import Array, to_numpy, xp_of
from minicv.data import check_targets
from minicv.inspection.stage import StageRecorder, record_input
from minicv.models.backbones.backbone import Backbone
from minicv.models.detection.head_rounds import mean_logits, moved_regions
from minicv.models.detection.pyramid_stages import (
    record_candidates,
    record_levels,
    record_maps,
    record_proposals,
    record_rpn,
)
from minicv.models.detection.region_stages import record_detections, record_region_features
from minicv.models.detection.region_targets import (
    ObjectsOfImages,
    RegionTargets,
    objects_in_batch,
    sample_regions,
)
from minicv.models.detection.roi_heads import (
    BoxPredictor,
    Found,
    RegionSettings,
    TwoLayerHead,
    box_loss,
    detect,
    in_image,
    join_regions,
)
from minicv.models.detection.rpn import (
    Candidates,
    Proposals,
    RPNHead,
    RPNOutput,
    anchor_targets,
    propose,
    rpn_loss,
    suppress,
)
from minicv.models.model import Model, Result, Target
from minicv.models.photographs import ImageBatch, batch_for
from minicv.nn import evaluating
from minicv.vision.anchors import AnchorGrid, CornerAnchorGrid
from minicv.vision.levels import assign_levels
from minicv.vision.matching import Matcher


@dataclass(frozen=True)
class FasterRCNNSettings(RegionSettings):
    """The numbers of `RegionSettings`, and the proposal network's.

    The defaults are the papers', except that fewer proposals spare the CPU (the papers train on
    2000 after suppression).

    Raises:
        ValueError: an image size below one pixel.

    Source: Ren et al., Faster R-CNN, 2015, section 3; of several maps Lin et al., Feature Pyramid
    Networks, 2017, section 4.

    >>> FasterRCNNSettings(min_size=320).anchor_sizes
    (128.0, 256.0, 512.0)
    """

    # 3. Anchors: square roots of their areas in pixels of the network input, and height / width.
    #    L maps share the sizes evenly, the finest map has the first ones.
    anchor_sizes: tuple[float, ...] = (128.0, 256.0, 512.0)
    aspect_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    rpn_channels: int = 256

    # 4 and 5. Proposals, before suppression of each map and after it of all maps together.
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

    # 6. Region features: sample points along each side of a bin; and of several maps, how large a
    #    region is pooled from the map of stride 16.
    sampling_ratio: int = 2
    canonical_size: float = 224.0

    # 6 and 7. How often the head looks at each region, each time where it moved it the time before.
    head_rounds: int = 1

    # Published weights fit only the geometry that they were trained with: torchvision resizes
    # without smoothing, centres anchors on the corner of their cell, rounds them, and pools half a
    # cell aside.
    smoothed_resize: bool = True
    anchors_at_corners: bool = False
    aligned: bool = True


class FasterRCNN(Model):
    """A detector of ``classes``, on a backbone with one feature map or on a feature pyramid.

    Args:
        backbone: pixels to features; brings its normalisation and strides. Several maps need the
            same number of channels, as those of `minicv.models.backbones.FPN` have.
        classes: the K names; label k means ``classes[k]``.
        settings: sizes, thresholds, counts.
        rng: draws the initial weights.

    Raises:
        ValueError: maps of different channels, or anchor sizes that the maps cannot share evenly.

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
        self.strides, channels = backbone.strides, backbone.out_channels[0]
        self.sizes_of_levels = _share_out(s.anchor_sizes, backbone)
        anchors_per_cell = len(self.sizes_of_levels[0]) * len(s.aspect_ratios)
        self.anchor_matcher = Matcher(
            s.rpn_positive_iou, s.rpn_negative_iou, allow_low_quality_matches=True
        )
        self.region_matcher = Matcher(s.head_positive_iou, s.head_positive_iou)

        self.backbone = backbone
        self.rpn = RPNHead(channels, s.rpn_channels, anchors_per_cell, rng=rng)
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
        return self.learn_from_batch(images, targets, rng)[0]

    def learn_from_batch(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None,
    ) -> tuple[dict[str, Tensor], ImageBatch, tuple[Tensor, ...], list[RegionTargets]]:
        """`loss`, and for losses that follow the batch, its feature maps and the drawn regions."""
        batch, objects, rng = self._begin(images, targets, rng)
        s = self.settings
        features = self._stage2_features(batch)
        found = self._stage3_rpn(features, batch)
        losses = self._rpn_losses(found, objects, rng)
        candidates = self._stage4_propose(found, batch, s.pre_nms_top_n_train)
        proposals = self._stage5_suppress(candidates, s.post_nms_top_n_train)
        boxes = [own.boxes for own in proposals]
        sampled = self._sample_regions(boxes, objects, rng)
        return losses | self._head_losses(features, sampled), batch, features, sampled

    def rpn_loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The two losses of the proposal network alone; see `loss`."""
        batch, objects, rng = self._begin(images, targets, rng)
        found = self._stage3_rpn(self._stage2_features(batch), batch)
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
        xp = xp_of(features[0].data)
        boxes = [xp.asarray(batch.boxes_to_batch(i, own)) for i, own in enumerate(proposals)]
        sampled = self._sample_regions(boxes, objects, rng)
        return self._head_losses(features, sampled)

    def propose(self, image: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The proposal network alone, as a `minicv.proposals.Proposer`; ``rng`` is not used.

        Returns:
            boxes (R, 4) in the pixels of the image and scores (R,), as many as in training.
        """
        s = self.settings
        with no_grad(), evaluating(self):
            batch = self._stage1_batch([image])
            found = self._stage3_rpn(self._stage2_features(batch), batch)
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
        batch, _, found = self.detect_in_batch(images, record)
        results = [in_image(batch, index, own) for index, own in enumerate(found)]
        record_detections(record, batch.images[0], results[0], found[0].regions)
        return results

    def detect_in_batch(
        self, images: Sequence[np.ndarray], record: StageRecorder
    ) -> tuple[ImageBatch, tuple[Tensor, ...], list[Found]]:
        """All stages; the detections of each image are still in the pixels of the batch.

        Returns:
            the batch, its feature maps, and the detections, for stages that follow.
        """
        s = self.settings
        batch = self._stage1_batch(images)
        record_input(record, batch.sizes[0], lambda: batch.input_image(0, self.backbone))
        features = self._stage2_features(batch)
        record_maps(record, features, self.strides)
        found = self._stage3_rpn(features, batch)
        record_rpn(record, found, self.strides)
        candidates = self._stage4_propose(found, batch, s.pre_nms_top_n_test)
        record_candidates(record, candidates)
        proposals = self._stage5_suppress(candidates, s.post_nms_top_n_test)
        record_proposals(record, "proposals", "Proposals after NMS", proposals[0])
        boxes = [own.boxes for own in proposals]
        pooled = self.pool(features, boxes, s.pooled_size, record)  # 6
        record_region_features(record, boxes[0], pooled.data)
        logits, offsets = self._stage7_head(pooled)
        rounds = [logits.data]
        for _ in range(s.head_rounds - 1):  # 6 and 7 again
            boxes = moved_regions(logits.data, offsets.data, boxes, batch, s)
            logits, offsets = self._stage7_head(self.pool(features, boxes, s.pooled_size))
            rounds.append(logits.data)
        scores = mean_logits(rounds)
        return batch, features, detect(scores, offsets.data, boxes, batch, s, record)  # 8

    def _begin(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None,
    ) -> tuple[ImageBatch, ObjectsOfImages, np.random.Generator]:
        images = self.checked(images, "loss", targets)
        check_targets(images, targets, len(self.classes))
        batch = self._stage1_batch(images)
        objects = objects_in_batch(batch, targets, like=self.rpn.conv.weight.data)
        return batch, objects, np.random.default_rng(0) if rng is None else rng

    def _rpn_losses(
        self, found: RPNOutput, objects: ObjectsOfImages, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        s, (objectness, deltas, anchors, _) = self.settings, found
        samples = s.rpn_samples, s.rpn_positive_fraction
        truth = objects.boxes, objects.counts
        sampled = anchor_targets(anchors, *truth, self.anchor_matcher, *samples, rng)
        is_object, box = rpn_loss(objectness, deltas, sampled, s.rpn_smooth_l1_beta)
        return {"loss_objectness": is_object, "loss_rpn_box_reg": box}

    def _sample_regions(
        self, boxes: Sequence[Array], objects: ObjectsOfImages, rng: np.random.Generator
    ) -> list[RegionTargets]:
        s = self.settings
        samples = s.head_samples, s.head_positive_fraction
        return sample_regions(boxes, objects, self.region_matcher, *samples, rng, s.box_weights)

    def _head_losses(
        self, features: tuple[Tensor, ...], sampled: list[RegionTargets]
    ) -> dict[str, Tensor]:
        s = self.settings
        pooled = self.pool(features, [regions.boxes for regions in sampled], s.pooled_size)
        logits, offsets = self._stage7_head(pooled)
        classifier, box = box_loss(logits, offsets, sampled, s.head_smooth_l1_beta)
        return {"loss_classifier": classifier, "loss_box_reg": box}

    def _stage1_batch(self, images: Sequence[np.ndarray]) -> ImageBatch:
        s = self.settings
        return batch_for(self.backbone, images, s.min_size, s.max_size, smoothed=s.smoothed_resize)

    def _stage2_features(self, batch: ImageBatch) -> tuple[Tensor, ...]:
        xp = xp_of(self.rpn.conv.weight.data)  # the pixels go where the weights are
        return self.backbone(Tensor(xp.asarray(batch.pixels)))  # (N, 3, H, W) -> (N, C, h, w), ...

    def _stage3_rpn(self, features: Sequence[Tensor], batch: ImageBatch) -> RPNOutput:
        found = [self.rpn(own) for own in features]  # (N, C, h, w) -> (N, h w A), (N, h w A, 4)
        anchors = [self._anchors(level, own, batch) for level, own in enumerate(features)]
        shapes = [
            (h, w, len(boxes) // (h * w))
            for (h, w), boxes in zip((own.shape[2:] for own in features), anchors, strict=True)
        ]
        objectness, deltas = zip(*found, strict=True)
        if len(features) == 1:
            return RPNOutput(objectness[0], deltas[0], anchors[0], shapes)
        return RPNOutput(  # level after level
            F.concatenate(objectness, 1),  # (N, M)
            F.concatenate(deltas, 1),  # (N, M, 4)
            xp_of(anchors[0]).concatenate(anchors),  # (M, 4)
            shapes,
        )

    def _anchors(self, level: int, features: Tensor, batch: ImageBatch) -> Array:
        (h, w), sizes = features.shape[2:], self.sizes_of_levels[level]
        ratios = tuple(self.settings.aspect_ratios)
        if self.settings.anchors_at_corners:
            padded = batch.pixels.shape[2:]
            corners = CornerAnchorGrid(sizes, ratios)
            return corners.generate(h, w, image_size=padded, like=features.data)
        grid = AnchorGrid(self.strides[level], sizes, ratios)
        return grid.generate(h, w, like=features.data)  # (h w A, 4)

    def _stage4_propose(
        self, found: RPNOutput, batch: ImageBatch, pre_nms_top_n: int
    ) -> Candidates:
        return propose(
            found.objectness.data,  # .data: a proposal is a constant, without a gradient
            found.deltas.data,
            found.anchors,
            found.counts,
            batch.sizes,
            pre_nms_top_n=pre_nms_top_n,
            min_size=self.settings.min_proposal_size,
        )  # (N, M), (N, M, 4) -> (N, P, 4)

    def _stage5_suppress(self, candidates: Candidates, post_nms_top_n: int) -> list[Proposals]:
        threshold = self.settings.rpn_nms_threshold
        return suppress(candidates, nms_threshold=threshold, post_nms_top_n=post_nms_top_n)

    def pool(
        self,
        features: Sequence[Tensor],
        boxes: Sequence[Array],
        size: int,
        record: StageRecorder | None = None,
    ) -> Tensor:
        """Stage 6: the features of every region, from the map that suits its size.

        Args:
            features: the maps of the backbone, (N, C, h, w) each.
            boxes: the regions of each image, R in all, in the pixels of the batch.
            size: rows and columns of the result.
            record: gets the levels of the first image's regions, if there are several.

        Returns:
            (R, C, size, size), image after image.
        """
        strides = self.backbone.region_strides
        regions, image_of_region = join_regions(boxes)  # (R, 4), (R,): of all images together

        def align(level: int, own: Array) -> Tensor:
            return F.roi_align(
                features[level],
                regions[own],
                image_of_region[own],
                size,
                spatial_scale=1 / strides[level],
                sampling_ratio=self.settings.sampling_ratio,
                aligned=self.settings.aligned,
            )  # (N, C, h, w) -> (R_level, C, size, size)

        xp = xp_of(regions)
        if len(strides) == 1:
            return align(0, xp.arange(len(regions)))
        levels = assign_levels(regions, strides, canonical_size=self.settings.canonical_size)
        if record is not None:
            record_levels(record, boxes[0], levels[: len(boxes[0])], strides)
        of_levels = [xp.flatnonzero(levels == level) for level in range(len(strides))]
        pooled = F.concatenate([align(level, own) for level, own in enumerate(of_levels)])
        return pooled[xp.argsort(xp.concatenate(of_levels), kind="stable")]  # in the order of boxes

    def _stage7_head(self, region_features: Tensor) -> tuple[Tensor, Tensor]:
        units = self.box_head(region_features)  # (R, C, 7, 7) -> (R, units)
        return self.box_predictor(units)  # -> (R, K+1), (R, K+1, 4)


def _share_out(sizes: Sequence[float], backbone: Backbone) -> list[tuple[float, ...]]:
    """The anchor sizes of each map of the backbone, as many of each."""
    levels, channels = len(backbone.strides), backbone.out_channels
    if len(set(channels)) > 1:
        raise ValueError(
            f"FasterRCNN: the maps of the backbone have {channels} channels; several maps need the "
            "same number, as those of an FPN have"
        )
    if len(sizes) % levels or not sizes:
        raise ValueError(
            f"FasterRCNN: settings.anchor_sizes has {len(sizes)} sizes for {levels} maps; expected "
            f"{levels} or a multiple"
        )
    each = len(sizes) // levels
    return [tuple(sizes[level * each : (level + 1) * each]) for level in range(levels)]
