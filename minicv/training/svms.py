"""The SVMs and box regressors of R-CNN and SPP-net, fitted after fine-tuning.

    1. features     of all true boxes and proposals of every image, to disk
    2. svms         for each class, with hard-negative mining in one pass over the disk
    3. regressors   for each class, from the regions near an object

The features go to disk because there are too many for memory and they are too slow to compute
twice: 2000 regions of 4096 numbers an image are 33 MB.

Source: Girshick et al., "Rich feature hierarchies" (2014), section 2.3 and appendix C.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minicv.backend import to_numpy
from minicv.data import check_targets
from minicv.models.detection.rcnn import RCNN, RegionFeatures
from minicv.models.detection.region_targets import learnable_objects
from minicv.models.model import Target
from minicv.training.progress import Progress
from minicv.vision.boxes import box_iou, encode_boxes
from minicv.vision.linear_models import (
    LinearSVM,
    RidgeRegression,
    fit_linear_svm,
    fit_ridge_regression,
)


@dataclass(frozen=True)
class SVMReport:
    """What it cost to fit the SVMs and box regressors.

    Attributes:
        seconds: of "proposals", "features", "svm" and "regression".
        bytes_on_disk: of the features.
        regions: number of regions with features on disk.
        hard_negatives: number of negatives that the SVM of each class ended with.
        regression_pairs: number of regions that the regressor of each class was fitted to.
    """

    seconds: dict[str, float]
    bytes_on_disk: int
    regions: int
    hard_negatives: tuple[int, ...]
    regression_pairs: tuple[int, ...]


def fit_svms(
    model: RCNN,
    dataset: Any,
    folder: str | Path,
    rng: np.random.Generator,
    *,
    progress: bool = False,
) -> SVMReport:
    """Fit ``model.svms`` and ``model.box_regressors`` to a data set; the network stays as it is.

    Args:
        model: `RCNN` or `SPPNet`, fine-tuned, by `fit` for instance.
        dataset: ``dataset[i]`` is an image and its target.
        folder: for the features. They stay there until somebody deletes them; the next call
            overwrites them.
        rng: serves the proposer.
        progress: whether to show bars.

    Raises:
        ValueError: a box or label that cannot be learnt from; names the image and the field.
    """
    clock = _Clock()
    cache = RegionCache(Path(folder))
    for index in Progress(range(len(dataset)), "region features", shown=progress):
        image, target = dataset[index]
        check_targets([image], [target], len(model.classes))
        clock.start("proposals")
        proposals, _ = model.propose(image, rng)
        clock.start("features")
        regions = describe_regions(
            target, proposals, len(model.classes), model.settings.regression_iou
        )
        cache.add(regions, model.region_features(image, regions.boxes))
        clock.stop()

    clock.start("svm")
    scale = cache.scale("units", model.settings.feature_norm)
    miners = _mine(model, cache, scale, progress)
    svms = [miner.finish() for miner in miners]
    # The scale goes into the weights, so that prediction needs no scaling of the features.
    weights = [svm.weight * scale for svm in svms]  # (U,) of each class
    model.svms.take(np.stack(weights), np.array([svm.bias for svm in svms]))

    clock.start("regression")
    scale = cache.scale("pooled", model.settings.feature_norm)
    regressors, pairs = _fit_regressors(model, cache, scale, progress)
    weights = [regressor.weight.T * scale for regressor in regressors]  # (4, P) of each class
    biases = [regressor.bias for regressor in regressors]
    model.box_regressors.take(np.concatenate(weights), np.concatenate(biases))
    clock.stop()
    return SVMReport(
        seconds=clock.seconds,
        bytes_on_disk=cache.bytes_on_disk,
        regions=sum(len(regions.boxes) for regions in cache.regions),
        hard_negatives=tuple(miner.held for miner in miners),
        regression_pairs=pairs,
    )


# 1. The regions of a data set, and their features on disk


@dataclass(frozen=True)
class Regions:
    """The regions of one image, without their features: the G true boxes first, then proposals.

    Attributes:
        boxes: (R, 4), pixels.
        labels: (G,) of the true boxes.
        overlap: (R, K) the greatest IoU with an object of each class; 0 where there is none.
        matched: (R,) the true box that each region overlaps most; 0 where there is none.
        near: (M,) the regions that overlap their true box enough to learn box regression from.
    """

    boxes: np.ndarray
    labels: np.ndarray
    overlap: np.ndarray
    matched: np.ndarray
    near: np.ndarray


def describe_regions(
    target: Target, proposals: np.ndarray, classes: int, near_iou: float
) -> Regions:
    """The true boxes and proposals of an image, and how they overlap its objects.

    Objects that are not learnt from, such as difficult ones, are not among the true boxes; but what
    overlaps them is not background either.

    Args:
        target: of the image.
        proposals: (R, 4).
        classes: K.
        near_iou: a region is near a true box if their IoU is greater.
    """
    true = learnable_objects(target)
    boxes = np.concatenate([true.boxes, proposals]).astype(np.float32)
    overlap = np.zeros((len(boxes), classes), np.float32)
    ious = box_iou(boxes, target["boxes"].astype(np.float32))  # (R, all objects)
    for label in np.unique(target["labels"]):
        overlap[:, label] = ious[:, target["labels"] == label].max(axis=1)
    matched, iou = np.zeros(len(boxes), np.int64), np.zeros(len(boxes), np.float32)
    if len(true.boxes):
        to_true = box_iou(boxes, true.boxes)
        matched, iou = to_true.argmax(axis=1), to_true.max(axis=1)
    return Regions(boxes, true.labels, overlap, matched, np.flatnonzero(iou > near_iou))


@dataclass
class RegionCache:
    """Two ``.npy`` files an image, float32: the units of all regions, and pooled features if near.

    Attributes:
        folder: where; it is made when the first features come.
        regions: of each image so far.
        bytes_on_disk: of all files together.
    """

    folder: Path
    regions: list[Regions] = field(default_factory=list)
    bytes_on_disk: int = 0
    _norms: dict[str, tuple[float, int]] = field(default_factory=dict)

    def add(self, regions: Regions, features: RegionFeatures) -> None:
        """The next image's regions, and the features of all of them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        index = len(self.regions)
        self._write("units", index, to_numpy(features.units))
        self._write("pooled", index, to_numpy(features.pooled)[regions.near])
        self.regions.append(regions)

    def units(self) -> Iterator[tuple[Regions, np.ndarray]]:
        """Each image's regions and their units (R, U); the disk is read when they are used."""
        for index, regions in enumerate(self.regions):
            yield regions, np.load(self._path("units", index), mmap_mode="r")

    def pooled(self) -> Iterator[tuple[Regions, np.ndarray]]:
        """Each image's regions and the pooled features (M, P) of those that are near."""
        for index, regions in enumerate(self.regions):
            yield regions, np.load(self._path("pooled", index), mmap_mode="r")

    def scale(self, kind: str, norm: float) -> float:
        """The factor that brings "units" or "pooled" to this mean norm; 1 where all are 0."""
        total, count = self._norms.get(kind, (0.0, 0))
        return norm * count / total if total > 0 else 1.0

    def _write(self, kind: str, index: int, features: np.ndarray) -> None:
        path = self._path(kind, index)
        np.save(path, features.astype(np.float32, copy=False))
        self.bytes_on_disk += path.stat().st_size
        total, count = self._norms.get(kind, (0.0, 0))
        norms = np.linalg.norm(features, axis=1)
        self._norms[kind] = total + float(norms.sum()), count + len(norms)

    def _path(self, kind: str, index: int) -> Path:
        return self.folder / f"{index:06d}.{kind}.npy"


# 2. SVMs


class HardNegativeMiner:
    """Trains the SVM of one class on background that comes image by image.

    Background that lies well beyond the SVM's margin would not change the SVM, and is not stored.
    So of each image only the regions that score above ``hard_score`` join the negatives. When
    enough regions have joined, the SVM is trained again, from its present weights, and the
    negatives that then score below ``easy_score`` are dropped. The result is close to the SVM of
    all negatives. It can differ by background that an early SVM found easy and dropped, and that
    a later SVM would have found hard.

    Args:
        positives: (P, D) features.
        c, positive_weight, bias_feature: see `fit_linear_svm`.
        hard_score, easy_score: just below and well below the margin of the negatives, -1.
        retrain_after: how many negatives must join before the SVM is trained again.

    Attributes:
        svm: as trained last; None before the first background has come.

    Source: Girshick et al., "Rich feature hierarchies" (2014), section 2.3; Felzenszwalb et al.,
    "Object detection with discriminatively trained part-based models" (2010), section 4.

    >>> miner = HardNegativeMiner(np.ones((1, 2)), c=1.0)
    >>> for image in ([[-1.0, 0.0], [0.0, 0.5]], [[-9.0, -9.0]]):
    ...     miner.offer(np.array(image))
    >>> svm = miner.finish()
    >>> miner.held, bool(svm.scores(np.array([[0.0, 0.5]]))[0] < 0)
    (1, True)
    """

    def __init__(
        self,
        positives: np.ndarray,
        *,
        c: float = 1e-3,
        positive_weight: float = 2.0,
        bias_feature: float = 10.0,
        hard_score: float = -1.0001,
        easy_score: float = -1.2,
        retrain_after: int = 2000,
    ) -> None:
        self.positives = positives
        self.options = {
            "c": c,
            "positive_weight": positive_weight,
            "bias_feature": bias_feature,
        }
        self.hard_score, self.easy_score = hard_score, easy_score
        self.retrain_after = retrain_after
        self.svm: LinearSVM | None = None
        self._negatives = positives[:0]
        self._joining: list[np.ndarray] = []

    @property
    def held(self) -> int:
        """How many negatives are held at present."""
        return len(self._negatives) + sum(map(len, self._joining))

    def offer(self, negatives: np.ndarray) -> None:
        """The background of one image, (N, D). All of the first image's background joins."""
        if self.svm is not None:
            negatives = negatives[self.svm.scores(negatives) > self.hard_score]
        if len(negatives) == 0:
            return
        self._joining.append(negatives)
        if self.svm is None or sum(map(len, self._joining)) >= self.retrain_after:
            self._retrain()

    def finish(self) -> LinearSVM:
        """The SVM, trained with all that has joined."""
        if self._joining or self.svm is None:
            return self._retrain()
        return self.svm

    def _retrain(self) -> LinearSVM:
        self._negatives = np.concatenate([self._negatives, *self._joining])
        self._joining = []
        features = np.concatenate([self.positives, self._negatives])
        is_positive = np.arange(len(features)) < len(self.positives)
        self.svm = fit_linear_svm(features, is_positive, start=self.svm, **self.options)
        hard = self.svm.scores(self._negatives) >= self.easy_score
        self._negatives = self._negatives[hard]
        return self.svm


def _mine(model: RCNN, cache: RegionCache, scale: float, progress: bool) -> list[HardNegativeMiner]:
    """Positives are the true boxes alone; what overlaps an object a little is neither."""
    s = model.settings
    classes = range(len(model.classes))
    empty = np.zeros((0, model.box_head.fc7.out_features), np.float32)
    of_true = [units[: len(regions.labels)] for regions, units in cache.units()]
    true_units = np.concatenate([empty, *of_true]) * np.float32(scale)  # (G, U), of all images
    labels = np.concatenate([np.zeros(0, np.int64), *(r.labels for r in cache.regions)])
    miners = [
        HardNegativeMiner(
            true_units[labels == label],
            c=s.svm_c,
            positive_weight=s.svm_positive_weight,
            bias_feature=s.svm_bias_feature,
            hard_score=s.svm_hard_score,
            easy_score=s.svm_easy_score,
            retrain_after=s.svm_retrain_after,
        )
        for label in classes
    ]
    total = len(cache.regions)
    for regions, units in Progress(cache.units(), "hard negatives", total=total, shown=progress):
        units = units * np.float32(scale)  # (R, U), here they are read
        for label in classes:
            miners[label].offer(units[regions.overlap[:, label] < s.svm_negative_iou])
    return miners


# 3. Box regressors


def _fit_regressors(
    model: RCNN, cache: RegionCache, scale: float, progress: bool
) -> tuple[list[RidgeRegression], tuple[int, ...]]:
    """One class at a time, so that only its own regions are in memory."""
    size = model.box_head.fc6.in_features
    regressors, pairs = [], []
    for label in Progress(range(len(model.classes)), "box regressors", shown=progress):
        features = [np.zeros((0, size), np.float32)]
        offsets = [np.zeros((0, 4), np.float32)]
        for regions, pooled in cache.pooled():
            if not (regions.labels == label).any():
                continue
            own = regions.labels[regions.matched[regions.near]] == label
            near = regions.near[own]
            features.append(pooled[own] * np.float32(scale))
            reached = regions.boxes[regions.matched[near]]  # the true boxes come first
            offsets.append(encode_boxes(reached, regions.boxes[near]))
        targets = np.concatenate(offsets)
        penalty = model.settings.regression_penalty
        regressors.append(fit_ridge_regression(np.concatenate(features), targets, penalty))
        pairs.append(len(targets))
    return regressors, tuple(pairs)


class _Clock:
    """Adds up the seconds between one name and the next."""

    def __init__(self) -> None:
        self.seconds = {"proposals": 0.0, "features": 0.0, "svm": 0.0, "regression": 0.0}
        self._running: tuple[str, float] | None = None

    def start(self, name: str) -> None:
        self.stop()
        self._running = name, time.perf_counter()

    def stop(self) -> None:
        if self._running is not None:
            name, since = self._running
            self.seconds[name] += time.perf_counter() - since
        self._running = None
