"""How good is a segmenter on a data set?"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from minicv.data import DataLoader
from minicv.metrics.segmentation import (
    SegmentationFigures,
    confusion_matrix,
    figures_of_confusion,
)
from minicv.models.segmentation.segmenter import Segmenter
from minicv.training.validation_losses import validation_losses


@dataclass(frozen=True)
class SegmentationRun:
    """What came of predicting N images with K classes, one by one.

    The label maps themselves are not kept; N confusion matrices say all that figures need.

    Attributes:
        confusions: (N, K, K) int64, pixels of each image by true class and predicted class.
        seconds: (N,) that each prediction took, from the image to its label map.
    """

    confusions: np.ndarray
    seconds: np.ndarray

    @property
    def figures(self) -> SegmentationFigures:
        """Of all images together: one confusion matrix, the sum of theirs."""
        return figures_of_confusion(self.confusions.sum(axis=0))

    @property
    def mean_ious(self) -> np.ndarray:
        """(N,) mean IoU of each image by itself; NaN where no pixel has a class."""
        return np.array([figures_of_confusion(confusion).mean_iou for confusion in self.confusions])


def run_segmenter(model: Segmenter, dataset: Any, *, progress: bool = False) -> SegmentationRun:
    """Predict every image of ``dataset``, in order, and compare it with its label map.

    Raises:
        ValueError: a label map is of another size than its image, or holds a number that is no
            class of the model; names the image.
    """
    num_classes = len(model.classes)
    confusions = np.zeros((len(dataset), num_classes, num_classes), np.int64)
    seconds = np.zeros(len(dataset))
    loader = DataLoader(dataset, batch_size=1, workers=1)
    bar = tqdm(loader, "segmenting", disable=not progress, leave=False)
    for index, (images, (target,)) in enumerate(bar):
        started = time.perf_counter()
        (result,) = model.predict(images)
        seconds[index] = time.perf_counter() - started
        name = f"image {target.get('image_id', index)!r}"
        confusions[index] = confusion_matrix(
            result["segmentation"], target["segmentation"], num_classes, name
        )
    return SegmentationRun(confusions, seconds)


def named_figures(figures: SegmentationFigures, classes: Sequence[str]) -> dict[str, float]:
    """The usual figures by name, in 0..1; NaN is what cannot be said.

    "mIoU", "pixel accuracy", "mean accuracy" and "fwIoU" (frequency-weighted) are of all classes,
    "IoU NAME" is one class's.

    >>> figures = figures_of_confusion(np.array([[6, 2], [0, 2]]))
    >>> named_figures(figures, ("grass", "cow"))["IoU grass"]
    0.75
    """
    named = {
        "mIoU": figures.mean_iou,
        "pixel accuracy": figures.pixel_accuracy,
        "mean accuracy": figures.mean_accuracy,
        "fwIoU": figures.frequency_weighted_iou,
    }
    named |= {f"IoU {name}": iou for name, iou in zip(classes, figures.class_iou, strict=True)}
    return {name: float(value) for name, value in named.items()}


def segmentation_validator(
    dataset: Any, batch_size: int = 8
) -> Callable[[Segmenter], Mapping[str, float]]:
    """For `fit`: validation losses, mIoU and pixel accuracy of ``dataset`` after every epoch."""

    def validate(model: Segmenter) -> dict[str, float]:
        losses = validation_losses(model, dataset, batch_size)
        figures = run_segmenter(model, dataset).figures
        return {
            "val_loss": sum(losses.values()),
            **losses,
            "mIoU": figures.mean_iou,
            "pixel accuracy": figures.pixel_accuracy,
        }

    return validate
