"""Sliding window: an image classifier with a background class, run at every position.

    1. windows    image             -> every position, scale and shape          (R, 4)
    2. warp       image, windows    -> each stretched to a small square         (R, 3, S, S)
    3. classify   warped windows    -> class scores, the background first       (R, K+1)
    4. post       scores, windows   -> detections                               (D, 4)

The detector needs no proposals, but it runs the network once for each window (see
`SlidingWindowDetector.cost`), although neighbouring windows share nearly all of their pixels. And a
box is no better than the nearest window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.backend import to_numpy, xp_of
from minicv.data import check_targets
from minicv.inspection.stage import StageRecorder, record_input
from minicv.models.backbones.backbone import Backbone
from minicv.models.counting_multiplications import counting_multiplications
from minicv.models.detection.proposals_on_copy import MAX_SIDE, boxes_between, copy_within
from minicv.models.detection.region_stages import record_boxes, record_detections, record_scores
from minicv.models.detection.region_targets import learnable_objects, region_targets
from minicv.models.detection.roi_heads import TwoLayerHead, select_detections
from minicv.models.model import Model, Result, Target
from minicv.models.photographs import denormalised, normalised_batch, resized_size
from minicv.nn import Linear, evaluating
from minicv.proposals import SlidingWindow
from minicv.vision.matching import Matcher
from minicv.vision.warp import warp_boxes


@dataclass(frozen=True)
class SlidingWindowSettings:
    """Sizes, thresholds and counts of a `SlidingWindowDetector`.

    >>> SlidingWindowSettings(positive_iou=0.6).negative_iou
    0.4
    """

    # 1. Windows: an image with a longer side is looked at in a copy of that size.
    max_side: int = MAX_SIDE

    # 2. Warping: side of the square.
    warp_size: int = 32

    # 3. Classification: rows and columns of each map after pooling, units of each hidden layer, and
    #    windows that go through the network at a time, which bounds the memory.
    pooled_size: int = 4
    units: int = 256
    dropout: float = 0.5
    windows_at_a_time: int = 256

    # Training: windows drawn from an image, and the share of them that may hold an object. A window
    # with an overlap between the two is neither an object nor background.
    samples: int = 64
    positive_fraction: float = 0.25
    positive_iou: float = 0.5
    negative_iou: float = 0.4

    # 4. Post-processing.
    score_threshold: float = 0.05
    nms_threshold: float = 0.3
    detections_per_image: int = 100


class SlidingWindowCost(NamedTuple):
    """What the detection in one image takes.

    Attributes:
        windows: R.
        multiplications: of the convolutions and fully connected layers, for all windows.
    """

    windows: int
    multiplications: int


class SlidingWindowDetector(Model):
    """A classifier of K classes and the background, run on every window of a grid.

    Args:
        backbone: pixels to features; brings its normalisation.
        classes: the K names; label k means ``classes[k]``.
        windows: the grid, in the pixels of the image; in those of a copy within ``max_side`` of
            the settings, if the image is larger.
        settings: sizes, thresholds, counts.
        rng: draws the initial weights, and what dropout drops.

    Source: the classical scheme, e.g. Sermanet et al., OverFeat, 2014, section 3.3, in its costly
    form: one window at a time.

    >>> from minicv.models.backbones import SmallBackbone
    >>> rng = np.random.default_rng(0)
    >>> windows = SlidingWindow(sizes=(16.0, 32.0), step=0.25)
    >>> model = SlidingWindowDetector(SmallBackbone(4, rng=rng), ("cow", "duck"), windows, rng=rng)
    >>> model.cost(64, 64)
    SlidingWindowCost(windows=608, multiplications=164208640)
    >>> sorted(model.predict([rng.random((3, 40, 40), dtype="float32")])[0])
    ['boxes', 'labels', 'scores']
    """

    settings: SlidingWindowSettings

    def __init__(
        self,
        backbone: Backbone,
        classes: Sequence[str],
        windows: SlidingWindow,
        settings: SlidingWindowSettings | None = None,
        *,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        s = settings or SlidingWindowSettings()
        self.settings = s
        self.classes = tuple(classes)
        self.windows = windows
        self.matcher = Matcher(s.positive_iou, s.negative_iou)
        self.backbone = backbone
        inputs = backbone.out_channels[0] * s.pooled_size**2
        self.hidden = TwoLayerHead(inputs, s.units, dropout=s.dropout, rng=rng)
        self.scores = Linear(s.units, len(self.classes) + 1, rng=rng)

    def loss(
        self,
        images: Sequence[np.ndarray],
        targets: Sequence[Target],
        rng: np.random.Generator | None = None,
    ) -> dict[str, Tensor]:
        """Softmax cross entropy over windows drawn from all images; true boxes are among them.

        Args:
            images, targets: see `FasterRCNN.loss`.
            rng: draws the windows; None draws the same ones at every call, so that a validation
                loss can be compared between epochs.

        Raises:
            ValueError: a box or label that cannot be learnt from; names the image and the field.
        """
        images = self.checked(images, "loss", targets)
        check_targets(images, targets, len(self.classes))
        rng = np.random.default_rng(0) if rng is None else rng
        s = self.settings
        warped: list[np.ndarray] = []
        labels = []
        for image, target in zip(images, targets, strict=True):
            copy = copy_within(image, s.max_side)
            windows, _ = self.windows.propose(copy, rng)
            objects = learnable_objects(target)
            boxes = boxes_between(objects.boxes, image.shape[1:], copy.shape[1:])
            objects = objects._replace(boxes=boxes)
            drawn = region_targets(
                windows, objects, self.matcher, s.samples, s.positive_fraction, rng
            )
            warped.extend(self._stage2_warp(copy, drawn.boxes))
            labels.append(drawn.labels)
        logits = self._stage3_classify(np.concatenate(warped))
        wanted = xp_of(logits.data).asarray(np.concatenate(labels))
        return {"loss_classifier": F.softmax_cross_entropy(logits, wanted)}

    def cost(self, height: int, width: int) -> SlidingWindowCost:
        """How many windows an image of this size has, and how many multiplications they need."""
        size = self.settings.warp_size
        with no_grad(), evaluating(self), counting_multiplications(self) as of_one:
            self._stage3_classify(np.zeros((1, 3, size, size), np.float32))
        if max(height, width) > self.settings.max_side:
            limit = self.settings.max_side
            height, width = resized_size(height, width, limit, limit)
        windows = self.windows.count(height, width)
        return SlidingWindowCost(windows, windows * of_one.multiplications)

    def run(self, images: Sequence[np.ndarray], record: StageRecorder) -> list[Result]:
        """Detections of each image, best first; the windows are its "proposals"."""
        return [self._detect(image, record) for image in images]

    def _detect(self, image: np.ndarray, record: StageRecorder) -> Result:
        s = self.settings
        copy = copy_within(image, s.max_side)
        record_input(record, copy.shape[1:], lambda: copy)
        windows, equal = self.windows.propose(copy, np.random.default_rng(0))  # 1: (R, 4), (R,)
        record_boxes(record, "proposals", "Windows", windows, equal)
        warped: Iterable[np.ndarray] = self._stage2_warp(copy, windows)
        if record.keep:  # the stage needs all of them in memory
            warped = list(warped)
            self._record_warped(record, windows, warped)
        logits = [self._stage3_classify(some) for some in warped]
        probabilities = [to_numpy(F.softmax(some, dim=1).data) for some in logits]
        class_scores = np.concatenate(probabilities)[:, 1:]  # (R, K)
        record_scores(record, windows, class_scores)
        found = select_detections(  # 4
            class_scores,
            np.repeat(windows[:, None], len(self.classes), axis=1),  # (R, 4) -> (R, K, 4)
            score_threshold=s.score_threshold,
            nms_threshold=s.nms_threshold,
            detections_per_image=s.detections_per_image,
        )
        boxes = boxes_between(found.boxes, copy.shape[1:], image.shape[1:])
        result = {"boxes": boxes, "labels": found.labels, "scores": found.scores}
        record_detections(record, image, result, found.regions)
        return result

    def _record_warped(
        self, record: StageRecorder, windows: np.ndarray, warped: Sequence[np.ndarray]
    ) -> None:
        mean, std, size = self.backbone.mean, self.backbone.std, self.settings.warp_size
        record(
            "warped_regions",
            f"Warped windows\n{len(windows):,}, each stretched to {size} × {size} pixels",
            "regions",
            lambda: {"boxes": windows, "crops": denormalised(np.concatenate(warped), mean, std)},
        )

    def _stage2_warp(self, image: np.ndarray, windows: np.ndarray) -> Iterator[np.ndarray]:
        """(R, 4) -> (R, 3, S, S), a few windows at a time; without windows once (0, 3, S, S)."""
        s = self.settings
        pixels = normalised_batch([image], self.backbone.mean, self.backbone.std)[0]
        for start in range(0, max(len(windows), 1), s.windows_at_a_time):
            some = windows[start : start + s.windows_at_a_time]
            yield warp_boxes(pixels, some, s.warp_size, context=0)

    def _stage3_classify(self, warped: np.ndarray) -> Tensor:
        xp = xp_of(self.scores.weight.data)  # the pixels go where the weights are
        size, channels = self.settings.pooled_size, self.backbone.out_channels[0]
        if len(warped):
            (features,) = self.backbone(Tensor(xp.asarray(warped)))  # (R, 3, S, S) -> (R, C, s, s)
            pooled = F.adaptive_max_pool2d(features, size)  # -> (R, C, p, p)
        else:
            pooled = Tensor(xp.zeros((0, channels, size, size), np.float32))
        return self.scores(self.hidden(pooled))  # -> (R, K+1)
