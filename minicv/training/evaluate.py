"""How good is a model on a data set? One function for every kind of task."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from minicv.autograd import no_grad
from minicv.data import DataLoader, Dataset
from minicv.metrics.metric import Metric
from minicv.models.model import Model, Result
from minicv.nn import evaluating
from minicv.training.progress import Progress
from minicv.training.step import loss_values


class Evaluation(NamedTuple):
    """What `evaluate` measured.

    Attributes:
        values: of the metric, by name.
        seconds: for one image, from the image to its result; 0 without images.
    """

    values: dict[str, float]
    seconds: float


def evaluate(
    model: Model,
    dataset: Dataset,
    metric: Metric,
    *,
    batch_size: int = 1,
    progress: bool = False,
    on_result: Callable[[int, Result, Mapping[str, Any]], None] | None = None,
) -> Evaluation:
    """Predict every image of ``dataset``, in order, and compare the results with the targets.

    Args:
        model: any system; only its `predict` is called.
        dataset: ``dataset[i]`` is an image and its target.
        metric: of the model's kind of task; results are added to it.
        batch_size: images in a prediction.
        progress: whether to show how far it has come; see `Progress`.
        on_result: is called with the number of each image, its result and its target.

    Raises:
        ValueError: a target that the metric cannot use; names the image.
    """
    seconds, index = 0.0, 0
    loader = DataLoader(dataset, batch_size, workers=1)
    for images, targets in Progress(loader, "predicting", shown=progress):
        started = time.perf_counter()
        results = model.predict(images)
        seconds += time.perf_counter() - started
        for result, target in zip(results, targets, strict=True):
            metric.add(result, target)
            if on_result is not None:
                on_result(index, result, target)
            index += 1
    return Evaluation(metric.values(), seconds / max(index, 1))


def validation_losses(
    model: Model, dataset: Dataset, batch_size: int = 2, *, progress: bool = False
) -> dict[str, float]:
    """Mean of each loss over ``dataset`` with the model in evaluation mode, as "val NAME".

    A loss that draws samples gets no generator, so it draws the same ones at every call.
    """
    totals: dict[str, float] = {}
    with no_grad(), evaluating(model):
        loader = DataLoader(dataset, batch_size, workers=1)
        for images, targets in Progress(loader, "validation losses", shown=progress):
            for name, value in loss_values(model.loss(images, targets)).items():
                totals[name] = totals.get(name, 0.0) + value * len(images)
    return {f"val {name}": total / len(dataset) for name, total in totals.items()}


def validator(
    dataset: Dataset,
    make_metric: Callable[[], Metric],
    watched: Sequence[str],
    batch_size: int = 2,
    progress: bool = True,
) -> Callable[[Model], dict[str, float]]:
    """For `fit`: validation losses and some values of the metric after every epoch.

    Args:
        dataset: the validation images.
        make_metric: gives an empty metric.
        watched: which of its values are recorded.
        batch_size: images at a time.
        progress: whether to show how far it has come.
    """

    def validate(model: Model) -> dict[str, float]:
        values = evaluate(model, dataset, make_metric(), progress=progress).values
        losses = validation_losses(model, dataset, batch_size, progress=progress)
        chosen = {name: values[name] for name in watched}
        return {"val_loss": sum(losses.values()), **losses, **chosen}

    return validate
