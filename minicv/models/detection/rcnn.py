"""R-CNN: regions with features of a ConvNet (Girshick et al. 2014).

    1. propose    image             -> any proposer's boxes                          (R, 4)
    2. warp       image, boxes      -> each stretched to a square, with context      (R, 3, S, S)
    3. features   warped regions    -> backbone, pooling; fully connected layers     (R, P), (R, U)
    4. score      features          -> an SVM for each class                         (R, K)
    5. regress    pooled features   -> boxes moved towards the object                (R, K, 4)
    6. post       scores, boxes     -> detections                                    (D, 4)

The network runs on every region as on a picture of its own, which makes R-CNN slow. Training has
two steps. Fine-tuning (`RCNN.loss`) runs 1 to 3 on sampled regions and minimises a softmax loss
(section 2.3 and appendix B). Then `minicv.training.fit_svms` writes the features of all proposals
to disk and fits the SVMs of 4 and the box regressors of 5 to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.backend import Array, to_numpy, xp_of
from minicv.data import check_targets
from minicv.inspection.stage import StageRecorder, record_input
from minicv.models.backbones.backbone import Backbone
from minicv.models.detection.proposals_on_copy import (
    MAX_SIDE,
    boxes_between,
    copy_within,
    propose_on_copy,
)
from minicv.models.detection.region_stages import (
    record_boxes,
    record_detections,
    record_refined_boxes,
    record_region_features,
    record_scores,
)
from minicv.models.detection.region_targets import learnable_objects, region_targets
from minicv.models.detection.roi_heads import Found, TwoLayerHead, draw_weights, select_detections
from minicv.models.model import Model, Result, Target
from minicv.models.photographs import denormalised, normalised_batch
from minicv.nn import Buffer, Linear, Module, evaluating
from minicv.proposals import Proposer
from minicv.vision.boxes import clip_boxes_to_image, decode_boxes, remove_small_boxes
from minicv.vision.matching import Matcher
from minicv.vision.warp import warp_boxes


@dataclass(frozen=True)
class SVMDetectorSettings:
    """The numbers that R-CNN and SPP-net share.

    The defaults are R-CNN's, except for a head with fewer units (the paper's has 4096), to spare
    the CPU. What the paper does not give is as in the authors' public implementation.

    ``scoring`` and ``box_regression`` say which of the trained parts a prediction uses. One
    training fits all of them, so `dataclasses.replace` on a trained model's settings compares them.

    Raises:
        ValueError: an unknown way of scoring.

    Source: Girshick et al., "Rich feature hierarchies" (2014), sections 2 and 3, appendices A to C.
    """

    # Proposals: how many are used at most, the best ones, and which are too small to look at. An
    # image with a longer side than max_proposal_side is searched in a copy of that size, from which
    # R-CNN also cuts its regions.
    max_proposals: int = 2000
    min_proposal_size: float = 2.0
    max_proposal_side: int = MAX_SIDE

    # Fine-tuning: regions drawn from an image; two images make the paper's batch of 128. At most a
    # quarter of them hold an object. Background overlaps an object by the floor at least.
    head_units: int = 1024
    head_samples: int = 64
    head_positive_fraction: float = 0.25
    head_positive_iou: float = 0.5
    head_background_floor: float = 0.0
    dropout: float = 0.5

    # SVMs and box regressors see features scaled to this mean norm.
    feature_norm: float = 20.0

    # SVMs: positives are the true boxes alone. Negatives are the hard ones among the regions whose
    # overlap with all objects of the class is below this.
    svm_negative_iou: float = 0.3
    svm_c: float = 1e-3
    svm_positive_weight: float = 2.0
    svm_bias_feature: float = 10.0
    svm_hard_score: float = -1.0001
    svm_easy_score: float = -1.2
    svm_retrain_after: int = 2000

    # Box regression: from regions that overlap an object by more than this.
    regression_iou: float = 0.6
    regression_penalty: float = 1000.0

    # Detection.
    scoring: Literal["svm", "softmax"] = "svm"
    box_regression: bool = True
    score_threshold: float = 0.05
    nms_threshold: float = 0.3
    detections_per_image: int = 100

    def __post_init__(self) -> None:
        if self.scoring not in ("svm", "softmax"):
            raise ValueError(
                f"{type(self).__name__}: scoring is {self.scoring!r}; expected 'svm' or 'softmax'"
            )

    @property
    def bins(self) -> int:
        """Numbers that pooling leaves of each channel, in every region."""
        raise NotImplementedError(f"{type(self).__name__}: bins is not written")

    @property
    def maps(self) -> tuple[int, int]:
        """Rows and columns of the map with which the pooled features begin."""
        raise NotImplementedError(f"{type(self).__name__}: maps is not written")


@dataclass(frozen=True)
class RCNNSettings(SVMDetectorSettings):
    """The numbers of `SVMDetectorSettings`, and R-CNN's own.

    >>> settings = RCNNSettings(warp_size=64, context=5)
    >>> settings.head_samples, settings.bins
    (64, 49)
    """

    # 2. Warping: the side of the square, and how much of it is context, on each side of the box.
    warp_size: int = 224
    context: int = 16

    # 3. Features: rows and columns of each map after pooling. In detection so many regions go
    #    through the network at a time, which bounds the memory.
    pooled_size: int = 7
    regions_at_a_time: int = 64

    @property
    def bins(self) -> int:
        """Numbers that pooling leaves of each channel, in every region."""
        return self.pooled_size**2

    @property
    def maps(self) -> tuple[int, int]:
        """All bins, which are one map."""
        return self.pooled_size, self.pooled_size


class RegionFeatures(NamedTuple):
    """What the network makes of R regions of an image.

    Attributes:
        pooled: (R, P) the pooled convolutional features, from which boxes are regressed.
        units: (R, U) the last fully connected layer, from which classes are scored.
    """

    pooled: Array
    units: Array


class FittedLinear(Module):
    """x weight^T + bias, with numbers that are fitted, not trained by gradients.

    Weight and bias are buffers: checkpoints hold them, and optimizers leave them alone.

    Args:
        in_features, out_features: sizes of x and of the result.

    >>> layer = FittedLinear(2, 1)
    >>> layer.is_fitted
    False
    >>> layer.take(np.array([[1.0, 2.0]]), np.array([0.5]))
    >>> layer(np.array([[1.0, 1.0]], "float32")).tolist(), layer.is_fitted
    ([[3.5]], True)
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = Buffer(np.zeros((out_features, in_features), np.float32))
        self.bias = Buffer(np.zeros(out_features, np.float32))
        self.fitted = Buffer(np.zeros(1, np.bool_))

    @property
    def is_fitted(self) -> bool:
        """Whether weight and bias have been fitted: `take` was called, or a checkpoint has them."""
        return bool(self.fitted.data[0])

    def take(self, weight: np.ndarray, bias: np.ndarray) -> None:
        """Set the weight (out, in) and the bias (out,)."""
        xp = xp_of(self.weight.data)
        self.weight.data = xp.asarray(weight.astype(np.float32))
        self.bias.data = xp.asarray(bias.astype(np.float32))
        self.fitted.data = xp.ones(1, np.bool_)

    def forward(self, x: Array) -> Array:
        """(R, in) -> (R, out), plain arrays."""
        return x @ self.weight.data.T + self.bias.data


class RCNN(Model):
    """A detector of ``classes`` among the boxes of a proposer, on any backbone with one map.

    Args:
        backbone: pixels to features; brings its normalisation.
        classes: the K names; label k means ``classes[k]``.
        proposer: says where to look. It is asked at every loss and prediction; let
            `minicv.proposals.CachedProposals` remember what a slow one said.
        settings: sizes, thresholds, counts.
        rng: draws the initial weights, and what dropout drops.

    Attributes:
        svms: `FittedLinear`, (R, U) -> (R, K): a linear SVM for each class. A positive score
            speaks for the class; the margin ends at 1.
        box_regressors: `FittedLinear`, (R, P) -> (R, 4 K): for each class the offsets from the
            region to the object, see `minicv.vision.encode_boxes`.

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
    >>> [stage.name for stage in model.stages(image)]
    ['input', 'proposals', 'warped_regions', 'region_features', 'class_scores', 'refined_boxes',
     'detections']
    """

    settings: Any  # RCNNSettings, or SPPNetSettings in the subclass SPPNet

    def __init__(
        self,
        backbone: Backbone,
        classes: Sequence[str],
        proposer: Proposer,
        settings: SVMDetectorSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        s = settings or RCNNSettings()
        self.settings = s
        self.classes = tuple(classes)
        self.proposer = proposer
        self.region_matcher = Matcher(
            s.head_positive_iou, s.head_positive_iou, background_floor=s.head_background_floor
        )
        pooled, units, count = backbone.out_channels[0] * s.bins, s.head_units, len(self.classes)
        self.backbone = backbone
        self.box_head = TwoLayerHead(pooled, units, dropout=s.dropout, rng=rng)
        self.cls_score = Linear(units, count + 1, rng=rng)  # for fine-tuning, background first
        draw_weights(self.cls_score, 0.01, rng)
        self.svms = FittedLinear(units, count)
        self.box_regressors = FittedLinear(pooled, 4 * count)

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """The softmax loss of fine-tuning: the class of each sampled region, or background.

        Args:
            images, targets: see `FasterRCNN.loss`.
            rng: draws the regions, and serves the proposer; None draws the same ones at every call.

        Raises:
            ValueError: a box or label that cannot be learnt from; names the image and the field.
        """
        images = self.checked(images, "loss", targets)
        check_targets(images, targets, len(self.classes))
        rng = np.random.default_rng(0) if rng is None else rng
        s = self.settings
        sampled = [
            region_targets(
                self.propose(image, rng)[0],
                learnable_objects(target),
                self.region_matcher,
                s.head_samples,
                s.head_positive_fraction,
                rng,
            )
            for image, target in zip(images, targets, strict=True)
        ]
        units = self._units_to_learn_from(images, [regions.boxes for regions in sampled])  # (S, U)
        labels = np.concatenate([regions.labels for regions in sampled])  # (S,)
        wanted = xp_of(units.data).asarray(labels)
        return {"loss_classifier": F.softmax_cross_entropy(self.cls_score(units), wanted)}

    def run(self, images: Sequence[np.ndarray], record: StageRecorder) -> list[Result]:
        """Detections of each image, best first. All boxes are in the image's pixels.

        The logistic function turns the score of an SVM into a number in 0..1: 0.5 is the SVM's
        boundary, and the order stays. The stage ``class_scores`` has the raw scores of the SVMs as
        ``svm_scores`` (R, K).

        Until `minicv.training.fit_svms` has run, the softmax scores the classes and boxes stay as
        proposed, whatever the settings say. So validation works during fine-tuning.

        Returns:
            dictionaries as of `FasterRCNN.run`.
        """
        return [self._detect(image, record) for image in images]

    def propose(self, image: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Stage 1: the proposer's best boxes (R, 4), if large enough, and their scores (R,)."""
        boxes, scores = propose_on_copy(self.proposer, image, rng, self.settings.max_proposal_side)
        boxes, scores = boxes[: self.settings.max_proposals], scores[: self.settings.max_proposals]
        large = remove_small_boxes(boxes, self.settings.min_proposal_size)
        return boxes[large], scores[large]

    def region_features(self, image: np.ndarray, boxes: np.ndarray) -> RegionFeatures:
        """Stages 2 and 3: what the network makes of these regions, without gradients.

        Args:
            image: (3, H, W), RGB float in 0..1.
            boxes: (R, 4), pixels of the image.

        Returns:
            plain arrays (R, P) and (R, U).
        """
        with no_grad(), evaluating(self):
            return self._stage3_features(self._stage2_warp(image, boxes))

    def _detect(self, image: np.ndarray, record: StageRecorder) -> Result:
        record_input(record, image.shape[1:], lambda: image)
        boxes, scores = self.propose(image, np.random.default_rng(0))  # 1
        record_boxes(record, "proposals", "Proposals", boxes, scores)
        warped: Iterable[np.ndarray] = self._stage2_warp(image, boxes)
        if record.keep:  # the stage needs all of them in memory
            warped = list(warped)
            self._record_warped(record, boxes, warped)
        features = self._stage3_features(warped)
        return self._decide(image, boxes, features, record)  # 4 to 6

    def _decide(
        self, image: np.ndarray, boxes: np.ndarray, features: RegionFeatures, record: StageRecorder
    ) -> Result:
        """Stages 4 to 6: what the features of the proposals (R, 4) say."""
        maps = np.array([self.backbone.out_channels[0], *self.settings.maps])
        record_region_features(record, boxes, features.pooled, maps=maps)
        svm_scores, class_scores = self._stage4_score(features.units)
        record_scores(record, boxes, class_scores, svm_scores=svm_scores)
        refined = self._stage5_regress(features.pooled, boxes, image.shape[1:])
        record_refined_boxes(record, boxes, refined, class_scores)
        found = self._stage6_postprocess(class_scores, refined)
        result = {"boxes": found.boxes, "labels": found.labels, "scores": found.scores}
        record_detections(record, image, result, found.regions)
        return result

    def _units_to_learn_from(
        self, images: Sequence[np.ndarray], regions: Sequence[np.ndarray]
    ) -> Tensor:
        """Stages 2 and 3 for training: (R, 4) regions of each image, S in all -> (S, U)."""
        pairs = zip(images, regions, strict=True)
        warped = [some for image, boxes in pairs for some in self._stage2_warp(image, boxes)]
        return self._run_network(np.concatenate(warped))[1]  # (S, 3, S, S) -> (S, U)

    def _record_warped(
        self, record: StageRecorder, boxes: np.ndarray, warped: Sequence[np.ndarray]
    ) -> None:
        mean, std, size = self.backbone.mean, self.backbone.std, self.settings.warp_size
        record(
            "warped_regions",
            f"Warped regions\n{len(boxes):,}, each stretched to {size} × {size} pixels",
            "regions",
            lambda: {"boxes": boxes, "crops": denormalised(np.concatenate(warped), mean, std)},
        )

    def _stage2_warp(self, image: np.ndarray, boxes: np.ndarray) -> Iterator[np.ndarray]:
        """(R, 4) -> (R, 3, S, S), a few regions at a time; without regions once (0, 3, S, S)."""
        s = self.settings
        copy = copy_within(image, s.max_proposal_side)
        boxes = boxes_between(boxes, image.shape[1:], copy.shape[1:])
        pixels = normalised_batch([copy], self.backbone.mean, self.backbone.std)[0]
        for start in range(0, max(len(boxes), 1), s.regions_at_a_time):
            some = boxes[start : start + s.regions_at_a_time]
            yield warp_boxes(pixels, some, s.warp_size, s.context)

    def _stage3_features(self, warped: Iterable[np.ndarray]) -> RegionFeatures:
        parts = [[part.data for part in self._run_network(some)] for some in warped]
        xp = xp_of(parts[0][0])
        return RegionFeatures(*(xp.concatenate(part) for part in zip(*parts, strict=True)))

    def _run_network(self, warped: np.ndarray) -> tuple[Tensor, Tensor]:
        xp = xp_of(self.cls_score.weight.data)  # the pixels go where the weights are
        size, channels = self.settings.pooled_size, self.backbone.out_channels[0]
        if len(warped):
            (features,) = self.backbone(Tensor(xp.asarray(warped)))  # (R, 3, S, S) -> (R, C, s, s)
            pooled = F.adaptive_max_pool2d(features, size)  # -> (R, C, p, p)
        else:
            pooled = Tensor(xp.zeros((0, channels, size, size), np.float32))
        return F.flatten(pooled, 1), self.box_head(pooled)  # -> (R, P), (R, U)

    def _stage4_score(self, units: Array) -> tuple[np.ndarray, np.ndarray]:
        """(R, U) -> what the SVMs say, (R, K), and the scores in 0..1 that a prediction uses."""
        xp = xp_of(units)
        svm_scores = self.svms(units)
        if self.settings.scoring == "svm" and self.svms.is_fitted:
            scores = 1 / (1 + xp.exp(-xp.clip(svm_scores, -50, 50)))
        else:
            scores = F.softmax(self.cls_score(Tensor(units)), dim=1).data[:, 1:]
        return to_numpy(svm_scores), to_numpy(scores)

    def _stage5_regress(
        self, pooled: Array, boxes: np.ndarray, size: tuple[int, ...]
    ) -> np.ndarray:
        """(R, P) and (R, 4) -> (R, K, 4): the box of every region for every class."""
        count = len(self.classes)
        if not (self.settings.box_regression and self.box_regressors.is_fitted):
            return np.repeat(boxes[:, None], count, axis=1)
        offsets = to_numpy(self.box_regressors(pooled)).reshape(-1, count, 4)  # (R, K, 4)
        height, width = size
        return clip_boxes_to_image(decode_boxes(offsets, boxes), (height, width))

    def _stage6_postprocess(self, class_scores: np.ndarray, refined_boxes: np.ndarray) -> Found:
        s = self.settings
        return select_detections(
            class_scores,
            refined_boxes,
            score_threshold=s.score_threshold,
            nms_threshold=s.nms_threshold,
            detections_per_image=s.detections_per_image,
        )
