"""``minicv train faster_rcnn`` and all other detectors."""

from __future__ import annotations

import argparse
import dataclasses
import shutil
from typing import Any

import numpy as np

from minicv.cli.data_sources import Splits, open_data
from minicv.cli.detection_recipe import RECIPES, flip_for, train_detector
from minicv.cli.device_option import chosen_device
from minicv.cli.published_weights import start_from_published_weights
from minicv.data.transforms import ColorJitter, Compose
from minicv.models.detection.post_hoc_detector import PostHocDetector
from minicv.proposals import CachedProposals
from minicv.training import (
    ModelFile,
    build_detector,
    describe_detector,
    detection_figures,
    load_detector,
    predict_all,
    train_post_hoc,
)
from minicv.training.detector_files import ON_PROPOSALS, PROPOSERS
from minicv.training.detector_settings import SETTINGS


def run(options: argparse.Namespace) -> None:
    """Train by the recipe of system and backbone, with the changes that the options make."""
    device = chosen_device(options)
    name, backbone = options.model, options.backbone or "small"
    if options.proposals is not None and name not in ON_PROPOSALS:
        raise ValueError(f"--proposals: {name} proposes by itself")
    splits = open_data(options.data)
    recipe = RECIPES[name][backbone].changed(
        epochs=options.epochs, batch_size=options.batch_size, lr=options.lr
    )
    proposals = options.proposals or "selective_search"
    proposer = None
    if name in ON_PROPOSALS:
        proposer = CachedProposals(PROPOSERS[proposals](), options.out / "proposals")
    model = build_detector(
        name,
        backbone,
        splits.classes,
        _settings(options, SETTINGS[name][backbone]),
        proposer=proposer,
        rng=np.random.default_rng(options.seed),
    )
    if not (options.resume and (options.out / "last.npz").is_file()):
        start_from_published_weights(model.backbone, backbone, options.backbone_weights)
    model.to(device)
    count = sum(p.size for p in model.parameters())
    print(
        f"{name} on {backbone}: {count:,} parameters; {len(splits.train)} training and "
        f"{len(splits.validation)} validation images; classes {', '.join(splits.classes)}"
    )
    transforms: list[Any] = [flip_for(splits.train)]
    if name not in ON_PROPOSALS:  # a picture in other colours would need other proposals
        transforms.append(ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2))
    train_detector(
        model,
        splits.train,
        splits.validation,
        recipe,
        description=describe_detector(backbone, model, proposals),
        out=options.out,
        seed=options.seed,
        transform=Compose(transforms),
        resume=options.resume,
        workers=options.workers,
    )
    if isinstance(model, PostHocDetector):
        _fit_post_hoc(splits, options)


def _settings(options: argparse.Namespace, settings: Any) -> Any:
    """Those of the system, with the size of the images that the options say."""
    if options.min_size is None and options.max_size is None:
        return settings
    if not hasattr(settings, "min_size"):
        raise ValueError(
            f"--min-size, --max-size: {options.model} has settings of its own for the size"
        )
    min_size, max_size = options.min_size, options.max_size
    if max_size is None:  # keep the ratio of the two
        max_size = round(min_size * settings.max_size / settings.min_size)
    return dataclasses.replace(
        settings, min_size=min_size or settings.min_size, max_size=max_size or settings.max_size
    )


def _fit_post_hoc(splits: Splits, options: argparse.Namespace) -> None:
    """Machines and regressors on top of the best weights, which are written again with them."""
    best = options.out / "best.npz"
    model = load_detector(best)
    model.proposer = CachedProposals(model.proposer, options.out / "proposals")
    model.to(chosen_device(options))
    features = options.out / "features"
    rng = np.random.default_rng(options.seed)
    report = train_post_hoc(model, splits.train, features, rng, progress=True)
    shutil.rmtree(features)
    ModelFile.read(best).write(model)
    figures = detection_figures(*predict_all(model, splits.validation), model.classes)
    print(
        f"support vector machines and box regressors: {sum(report.seconds.values()):.0f} s, from "
        f"{report.bytes_on_disk / 1e6:,.0f} MB of features on disk, deleted again; "
        f"on validation AP50 {figures['AP50']:.3f}, AP {figures['AP']:.3f}"
    )
