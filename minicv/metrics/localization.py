"""Localisation: is the one object of an image named rightly, and is its box right?

ILSVRC counts an image as localised if one of the first five answers has the right class and a box
with an IoU of at least 0.5 with the true one. Top-1 looks at the first answer alone.

Source: Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, IJCV 2015, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minicv.backend import to_numpy
from minicv.metrics.detections import read_boxes, read_labels
from minicv.vision.boxes import box_iou

RIGHT_IOU = 0.5


class Localized(NamedTuple):
    """What one image, or the mean over some, comes to; shares in 0..1.

    Attributes:
        top1, top5: the right class is the first answer, or among the first five.
        localized1, localized5: and that answer's box has an IoU of at least 0.5 with the true one.
        iou: of the first answer's box with the true one, whatever the class; 0 without an answer.
    """

    top1: float
    top5: float
    localized1: float
    localized5: float
    iou: float


class LocalizationMetric:
    """Top-1 and top-5 localisation, and the two halves of it: the class and the box.

    Args:
        classes: the K names; label k means ``classes[k]``.

    Raises:
        ValueError: a name is there twice.

    >>> metric = LocalizationMetric(["cow", "cat"])
    >>> found = {"boxes": [[0.0, 0, 8, 8], [0, 0, 8, 4]], "labels": [1, 0]}
    >>> metric.add(found, {"label": 0, "box": np.array([0.0, 0.0, 8.0, 6.0])})
    >>> values = metric.values()
    >>> values["top-1"], values["top-1 localization error"], values["top-5 localization error"]
    (0.0, 1.0, 0.0)
    >>> values["mean IoU"]
    0.75
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        for name in self.classes:
            if self.classes.count(name) > 1:
                raise ValueError(f"LocalizationMetric: classes holds {name!r} more than once")
        self._labels: list[int] = []
        self._images: list[Localized] = []

    def add(self, result: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        """Take one image.

        Args:
            result: "boxes" (D, 4) and "labels" (D,), the best answer first; only five are looked
                at. A class may have more than one answer.
            target: "label" and "box" (4,), and maybe "image_id", for messages.

        Raises:
            ValueError: a field is missing or of another shape, a number is not finite, or a label
                is no class; names the image.
        """
        name = f"LocalizationMetric: image {target.get('image_id', len(self._images))!r}"
        boxes = read_boxes(result, f"{name}: result")
        labels = read_labels(result, len(boxes), f"{name}: result")
        absent = [field for field in ("label", "box") if field not in target]
        if absent:
            raise ValueError(
                f"{name}: target has no {' and no '.join(absent)}; expected the label and the box "
                "of the one object"
            )
        truth = {"boxes": np.asarray(to_numpy(target["box"]))[None], "labels": [target["label"]]}
        box = read_boxes(truth, f"{name}: target")
        (label,) = read_labels(truth, 1, f"{name}: target")
        for field, own in (("result", labels), ("target", np.array([label]))):
            if (own >= len(self.classes)).any():
                raise ValueError(
                    f"{name}: {field} has label {own.max()}, expected 0..{len(self.classes) - 1}"
                )
        self._labels.append(int(label))
        self._images.append(_judged(boxes, labels, box, int(label)))

    def of(self, label: int | None = None) -> Localized:
        """The means over all images, or over those of a class; NaN without images."""
        chosen = [
            own
            for own, of_image in zip(self._images, self._labels, strict=True)
            if label is None or of_image == label
        ]
        if not chosen:
            return Localized(*[float("nan")] * len(Localized._fields))
        return Localized(*np.mean(chosen, axis=0).tolist())

    def counts(self) -> list[int]:
        """How many images have an object of each class."""
        return np.bincount(np.array(self._labels, int), minlength=len(self.classes)).tolist()

    def each(self) -> list[Localized]:
        """The values of each image, in the order in which they were added."""
        return list(self._images)

    def values(self) -> dict[str, float]:
        """The values by name, in 0..1; NaN where there is no image.

        "top-1" and "top-5" are of the class alone; "top-1 localization accuracy", "... error" (one
        minus the accuracy) and the same of top-5 ask for the box too. "mean IoU" is that of the
        first answer's box, whatever its class. "top-1 localization accuracy NAME" and "mean IoU
        NAME" are of the images of one class.
        """
        of_all = self.of()
        values = {"top-1": of_all.top1, "top-5": of_all.top5}
        for top, accuracy in ((1, of_all.localized1), (5, of_all.localized5)):
            values[f"top-{top} localization accuracy"] = accuracy
            values[f"top-{top} localization error"] = 1 - accuracy
        values["mean IoU"] = of_all.iou
        by_class = [self.of(label) for label in range(len(self.classes))]
        for name, own in zip(self.classes, by_class, strict=True):
            values[f"top-1 localization accuracy {name}"] = own.localized1
        for name, own in zip(self.classes, by_class, strict=True):
            values[f"mean IoU {name}"] = own.iou
        return values


def _judged(boxes: np.ndarray, labels: np.ndarray, box: np.ndarray, label: int) -> Localized:
    """One image: (D, 4) and (D,) answers, the best first, against (1, 4) and a label."""
    overlap = box_iou(boxes, box)[:, 0]  # (D,)
    named = labels == label
    localized = named & (overlap >= RIGHT_IOU)
    return Localized(
        top1=float(named[:1].any()),
        top5=float(named[:5].any()),
        localized1=float(localized[:1].any()),
        localized5=float(localized[:5].any()),
        iou=float(overlap[0]) if len(overlap) else 0.0,
    )
