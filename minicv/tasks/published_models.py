"""Published models that predict at once, by name, each with the task that it is for."""

from __future__ import annotations

from pathlib import Path

from minicv.models.model import Model
from minicv.models.published import load_model
from minicv.tasks.classification import CLASSIFICATION
from minicv.tasks.detection import DETECTION
from minicv.tasks.instances import INSTANCES, POSES
from minicv.tasks.segmentation import SEGMENTATION
from minicv.tasks.task import Task

TASKS: dict[str, Task] = {
    "fasterrcnn_resnet50_fpn": DETECTION,
    "maskrcnn_resnet50_fpn": INSTANCES,
    "keypointrcnn_resnet50_fpn": POSES,
    "fcn_resnet50": SEGMENTATION,
    "alexnet": CLASSIFICATION,
    "vgg16": CLASSIFICATION,
    "resnet18": CLASSIFICATION,
    "resnet50": CLASSIFICATION,
    "efficientnet_lite0": CLASSIFICATION,
}


def load_published_model(name: str, weights: str | Path | None = None) -> tuple[Model, Task]:
    """The model of that name with its weights, in evaluation mode, and its task.

    Args:
        name: one of `TASKS`.
        weights: a file; None takes the published one, from the cache folder or the network.

    Raises:
        ValueError: an unknown name.
        WeightsError: an unreadable file, or weights of another model.
        OSError: the published file cannot be fetched.

    >>> load_published_model("maskrcnn")
    Traceback (most recent call last):
    ...
    ValueError: model 'maskrcnn': expected one of fasterrcnn_resnet50_fpn, maskrcnn_resnet50_fpn,...
    """
    if name not in TASKS:
        raise ValueError(f"model {name!r}: expected one of {', '.join(TASKS)}")
    return load_model(name, weights), TASKS[name]
