"""How each backbone is trained: the one place with its numbers, for the demo and for training."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minicv.cli.json_files import write_json
from minicv.data import DataLoader
from minicv.data.transforms import RandomHorizontalFlip, Transform, mirror_permutation
from minicv.models.detection import FasterRCNN
from minicv.optim import SGD, CosineAnnealingLR, WarmupThen
from minicv.training import describe_detector, fit, validator


@dataclass(frozen=True)
class Recipe:
    """SGD with momentum 0.9, a linear warm-up, then half a cosine wave down to nothing.

    Raises:
        ValueError: no epochs, an empty batch, or a learning rate that is not positive.
    """

    epochs: int
    batch_size: int
    lr: float
    warmup_steps: int = 100
    weight_decay: float = 1e-4
    momentum: float = 0.9

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1 or not 0 < self.lr < math.inf:
            raise ValueError(
                f"recipe: epochs={self.epochs}, batch_size={self.batch_size}, lr={self.lr}; "
                "expected at least one epoch, at least one image in a batch, and a positive rate"
            )


RECIPES = {
    "small": Recipe(epochs=4, batch_size=8, lr=0.04),
    "efficientnet_lite0": Recipe(epochs=16, batch_size=2, lr=0.005),
    "vgg16": Recipe(epochs=16, batch_size=1, lr=0.001, weight_decay=5e-4),
}


def flip_for(dataset: Any) -> RandomHorizontalFlip:
    """Mirror every other image; where the labels have joints, left and right change places."""
    joints = getattr(dataset, "joint_names", None)
    return RandomHorizontalFlip(0.5, None if joints is None else mirror_permutation(joints))


def train_detector(
    model: FasterRCNN,
    backbone: str,
    train: Any,
    validation: Any,
    recipe: Recipe,
    *,
    out: Path,
    seed: int,
    transform: Transform | None = None,
    resume: bool = False,
    workers: int = 1,
) -> list[dict[str, float]]:
    """Train ``model`` by ``recipe``; checkpoints and ``history.json`` go to ``out``.

    Returns the history of `fit`.
    """
    order, sampling = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
    loader = DataLoader(
        train,
        recipe.batch_size,
        shuffle=True,
        rng=order,
        workers=workers,
        transform=transform,
        drop_last=len(train) >= recipe.batch_size,  # fewer images than that are one small batch
    )
    optimizer = SGD(
        [p for p in model.parameters() if p.requires_grad],
        lr=recipe.lr,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
    )
    steps = recipe.epochs * len(loader)
    schedule = WarmupThen(
        CosineAnnealingLR(recipe.lr, max(steps, 1)), min(recipe.warmup_steps, steps // 4)
    )
    history = fit(
        model,
        loader,
        optimizer,
        schedule,
        epochs=recipe.epochs,
        rng=sampling,
        validate=validator(validation, recipe.batch_size),
        out=out,
        description=describe_detector(backbone, model),
        resume=resume,
    )
    record = {"seed": seed, "recipe": dataclasses.asdict(recipe), "epochs": history}
    write_json(out / "history.json", record)
    return history
