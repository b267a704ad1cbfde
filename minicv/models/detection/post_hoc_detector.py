"""What R-CNN and SPP-net have in common: all but the way from a region to its features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.backend import Array, to_numpy, xp_of
from minicv.data import check_targets
from minicv.models.backbones.backbone import Backbone
from minicv.models.detection.box_head import TwoLayerHead
from minicv.models.detection.post_hoc import PostHoc, RegionFeatures
from minicv.models.detection.post_hoc_settings import PostHocSettings
from minicv.models.detection.select_detections import select_detections
from minicv.models.detection.training_targets import (
    RegionTargets,
    learnable_objects,
    region_targets,
)
from minicv.models.photographs import check_image
from minicv.nn import Linear, Module, evaluating
from minicv.nn import initializers as init
from minicv.proposals import Proposer
from minicv.vision.boxes import clip_boxes_to_image, decode_boxes, remove_small_boxes
from minicv.vision.matching import Matcher

Target = Mapping[str, Any]
Result = dict[str, np.ndarray]


class PostHocDetector(Module):
    """Proposals, a network fine-tuned as a classifier of regions, and `PostHoc` fitted on top.

    A subclass writes ``region_features``, ``_units_of_regions`` and ``_detect`` from its own
    numbered stages; the last three of these stand here.

    Args:
        backbone: pixels to features; brings its normalisation and stride.
        classes: the K names; label k means ``classes[k]``.
        proposer: says where to look. It is asked at every loss and prediction; let
            `minicv.proposals.CachedProposals` remember what a slow one said.
        settings: sizes, thresholds, counts.
        pooled: P, the number of pooled features of a region.
        rng: draws the initial weights, and what dropout drops.
    """

    def __init__(
        self,
        backbone: Backbone,
        classes: Sequence[str],
        proposer: Proposer,
        settings: PostHocSettings,
        pooled: int,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.classes = tuple(classes)
        self.proposer = proposer
        self.region_matcher = Matcher(
            settings.head_positive_iou,
            settings.head_positive_iou,
            background_floor=settings.head_background_floor,
        )
        units = settings.head_units
        self.backbone = backbone
        self.box_head = TwoLayerHead(pooled, units, dropout=settings.dropout, rng=rng)
        self.cls_score = Linear(units, len(self.classes) + 1, rng=rng)  # the background first
        self.cls_score.weight.data = init.normal(self.cls_score.weight.shape, rng, std=0.01)
        self.cls_score.bias.data = init.constant(self.cls_score.bias.shape, 0.0)
        self.post_hoc = PostHoc(units, pooled, len(self.classes))

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The loss of fine-tuning, softmax: which class is in each sampled region, or none?

        Args:
            images, targets: see `FasterRCNN.loss`.
            rng: draws the regions, and serves the proposer; None draws the same ones at every call.

        Raises:
            ValueError: a box or label that cannot be learnt from; names the image and the field.
        """
        sampled = self._sample(images, targets, rng)
        units = self._units_of_regions(images, [regions.boxes for regions in sampled])  # (S, U)
        xp = xp_of(units.data)
        columns = xp.asarray(np.concatenate([regions.columns for regions in sampled]))  # (S,)
        return {"loss_classifier": F.softmax_cross_entropy(self.cls_score(units), columns)}

    def predict(self, images: Sequence[np.ndarray]) -> list[Result]:
        """For each image its detections, best first.

        Returns:
            dictionaries of ``"boxes"`` (D, 4) in the pixels of the image, ``"labels"`` (D,) 0..K-1
            and ``"scores"`` (D,) in 0..1. The score of a support vector machine is passed through
            the logistic function, so 0.5 lies on its boundary, and the order stays.

            Until `minicv.training.train_post_hoc` has run, classes are scored by the softmax and
            boxes stay where they were proposed, whatever the settings say; so the network can be
            watched while it is fine-tuned.
        """
        for index, image in enumerate(images):
            check_image(image, f"{type(self).__name__}: image {index}")
        with no_grad(), evaluating(self):
            return [self._detect(image)["detections"] for image in images]

    def stages(self, image: np.ndarray) -> dict[str, Any]:
        """What `predict` does to one image, with the result of every stage kept, by name.

        All boxes are in the pixels of the image: ``proposals`` (R, 4) with ``proposal_scores``;
        ``region_features`` (R, P), ``head_features`` (R, U); ``svm_scores`` (R, K);
        ``class_scores`` (R, K) in 0..1, from the machines or the softmax; ``refined_boxes``
        (R, K, 4), and what a detector's own file names.
        """
        check_image(image, f"{type(self).__name__}: image")
        with no_grad(), evaluating(self):
            return {"image": image, **self._detect(image)}

    def region_features(self, image: np.ndarray, boxes: np.ndarray) -> RegionFeatures:
        """What the network makes of these regions; (R, P) and (R, U), no gradients.

        Args:
            image: (3, H, W), RGB float in 0..1.
            boxes: (R, 4), pixels of the image.
        """
        raise NotImplementedError(f"{type(self).__name__}: region_features is not written")

    def propose(self, image: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The proposer's best boxes (R, 4) that are large enough, and their scores (R,)."""
        boxes, scores = self.proposer.propose(image, rng)
        boxes, scores = boxes[: self.settings.max_proposals], scores[: self.settings.max_proposals]
        large = remove_small_boxes(boxes, self.settings.min_proposal_size)
        return boxes[large], scores[large]

    def _units_of_regions(
        self, images: Sequence[np.ndarray], regions: Sequence[np.ndarray]
    ) -> Tensor:
        """Head features (S, U) of some regions (R, 4) of each image, S in all, to learn from."""
        raise NotImplementedError(f"{type(self).__name__}: _units_of_regions is not written")

    def _detect(self, image: np.ndarray) -> dict[str, Any]:
        raise NotImplementedError(f"{type(self).__name__}: _detect is not written")

    def _decide(
        self, image: np.ndarray, boxes: np.ndarray, features: RegionFeatures
    ) -> dict[str, Any]:
        """The last three stages: what the features of the proposals (R, 4) say."""
        scores = {name: to_numpy(array) for name, array in self._score(features.units).items()}
        refined = self._regress(features.pooled, boxes, image.shape[1:])
        return {
            "region_features": to_numpy(features.pooled),
            "head_features": to_numpy(features.units),
            **scores,
            "refined_boxes": refined,
            "detections": self._postprocess(scores["class_scores"], refined),
        }

    def _sample(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None,
    ) -> list[RegionTargets]:
        """For fine-tuning: regions of each image in its own pixels, and what they hold."""
        check_targets(images, targets, len(self.classes))
        for index, image in enumerate(images):
            check_image(image, f"{type(self).__name__}: image {index}")
        rng = np.random.default_rng(0) if rng is None else rng
        s = self.settings
        return [
            region_targets(
                self.propose(image, rng)[0],
                *learnable_objects(target),
                self.region_matcher,
                s.head_samples,
                s.head_positive_fraction,
                (1.0, 1.0, 1.0, 1.0),
                rng,
            )
            for image, target in zip(images, targets, strict=True)
        ]

    def _score(self, units: Array) -> dict[str, Array]:
        """(R, U) -> margins and scores of every region for every class, (R, K) each."""
        xp = xp_of(units)
        margins = self.post_hoc.svm_scores(units)
        if self.settings.scoring == "svm" and self.post_hoc.is_fitted:
            scores = 1 / (1 + xp.exp(-xp.clip(margins, -50, 50)))
        else:
            scores = F.softmax(self.cls_score(Tensor(units)), dim=1).data[:, 1:]
        return {"svm_scores": margins, "class_scores": scores}

    def _regress(self, pooled: Array, boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """(R, P) and (R, 4) -> (R, K, 4): the box of every region for every class."""
        if self.settings.box_regression and self.post_hoc.is_fitted:
            offsets = to_numpy(self.post_hoc.box_offsets(pooled))
            return clip_boxes_to_image(decode_boxes(offsets, boxes), size)
        return np.repeat(boxes[:, None], len(self.classes), axis=1)

    def _postprocess(self, class_scores: np.ndarray, refined_boxes: np.ndarray) -> Result:
        s = self.settings
        boxes, labels, scores = select_detections(
            class_scores,
            refined_boxes,
            score_threshold=s.score_threshold,
            nms_threshold=s.nms_threshold,
            detections_per_image=s.detections_per_image,
        )
        return {"boxes": boxes, "labels": labels, "scores": scores}
