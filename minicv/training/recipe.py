"""Recipes: the numbers by which a system is trained, and how they become a step and a loader."""

from __future__ import annotations

import dataclasses
import math
import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np

from minicv.data import DataLoader, Dataset, DatasetWarning
from minicv.data.sources import Splits
from minicv.data.transforms import RandomHorizontalFlip, Transform, mirror_permutation
from minicv.models.model import Model
from minicv.optim import SGD, CosineAnnealingLR, Optimizer, WarmupThen
from minicv.training.finetuning import Learning, freeze, learning_groups, trained_part
from minicv.training.step import GradientStep, Step

Self = TypeVar("Self", bound="Recipe")


class Preparation(NamedTuple):
    """What a recipe makes of a data set before the model is built.

    Attributes:
        recipe: adapted to this data set.
        settings: of the model, with what was measured on the training images.
        train, validation: the images, such as resized ones.
        transform: the augmentation; None for none.
    """

    recipe: Recipe
    settings: Any
    train: Dataset
    validation: Dataset
    transform: Transform | None


@dataclass(frozen=True)
class Recipe:
    """SGD; a linear warm-up to the peak learning rate, then half a cosine wave down.

    A subclass may take another optimizer, another step, and prepare the data.

    Attributes:
        epochs: how often the training images are seen.
        batch_size: images in a step.
        lr: the peak learning rate.
        warmup_steps: to the peak; at most a quarter of all steps.
        weight_decay: of the optimizer.
        backbone_lr_ratio: the learning rate of the backbone, as a multiple of ``lr``.
        freeze: whether the backbone stays as it starts, weights and batch statistics; see
            `minicv.training.finetuning`.

    Raises:
        ValueError: no epochs, an empty batch, or a learning rate or a ratio that is not positive.

    >>> Recipe(epochs=2, batch_size=1, lr=0.1).changed(epochs=5, lr=None).epochs
    5
    """

    epochs: int
    batch_size: int
    lr: float
    warmup_steps: int = 100
    weight_decay: float = 1e-4
    backbone_lr_ratio: float = 1.0
    freeze: bool = False

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1 or not 0 < self.lr < math.inf:
            raise ValueError(
                f"recipe: epochs={self.epochs}, batch_size={self.batch_size}, lr={self.lr}; "
                "expected at least one epoch, at least one image in a batch, and a positive rate"
            )
        if not 0 < self.backbone_lr_ratio < math.inf:
            raise ValueError(
                f"recipe: backbone_lr_ratio={self.backbone_lr_ratio}; expected a positive number, "
                "such as 0.1; a backbone that shall not learn at all is frozen"
            )

    def changed(self: Self, **changes: Any) -> Self:
        """A copy with the changes that are not None; None means that an option was not given."""
        given = {name: value for name, value in changes.items() if value is not None}
        return dataclasses.replace(self, **given)

    def prepare(self, splits: Splits, settings: Any, *, workers: int = 1) -> Preparation:
        """The data as the model shall see them; here without any change.

        Args:
            splits: of the data set.
            settings: of the model, so far.
            workers: threads that read ahead.
        """
        return Preparation(self, settings, splits.train, splits.validation, None)

    def optimizer(self, parameters: Learning) -> Optimizer:
        """The optimizer at the peak learning rate: SGD with a momentum of 0.9."""
        return SGD(parameters, lr=self.lr, momentum=0.9, weight_decay=self.weight_decay)

    def step(self, model: Model, total: int) -> Step:
        """What `fit` runs on each batch, of ``total`` steps; frozen parameters stay as they are."""
        optimizer = self.optimizer(learning_groups(model, self.backbone_lr_ratio))
        cosine = CosineAnnealingLR(self.lr, max(total, 1))
        return GradientStep(
            model, optimizer, WarmupThen(cosine, min(self.warmup_steps, total // 4))
        )

    def validated(self, model: Model) -> Model:
        """The model that validation runs: ``model``, or a faster one with the same results."""
        return model

    def begin(
        self,
        model: Model,
        train: Dataset,
        *,
        seed: int,
        transform: Transform | None = None,
        workers: int = 1,
    ) -> tuple[Step, DataLoader, np.random.Generator]:
        """The step, the loader and the generator that `fit` takes; the backbone is frozen first.

        Two generators come from ``seed``: one for the order of the images and their augmentation,
        one for what the loss samples.
        """
        if self.freeze:
            freeze(trained_part(model))
        order, sampling = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
        loader = DataLoader(
            train,
            self.batch_size,
            shuffle=True,
            rng=order,
            workers=workers,
            transform=transform,
            drop_last=len(train) >= self.batch_size,  # fewer images than that are one small batch
        )
        return self.step(model, self.epochs * len(loader)), loader, sampling


def flip_for(dataset: Dataset) -> RandomHorizontalFlip:
    """Mirror an image with probability 1/2; the names of left and right joints change places.

    Where a joint has no partner on the other side, nothing is mirrored; a `DatasetWarning` says so.
    """
    joints = getattr(dataset, "joint_names", None)
    if joints is None:
        return RandomHorizontalFlip(0.5)
    try:
        return RandomHorizontalFlip(0.5, mirror_permutation(joints))
    except ValueError as error:
        reason = str(error).removeprefix("mirror_permutation: ").partition(";")[0]
        warnings.warn(f"pictures are not mirrored: {reason}", DatasetWarning, stacklevel=2)
        return RandomHorizontalFlip(0.0, range(len(joints)))
