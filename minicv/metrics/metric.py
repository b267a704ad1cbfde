"""Metrics that take one image after another, for evaluation and for validation in training.

A metric takes the result and the target of each image, and gives values by name. It keeps only what
the values depend on, so that a large set does not fill the memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from minicv.metrics.average_precision_coco import coco_average_precision
from minicv.metrics.average_precision_voc import voc_average_precision
from minicv.metrics.segmentation import (
    SegmentationValues,
    confusion_matrix,
    read_pair,
    values_of_confusion,
)

RESULT_FIELDS = ("boxes", "scores", "labels")
TARGET_FIELDS = ("boxes", "labels", "difficult", "iscrowd", "area")


class Metric(Protocol):
    """What every metric has; each kind of task has a metric."""

    def add(self, result: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        """Add one image: the result of the model, and the target."""
        ...

    def values(self) -> dict[str, float]:
        """The values by name, over all images that were added."""
        ...


class DetectionMetric:
    """Average precision of boxes, as the VOC and the COCO challenges define it.

    Objects marked difficult (VOC) or iscrowd (COCO) count in no value: not to find them is no miss,
    and to find them is no error. A class that has only such objects has no value.

    Args:
        classes: the K names; a label k means ``classes[k]``.

    Raises:
        ValueError: a name is there twice.

    >>> metric = DetectionMetric(["cow", "cat"])
    >>> boxes, labels = np.array([[0, 0, 8, 8], [20, 0, 28, 8]]), np.array([0, 1])
    >>> found = {"boxes": boxes[:1], "labels": labels[:1], "scores": np.array([0.9])}
    >>> metric.add(found, {"boxes": boxes, "labels": labels})
    >>> values = metric.values()
    >>> values["AP50"], values["AP50 cow"], values["AP50 cat"]
    (0.5, 1.0, 0.0)
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = _each_once(classes, "DetectionMetric")
        self._results: list[dict[str, Any]] = []
        self._targets: list[dict[str, Any]] = []

    def add(self, result: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        """Take one image.

        Args:
            result: boxes (n, 4), scores (n,) and labels (n,).
            target: boxes (m, 4), labels (m,), and perhaps difficult, iscrowd and area; see
                `minicv.metrics.detections`.
        """
        self._results.append({name: result[name] for name in RESULT_FIELDS if name in result})
        self._targets.append({name: target[name] for name in TARGET_FIELDS if name in target})

    def values(self) -> dict[str, float]:
        """Average precisions in 0..1; where there is nothing to find, VOC's are NaN, COCO's -1.

        "AP50" is the mean over classes of VOC's average precision (area) at IoU 0.5; "AP50_11" is
        its 11-point form of 2007; "AP", "AP75", "APs", "APm" and "APl" are COCO's; "AP50 NAME" is
        VOC's of one class.

        Raises:
            ValueError: a field is missing, has the wrong shape or holds a label that is no class.
        """
        count = len(self.classes)
        voc = voc_average_precision(self._results, self._targets, number_of_classes=count)
        coco = coco_average_precision(self._results, self._targets, number_of_classes=count)
        values = {
            "AP50": voc.mean_area,
            "AP50_11": voc.mean_eleven_point,
            "AP": coco.ap,
            "AP75": coco.ap75,
            "APs": coco.ap_small,
            "APm": coco.ap_medium,
            "APl": coco.ap_large,
        }
        values |= {f"AP50 {name}": ap for name, ap in zip(self.classes, voc.area, strict=True)}
        return {name: float(value) for name, value in values.items()}


class SegmentationMetric:
    """Mean IoU, accuracies and IoU by class, of one confusion matrix over all images.

    Args:
        classes: the K names.
        labelled: those of them that the data set labels; None for all. Another class has no IoU and
            no part in the mean, whereas a class that is labelled, does not occur and is predicted
            has the IoU 0. A pixel that is given another class is wrong in either case.

    Raises:
        ValueError: a name is there twice, or one in ``labelled`` is no class.

    Attributes:
        confusion: (K, K) int64, pixels by true class (row) and predicted class (column).

    >>> metric = SegmentationMetric(["grass", "cow"])
    >>> found, truth = np.array([[0, 0, 1, 1]]), np.array([[0, 1, 1, 1]])
    >>> metric.add({"segmentation": found}, {"segmentation": truth})
    >>> values = metric.values()
    >>> values["pixel accuracy"], values["IoU grass"], round(values["mIoU"], 3)
    (0.75, 0.5, 0.583)
    """

    def __init__(self, classes: Sequence[str], labelled: Sequence[str] | None = None) -> None:
        self.classes = _each_once(classes, "SegmentationMetric")
        self.labelled = self.classes if labelled is None else tuple(labelled)
        unknown = [name for name in self.labelled if name not in self.classes]
        if unknown:
            raise ValueError(
                f"SegmentationMetric: labelled holds {unknown[0]!r}, which is not among the "
                f"classes {self.classes}"
            )
        self.confusion = np.zeros((len(self.classes), len(self.classes)), np.int64)
        self._images = 0

    def add(self, result: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        """Take one image.

        Args:
            result: segmentation (H, W), 0..K-1.
            target: segmentation (H, W), 0..K-1 or `VOID`, and perhaps image_id, for messages.

        Raises:
            ValueError: a label map is missing, the two differ in size, or a label is no class;
                names the image.
        """
        name = f"image {target.get('image_id', self._images)!r}"
        predicted, truth = read_pair(result, target, name)
        self.confusion += confusion_matrix(predicted, truth, len(self.classes), name)
        self._images += 1

    def of_all(self) -> SegmentationValues:
        """The values of all images together, as numbers and arrays."""
        of_all = values_of_confusion(self.confusion)
        if self.labelled == self.classes:
            return of_all
        judged = np.array([name in self.labelled for name in self.classes])
        class_iou = np.where(judged, of_all.class_iou, np.nan)
        known = class_iou[~np.isnan(class_iou)]
        mean = float(known.mean()) if len(known) else float("nan")
        return of_all._replace(class_iou=class_iou, mean_iou=mean)

    def values(self) -> dict[str, float]:
        """The values of all images together, in 0..1; NaN where there is no pixel to judge by.

        "mIoU", "pixel accuracy", "mean accuracy" and "fwIoU" (frequency-weighted) are of all
        classes, "IoU NAME" is one class's; see `SegmentationValues`.
        """
        of_all = self.of_all()
        values = {
            "mIoU": of_all.mean_iou,
            "pixel accuracy": of_all.pixel_accuracy,
            "mean accuracy": of_all.mean_accuracy,
            "fwIoU": of_all.frequency_weighted_iou,
        }
        values |= {
            f"IoU {name}": iou for name, iou in zip(self.classes, of_all.class_iou, strict=True)
        }
        return {name: float(value) for name, value in values.items()}


def _each_once(classes: Sequence[str], metric: str) -> tuple[str, ...]:
    """The names; values are told by name, so two classes of one name would be one value."""
    names = tuple(classes)
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{metric}: classes holds {name!r} more than once")
    return names
