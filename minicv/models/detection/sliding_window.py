"""Sliding window: an image classifier with a class for "nothing", applied everywhere.

    1. windows    image             -> every position, scale and shape          (R, 4)
    2. warp       image, windows    -> each stretched to a small square         (R, 3, S, S)
    3. classify   warped windows    -> class scores, the background first       (R, K+1)
    4. post       scores, windows   -> detections                               (D, 4)

It needs no idea of where to look, and pays for that: as many passes through the network as there
are windows (see `SlidingWindowDetector.cost`), although neighbours share nearly all of their
pixels. And a box is no better than the nearest window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.backend import to_numpy, xp_of
from minicv.data import check_targets
from minicv.models.backbones.backbone import Backbone
from minicv.models.counting_multiplications import counting_multiplications
from minicv.models.detection.box_head import TwoLayerHead
from minicv.models.detection.select_detections import select_detections
from minicv.models.detection.training_targets import learnable_objects, region_targets
from minicv.models.photographs import check_image, normalised_batch
from minicv.nn import Linear, Module, evaluating
from minicv.proposals import SlidingWindow
from minicv.vision.matching import Matcher
from minicv.vision.warp import warp_boxes

Target = dict[str, Any]
Result = dict[str, np.ndarray]


@dataclass(frozen=True)
class SlidingWindowSettings:
    """Sizes, thresholds and counts of a `SlidingWindowDetector`.

    >>> SlidingWindowSettings(positive_iou=0.6).negative_iou
    0.4
    """

    # 2. Warping: side of the square.
    warp_size: int = 32

    # 3. Classification: rows and columns that are left of each map, units of each hidden layer, and
    #    windows that go through the network at a time, which bounds the memory.
    pooled_size: int = 4
    units: int = 256
    dropout: float = 0.5
    windows_at_a_time: int = 256

    # Training: windows drawn from an image, and the share of them that may hold an object. Between
    # the two overlaps a window is neither an object nor background.
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


class SlidingWindowDetector(Module):
    """A classifier of K classes and the background, run on every window of a grid.

    Args:
        backbone: pixels to features; brings its normalisation.
        classes: the K names; label k means ``classes[k]``.
        windows: the grid, in the pixels of the image.
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
        inputs = backbone.out_channels * s.pooled_size**2
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
        check_targets(images, targets, len(self.classes))
        rng = np.random.default_rng(0) if rng is None else rng
        s = self.settings
        warped, columns = [], []
        for image, target in zip(images, targets, strict=True):
            windows, _ = self.windows.propose(image, rng)
            drawn = region_targets(
                windows,
                *learnable_objects(target),
                self.matcher,
                s.samples,
                s.positive_fraction,
                (1.0, 1.0, 1.0, 1.0),  # of the offsets, which a sliding window has no use for
                rng,
            )
            warped.append(self._stage2_warp(image, drawn.boxes))
            columns.append(drawn.columns)
        logits = self._stage3_classify(np.concatenate(warped))
        wanted = xp_of(logits.data).asarray(np.concatenate(columns))
        return {"loss_classifier": F.softmax_cross_entropy(logits, wanted)}

    def predict(self, images: Sequence[np.ndarray]) -> list[Result]:
        """For each image its detections, best first; see `FasterRCNN.predict`."""
        return [self._detect(image)["detections"] for image in images]

    def stages(self, image: np.ndarray) -> dict[str, Any]:
        """What `predict` does to one image, with the result of every stage kept, by name.

        ``windows`` (R, 4) in pixels of the image, ``warped_windows`` (R, 3, S, S) normalised,
        ``class_scores`` (R, K+1) with the background first, and ``detections``.

        A prediction never holds all warped windows at once, so here they are warped once more.
        """
        stages = self._detect(image)
        warped = self._stage2_warp(image, stages["windows"])
        return {"image": image, **stages, "warped_windows": warped}

    def cost(self, height: int, width: int) -> SlidingWindowCost:
        """How many windows an image of this size has, and how many multiplications they need."""
        size = self.settings.warp_size
        with no_grad(), evaluating(self), counting_multiplications(self) as of_one:
            self._stage3_classify(np.zeros((1, 3, size, size), np.float32))
        windows = self.windows.count(height, width)
        return SlidingWindowCost(windows, windows * of_one.multiplications)

    def _detect(self, image: np.ndarray) -> dict[str, Any]:
        check_image(image, "SlidingWindowDetector: image")
        s = self.settings
        windows, _ = self.windows.propose(image, np.random.default_rng(0))  # 1: -> (R, 4)
        scores = [np.zeros((0, len(self.classes) + 1), np.float32)]
        with no_grad(), evaluating(self):
            for start in range(0, len(windows), s.windows_at_a_time):
                some = windows[start : start + s.windows_at_a_time]
                logits = self._stage3_classify(self._stage2_warp(image, some))
                scores.append(to_numpy(F.softmax(logits, dim=1).data))
        class_scores = np.concatenate(scores)  # (R, K+1)
        boxes, labels, best = select_detections(  # 4
            class_scores[:, 1:],
            np.repeat(windows[:, None], len(self.classes), axis=1),  # (R, 4) -> (R, K, 4)
            score_threshold=s.score_threshold,
            nms_threshold=s.nms_threshold,
            detections_per_image=s.detections_per_image,
        )
        detections = {"boxes": boxes, "labels": labels, "scores": best}
        return {"windows": windows, "class_scores": class_scores, "detections": detections}

    def _stage2_warp(self, image: np.ndarray, windows: np.ndarray) -> np.ndarray:
        pixels = normalised_batch([image], self.backbone.mean, self.backbone.std)[0]
        return warp_boxes(pixels, windows, self.settings.warp_size, context=0)  # (R, 3, S, S)

    def _stage3_classify(self, warped: np.ndarray) -> Tensor:
        xp = xp_of(self.scores.weight.data)  # the pixels go where the weights are
        size, channels = self.settings.pooled_size, self.backbone.out_channels
        if len(warped):
            features = self.backbone(Tensor(xp.asarray(warped)))  # (R, 3, S, S) -> (R, C, s, s)
            pooled = F.adaptive_max_pool2d(features, size)  # -> (R, C, p, p)
        else:
            pooled = Tensor(xp.zeros((0, channels, size, size), np.float32))
        return self.scores(self.hidden(pooled))  # -> (R, K+1)
