"""After fine-tuning: the support vector machines and box regressors of R-CNN and SPP-net.

1. proposals    of every image
2. features     of all true boxes and proposals, to disk
3. svm          for each class, with hard-negative mining in one pass over the disk
4. regression   for each class, from the regions near an object
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from minicv.data import check_targets
from minicv.models.detection.post_hoc_detector import PostHocDetector
from minicv.models.detection.training_targets import learnable_objects
from minicv.training.hard_negatives import HardNegativeMiner
from minicv.training.region_cache import RegionCache, describe_regions
from minicv.vision.boxes import encode_boxes
from minicv.vision.linear_models import RidgeRegression, fit_ridge_regression


@dataclass(frozen=True)
class PostHocReport:
    """What it cost.

    Attributes:
        seconds: of "proposals", "features", "svm" and "regression".
        bytes_on_disk: of the features.
        regions: whose features were kept.
        hard_negatives: of each class, that its machine ended with.
        regression_pairs: of each class, that its regressor was fitted to.
    """

    seconds: dict[str, float]
    bytes_on_disk: int
    regions: int
    hard_negatives: tuple[int, ...]
    regression_pairs: tuple[int, ...]


def train_post_hoc(
    model: PostHocDetector,
    dataset: Any,
    folder: str | Path,
    rng: np.random.Generator,
    *,
    progress: bool = False,
) -> PostHocReport:
    """Fit ``model.post_hoc`` to a data set; the network itself stays as it is.

    Args:
        model: fine-tuned, by `fit` for instance.
        dataset: ``dataset[i]`` is an image and its target.
        folder: for the features. They stay there until somebody deletes them; the next call
            overwrites them.
        rng: serves the proposer.
        progress: whether to show bars.

    Raises:
        ValueError: a box or label that cannot be learnt from; names the image and the field.

    Source: Girshick et al., "Rich feature hierarchies" (2014), section 2.3 and appendix C.
    """
    clock = _Clock()
    cache = RegionCache(Path(folder))
    for index in tqdm(range(len(dataset)), "region features", leave=False, disable=not progress):
        image, target = dataset[index]
        check_targets([image], [target], len(model.classes))
        clock.start("proposals")
        proposals, _ = model.propose(image, rng)
        clock.start("features")
        regions = describe_regions(
            *learnable_objects(target),
            target["boxes"],
            target["labels"],
            proposals,
            len(model.classes),
            model.settings.regression_iou,
        )
        cache.add(regions, model.region_features(image, regions.boxes))
        clock.stop()
    clock.start("svm")
    units_scale = cache.scale("units", model.settings.feature_norm)
    miners = _mine(model, cache, units_scale, progress)
    svms = [miner.finish() for miner in miners]
    clock.start("regression")
    pooled_scale = cache.scale("pooled", model.settings.feature_norm)
    regressors, pairs = _fit_regressors(model, cache, pooled_scale, progress)
    model.post_hoc.take(svms, regressors, units_scale, pooled_scale)
    clock.stop()
    return PostHocReport(
        seconds=clock.seconds,
        bytes_on_disk=cache.bytes_on_disk,
        regions=sum(len(regions.boxes) for regions in cache.regions),
        hard_negatives=tuple(miner.kept for miner in miners),
        regression_pairs=pairs,
    )


def _mine(
    model: PostHocDetector, cache: RegionCache, scale: float, progress: bool
) -> list[HardNegativeMiner]:
    """Positives are the true boxes alone; what overlaps an object a little is neither."""
    s = model.settings
    classes = range(len(model.classes))
    true_units = [np.zeros((0, model.box_head.fc7.out_features), np.float32)]
    true_units += [units[: len(regions.labels)] for regions, units in cache.units()]
    true_units = np.concatenate(true_units) * np.float32(scale)  # (G, U), of all images
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
    for regions, units in tqdm(
        cache.units(), "hard negatives", total, leave=False, disable=not progress
    ):
        units = units * np.float32(scale)  # (R, U), here they are read
        for label in classes:
            miners[label].offer(units[regions.overlap[:, label] < s.svm_negative_iou])
    return miners


def _fit_regressors(
    model: PostHocDetector, cache: RegionCache, scale: float, progress: bool
) -> tuple[list[RidgeRegression], tuple[int, ...]]:
    """One class at a time, so that only its own regions are in memory."""
    size = model.box_head.fc6.in_features
    regressors, pairs = [], []
    bar = tqdm(range(len(model.classes)), "box regressors", leave=False, disable=not progress)
    for label in bar:
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
