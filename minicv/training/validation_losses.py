"""The losses of a model on images that it does not learn from."""

from __future__ import annotations

from typing import Any

from minicv.autograd import no_grad
from minicv.data import DataLoader
from minicv.nn import Module, evaluating
from minicv.training.loss_values import loss_values


def validation_losses(model: Module, dataset: Any, batch_size: int = 2) -> dict[str, float]:
    """Mean of each loss over ``dataset`` with the model in evaluation mode, as "val NAME".

    A loss that samples draws the same every time, for it is given no generator.
    """
    totals: dict[str, float] = {}
    with no_grad(), evaluating(model):
        for images, targets in DataLoader(dataset, batch_size, workers=1):
            for name, value in loss_values(model.loss(images, targets)).items():
                totals[name] = totals.get(name, 0.0) + value * len(images)
    return {f"val {name}": total / len(dataset) for name, total in totals.items()}
