"""What every recipe says, and the training that follows it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minicv.autograd import Tensor
from minicv.cli.json_files import write_json
from minicv.data import DataLoader
from minicv.data.transforms import Transform
from minicv.nn import Module
from minicv.optim import CosineAnnealingLR, Optimizer, WarmupThen
from minicv.training import fit


@dataclass(frozen=True)
class Recipe:
    """A linear warm-up to the peak learning rate, then half a cosine wave down to nothing.

    A subclass names the optimizer.

    Raises:
        ValueError: no epochs, an empty batch, or a learning rate that is not positive.
    """

    epochs: int
    batch_size: int
    lr: float
    warmup_steps: int = 100
    weight_decay: float = 1e-4

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1 or not 0 < self.lr < math.inf:
            raise ValueError(
                f"recipe: epochs={self.epochs}, batch_size={self.batch_size}, lr={self.lr}; "
                "expected at least one epoch, at least one image in a batch, and a positive rate"
            )

    def optimizer(self, parameters: Iterable[Tensor]) -> Optimizer:
        """The optimizer at the peak learning rate."""
        raise NotImplementedError(f"{type(self).__name__}: optimizer is not written")

    def changed(self, **changes: Any) -> Recipe:
        """A copy with those changes that are not None, which an option has that is not given."""
        given = {name: value for name, value in changes.items() if value is not None}
        return dataclasses.replace(self, **given)


def train_by(
    recipe: Recipe,
    model: Module,
    train: Any,
    *,
    validate: Callable[[Any], Mapping[str, float]] | None,
    best_by: str,
    description: Mapping[str, Any],
    out: Path,
    seed: int,
    transform: Transform | None = None,
    resume: bool = False,
    workers: int = 1,
) -> list[dict[str, float]]:
    """Train ``model`` on ``train`` by ``recipe``; checkpoints and ``history.json`` go to ``out``.

    Two generators come from ``seed``: one for the order of the images and their augmentation, one
    for what the loss samples. Frozen parameters are not given to the optimizer. The other arguments
    and the result, a record of each epoch, are those of `fit`.
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
    optimizer = recipe.optimizer(p for p in model.parameters() if p.requires_grad)
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
        validate=validate,
        best_by=best_by,
        out=out,
        description=description,
        resume=resume,
    )
    record = {"seed": seed, "recipe": dataclasses.asdict(recipe), "epochs": history}
    write_json(out / "history.json", record)
    return history
