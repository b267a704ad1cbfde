"""``minicv train fcn8s`` and all other segmenters."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

import numpy as np

from minicv.cli.data_sources import Splits, open_segmentation_data
from minicv.cli.device_option import chosen_device
from minicv.cli.published_weights import start_from_published_weights
from minicv.cli.segmentation_recipe import AS_DRAWN, RECIPES, survey, train_segmenter
from minicv.data import Cached, Transformed
from minicv.data.transforms import Resize
from minicv.training import build_segmenter, describe_segmenter
from minicv.training.segmenter_files import ON_A_TRUNK, check_backbone

# Options that one system has, by the name under which it is built with them.
OPTION_OF = {
    "upsampling": "encoder_decoder",
    "scales": "patch_classifier",
    "width": "deconvnet",
}

KEPT_BYTES = 1 << 30  # of decoded images that stay in memory
BYTES_OF_A_PIXEL = 3 * 4 + 1  # three colours in float32, and a label


def run(options: argparse.Namespace) -> None:
    """Train by the recipe of the system, with the changes that the options make."""
    device = chosen_device(options)
    name = options.model
    backbone = options.backbone or ("small" if name in ON_A_TRUNK else None)
    check_backbone(name, backbone)
    _refuse_options_without_effect(options)
    recipe = RECIPES[backbone or name].changed(
        epochs=options.epochs,
        batch_size=options.batch_size,
        lr=options.lr,
        balance=options.balance,
    )
    splits = _prepared(open_segmentation_data(options.data), options)
    if splits.drawn:
        recipe = recipe.changed(**AS_DRAWN)
    weights, size = survey(splits.train, len(splits.classes), workers=options.workers)
    given = {option: getattr(options, option) for option in OPTION_OF}
    built = {
        "backbone": backbone,
        "options": {option: value for option, value in given.items() if value is not None},
    }
    model = build_segmenter(
        name,
        splits.classes,
        **built,
        class_weights=recipe.class_weights(weights),
        # A photograph of any other size comes to the scale that was learnt.
        min_size=min(size),
        max_size=2 * max(size),
        rng=np.random.default_rng(options.seed),
    )
    if backbone is not None and not (options.resume and (options.out / "last.npz").is_file()):
        start_from_published_weights(model.trunk, backbone, options.backbone_weights)
    model.to(device)
    count = sum(p.size for p in model.parameters())
    print(
        f"{name}{f' on {backbone}' if backbone else ''}: {count:,} parameters; "
        f"{len(splits.train)} training and {len(splits.validation)} validation images, about "
        f"{size[0]} x {size[1]} (height x width); classes {', '.join(splits.classes)}"
    )
    train_segmenter(
        model,
        splits.train,
        splits.validation,
        recipe,
        window=size if options.crop is None else tuple(options.crop),
        description=describe_segmenter(name, model, **built),
        out=options.out,
        seed=options.seed,
        resume=options.resume,
        workers=options.workers,
    )


def _refuse_options_without_effect(options: argparse.Namespace) -> None:
    name = options.model
    for option, system in OPTION_OF.items():
        if getattr(options, option) is not None and name != system:
            raise ValueError(f"--{option}: {name} has no such option; {system} has it")
    if options.backbone_weights is not None and name not in ON_A_TRUNK:
        raise ValueError(f"--backbone-weights: {name} stands on no backbone")
    if options.max_size is not None and options.min_size is None:
        raise ValueError("--max-size: for a segmenter it needs --min-size")


def _prepared(splits: Splits, options: argparse.Namespace) -> Splits:
    """Training and validation images at the size that was asked for, decoded once."""

    def prepared(dataset: Any) -> Any:
        if options.min_size is not None:
            max_size = options.max_size or 2 * options.min_size
            dataset = Transformed(dataset, Resize(options.min_size, max_size))
        elif isinstance(dataset, Cached) or len(dataset) == 0:
            return dataset
        height, width = dataset[0][0].shape[1:]
        return Cached(dataset, most=max(1, KEPT_BYTES // (height * width * BYTES_OF_A_PIXEL)))

    train, validation = prepared(splits.train), prepared(splits.validation)
    return dataclasses.replace(splits, train=train, validation=validation)
