"""``minicv train faster_rcnn``."""

from __future__ import annotations

import argparse
import dataclasses

import numpy as np

from minicv.cli.data_sources import open_data
from minicv.cli.detection_recipe import RECIPES, flip_for, train_detector
from minicv.cli.device_option import chosen_device
from minicv.cli.published_weights import start_from_published_weights
from minicv.data.transforms import ColorJitter, Compose
from minicv.training import build_detector
from minicv.training.detector_files import SETTINGS


def run(options: argparse.Namespace) -> None:
    """Train by the recipe of the backbone, with the changes that the options make."""
    device = chosen_device(options)
    backbone = options.backbone or "small"
    splits = open_data(options.data)
    recipe = RECIPES[backbone].changed(
        epochs=options.epochs, batch_size=options.batch_size, lr=options.lr
    )
    settings = SETTINGS[backbone]
    min_size, max_size = options.min_size, options.max_size
    if min_size is not None and max_size is None:  # keep the ratio of the two
        max_size = round(min_size * settings.max_size / settings.min_size)
    settings = dataclasses.replace(
        settings, min_size=min_size or settings.min_size, max_size=max_size or settings.max_size
    )
    rng = np.random.default_rng(options.seed)
    model = build_detector(backbone, splits.classes, settings, rng=rng)
    if not (options.resume and (options.out / "last.npz").is_file()):
        start_from_published_weights(model.backbone, backbone, options.backbone_weights)
    model.to(device)
    count = sum(p.size for p in model.parameters())
    print(
        f"{options.model} on {backbone}: {count:,} parameters; {len(splits.train)} training and "
        f"{len(splits.validation)} validation images; classes {', '.join(splits.classes)}"
    )
    transform = Compose(
        [flip_for(splits.train), ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2)]
    )
    train_detector(
        model,
        backbone,
        splits.train,
        splits.validation,
        recipe,
        out=options.out,
        seed=options.seed,
        transform=transform,
        resume=options.resume,
        workers=options.workers,
    )
