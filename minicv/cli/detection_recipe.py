"""How each detector is trained: the numbers, for the demo and for training."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minicv.autograd import Tensor
from minicv.cli.recipe import Recipe, train_by
from minicv.data.transforms import RandomHorizontalFlip, Transform, mirror_permutation
from minicv.nn import Module
from minicv.optim import SGD
from minicv.training import validator


@dataclass(frozen=True)
class DetectionRecipe(Recipe):
    """SGD with momentum; see `Recipe`."""

    momentum: float = 0.9

    def optimizer(self, parameters: Iterable[Tensor]) -> SGD:
        """SGD with the recipe's momentum and weight decay."""
        return SGD(parameters, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)


# By system and backbone.
_LARGE = DetectionRecipe(epochs=16, batch_size=1, lr=0.001, weight_decay=5e-4)
_ON_PROPOSALS = {
    "small": DetectionRecipe(epochs=12, batch_size=2, lr=0.02),
    "efficientnet_lite0": DetectionRecipe(epochs=12, batch_size=2, lr=0.005),
    "alexnet": dataclasses.replace(_LARGE, batch_size=2),
    "vgg16": dataclasses.replace(_LARGE, batch_size=2),
}
RECIPES: dict[str, Mapping[str, DetectionRecipe]] = {
    "faster_rcnn": {
        "small": DetectionRecipe(epochs=4, batch_size=8, lr=0.04),
        "efficientnet_lite0": DetectionRecipe(epochs=16, batch_size=2, lr=0.005),
        "alexnet": _LARGE,
        "vgg16": _LARGE,
    },
    "fast_rcnn": _ON_PROPOSALS,
    "spp_net": _ON_PROPOSALS,
    # Each region goes through its network on its own: a pass is slower, and fewer must do.
    "rcnn": {
        **_ON_PROPOSALS,
        "small": DetectionRecipe(epochs=4, batch_size=2, lr=0.02),
        "efficientnet_lite0": DetectionRecipe(epochs=4, batch_size=2, lr=0.005),
    },
}


def flip_for(dataset: Any) -> RandomHorizontalFlip:
    """Mirror every other image; where the labels have joints, left and right change places."""
    joints = getattr(dataset, "joint_names", None)
    return RandomHorizontalFlip(0.5, None if joints is None else mirror_permutation(joints))


def train_detector(
    model: Module,
    train: Any,
    validation: Any,
    recipe: DetectionRecipe,
    *,
    description: Mapping[str, Any],
    out: Path,
    seed: int,
    transform: Transform | None = None,
    resume: bool = False,
    workers: int = 1,
) -> list[dict[str, float]]:
    """Train ``model`` by ``recipe``; the best weights are those with the best AP on ``validation``.

    Args:
        description: of the model, from `describe_detector`.

    For the other arguments and what is returned see `train_by`.
    """
    return train_by(
        recipe,
        model,
        train,
        validate=validator(validation, recipe.batch_size),
        best_by="AP",
        description=description,
        out=out,
        seed=seed,
        transform=transform,
        resume=resume,
        workers=workers,
    )
