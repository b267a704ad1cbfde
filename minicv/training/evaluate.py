"""How good is a detector on a data set?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from tqdm import tqdm

from minicv.data import DataLoader
from minicv.metrics import coco_average_precision, voc_average_precision
from minicv.nn import Module
from minicv.training.validation_losses import validation_losses

Predictions = list[dict[str, np.ndarray]]


def predict_all(
    model: Module,
    dataset: Any,
    *,
    batch_size: int = 2,
    workers: int = 1,
    progress: bool = False,
) -> tuple[Predictions, list[dict[str, Any]]]:
    """Detections and targets of every image of ``dataset``, in order."""
    loader = DataLoader(dataset, batch_size, workers=workers)
    predictions: Predictions = []
    targets: list[dict[str, Any]] = []
    for images, batch_targets in tqdm(loader, "detecting", disable=not progress, leave=False):
        predictions += model.predict(images)
        targets += batch_targets
    return predictions, targets


def detection_figures(
    predictions: Predictions, targets: list[dict[str, Any]], classes: tuple[str, ...]
) -> dict[str, float]:
    """The usual figures, in 0..1; where there are no objects to find, VOC's are NaN and COCO's -1.

    "AP50" is the mean over classes of VOC's average precision (area) at IoU 0.5; "AP50_11" its
    11-point form of 2007; "AP", "AP75", "APs", "APm", "APl" are COCO's; "AP50 NAME" is one class's.
    """
    voc = voc_average_precision(predictions, targets, number_of_classes=len(classes))
    coco = coco_average_precision(predictions, targets, number_of_classes=len(classes))
    figures = {
        "AP50": voc.mean_area,
        "AP50_11": voc.mean_eleven_point,
        "AP": coco.ap,
        "AP75": coco.ap75,
        "APs": coco.ap_small,
        "APm": coco.ap_medium,
        "APl": coco.ap_large,
    }
    figures |= {f"AP50 {name}": ap for name, ap in zip(classes, voc.area, strict=True)}
    return {name: float(value) for name, value in figures.items()}


def validator(dataset: Any, batch_size: int = 2) -> Callable[[Module], Mapping[str, float]]:
    """For `fit`: validation losses, AP50 and AP of ``dataset`` after every epoch.

    AP, COCO's mean over overlaps from 0.5 to 0.95, tells good from better where few images soon
    give an AP50 that no longer moves.
    """

    def validate(model: Module) -> dict[str, float]:
        predictions, targets = predict_all(model, dataset, batch_size=batch_size)
        figures = detection_figures(predictions, targets, tuple(dataset.classes))
        losses = validation_losses(model, dataset, batch_size)
        precision = {name: figures[name] for name in ("AP50", "AP")}
        return {"val_loss": sum(losses.values()), **losses, **precision}

    return validate
