"""The input of the detection metrics: for each image, the predictions and the ground truth.

``predictions`` and ``targets`` are lists with one dict per image, in the same order:

    prediction  boxes (n, 4)   x1, y1, x2, y2 in pixels
                scores (n,)    any numbers that order the boxes; equal scores keep their order
                labels (n,)    0..K-1
    target      boxes (m, 4)
                labels (m,)
                difficult (m,) bool, VOC: need not be found; finding it is no error
                iscrowd (m,)   bool, COCO: the box stands for many objects at once; need not be
                               found, and boxes inside it are no errors
                area (m,)      COCO: area of the object's mask, which decides small, medium or
                               large; the area of the box where it is absent

The last three may be absent, and other keys are ignored. n and m may be 0; an empty list will do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from minicv.backend import to_numpy
from minicv.vision import box_area


class Labelled(Protocol):
    """What has labels (n,) int64: the predictions or the targets of one image."""

    @property
    def labels(self) -> np.ndarray:
        """0..K-1."""


class ImagePredictions(NamedTuple):
    """The predictions of one image, best score first: boxes (n, 4), scores (n,), labels (n,)."""

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray


class ImageTargets(NamedTuple):
    """The ground truth of one image: boxes (m, 4); labels, difficult, iscrowd and area (m,)."""

    boxes: np.ndarray
    labels: np.ndarray
    difficult: np.ndarray
    iscrowd: np.ndarray
    area: np.ndarray


def read_detections(
    predictions: Sequence[Mapping], targets: Sequence[Mapping], operation: str
) -> tuple[list[ImagePredictions], list[ImageTargets]]:
    """Check both lists and bring them to float64 and int64 on the host, best scores first.

    Args:
        predictions, targets: see the docstring of this module.
        operation: the metric's name, for the messages.

    Raises:
        ValueError: the lists differ in length, a field is absent, has the wrong shape or holds
            something other than numbers, a label is not a whole number from 0, a mark (difficult,
            iscrowd) is not 0 or 1, an area is negative, or a number is not finite; the message
            names image and field.

    >>> prediction = {"boxes": np.ones((2, 4)), "scores": np.array([0.1, 0.9]), "labels": [0, 1]}
    >>> target = {"boxes": np.array([[0, 0, 4, 2]]), "labels": np.array([1])}
    >>> predicted, there = read_detections([prediction], [target], "doctest")
    >>> predicted[0].labels.tolist(), there[0].area.tolist()
    ([1, 0], [8.0])
    """
    check_lengths(predictions, targets, operation)
    return (
        [
            _read_predictions(found, f"{operation}: predictions[{index}]")
            for index, found in enumerate(predictions)
        ],
        [
            _read_targets(there, f"{operation}: targets[{index}]")
            for index, there in enumerate(targets)
        ],
    )


def check_lengths(
    predictions: Sequence[Mapping], targets: Sequence[Mapping], operation: str
) -> None:
    """Refuse lists of different lengths.

    Raises:
        ValueError: they differ in length.

    >>> check_lengths([{}], [{}], "doctest")
    """
    if len(predictions) != len(targets):
        raise ValueError(
            f"{operation}: expected one prediction and one target per image but got "
            f"{len(predictions)} predictions and {len(targets)} targets"
        )


def count_classes(
    predictions: Sequence[Labelled],
    targets: Sequence[Labelled],
    number_of_classes: int | None,
    operation: str,
) -> int:
    """K: as given, or one more than the largest label that occurs.

    Raises:
        ValueError: a label is outside the given number of classes.

    >>> count_classes([], [], None, "doctest")
    0
    """
    labels = [image.labels for image in predictions] + [image.labels for image in targets]
    found = 1 + max((int(of_image.max()) for of_image in labels if len(of_image)), default=-1)
    if number_of_classes is None:
        return found
    if found > number_of_classes:
        first = next(i for i, of in enumerate(labels) if (of >= number_of_classes).any())
        beyond = first - len(predictions)
        where = f"predictions[{first}]" if beyond < 0 else f"targets[{beyond}]"
        raise ValueError(
            f"{operation}: label {labels[first].max()} occurs but number_of_classes is "
            f"{number_of_classes}; it is in {where}; labels are 0..K-1, without background"
        )
    return number_of_classes


def _read_predictions(image: Mapping, where: str) -> ImagePredictions:
    boxes = read_boxes(image, where)
    scores = read_values(image, "scores", len(boxes), where, np.float64)
    labels = read_labels(image, len(boxes), where)
    best_first = np.argsort(-scores, kind="stable")
    return ImagePredictions(boxes[best_first], scores[best_first], labels[best_first])


def _read_targets(image: Mapping, where: str) -> ImageTargets:
    boxes = read_boxes(image, where)
    count = len(boxes)
    return ImageTargets(
        boxes=boxes,
        labels=read_labels(image, count, where),
        difficult=read_marks(image, "difficult", count, where),
        iscrowd=read_marks(image, "iscrowd", count, where),
        area=read_areas(image, box_area(boxes), where),
    )


def read_boxes(image: Mapping, where: str) -> np.ndarray:
    """The field "boxes" as (n, 4) float64."""
    boxes = read_field(image, "boxes", where).astype(np.float64)
    if boxes.shape in ((0,), (1, 0)):  # [] and [[]]
        boxes = boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{where}['boxes'] expects shape (n, 4) but has shape {boxes.shape}")
    if not np.isfinite(boxes).all():
        raise ValueError(f"{where}['boxes'] holds a number that is not finite")
    return boxes


def read_labels(image: Mapping, count: int, where: str) -> np.ndarray:
    """The field "labels" as (n,) int64, whole numbers from 0."""
    values = read_values(image, "labels", count, where, np.float64)
    labels = np.clip(values, -1, 2**31).astype(np.int64)
    if (labels != values).any() or (labels < 0).any():
        raise ValueError(f"{where}['labels'] expects whole numbers 0..K-1 but is {values.tolist()}")
    return labels


def read_marks(image: Mapping, field: str, count: int, where: str) -> np.ndarray:
    """A field of 0 or 1 as (n,) bool; False where it is absent."""
    if image.get(field) is None:
        return np.zeros(count, dtype=bool)
    values = read_values(image, field, count, where, np.float64)
    marks = values.astype(bool)
    if (marks != values).any():
        raise ValueError(f"{where}['{field}'] expects 0 or 1 but is {values.tolist()}")
    return marks


def read_areas(image: Mapping, otherwise: np.ndarray, where: str) -> np.ndarray:
    """The field "area" as (n,) float64; ``otherwise`` (n,) where it is absent."""
    if image.get("area") is None:
        return otherwise.astype(np.float64)
    areas = read_values(image, "area", len(otherwise), where, np.float64)
    if (areas < 0).any():
        raise ValueError(f"{where}['area'] expects numbers from 0 but is {areas.tolist()}")
    return areas


def read_values(image: Mapping, field: str, count: int, where: str, dtype: type) -> np.ndarray:
    """A field of one finite number per object."""
    values = read_field(image, field, where)
    if values.shape != (count,):
        raise ValueError(
            f"{where}['{field}'] expects one value per object, shape ({count},), but has shape "
            f"{values.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"{where}['{field}'] holds a number that is not finite")
    return values.astype(dtype)


def read_field(image: Mapping, field: str, where: str) -> np.ndarray:
    """A field of numbers, on the host."""
    if field not in image:
        raise ValueError(f"{where} has no field '{field}'; it has {sorted(image)}")
    try:
        values: np.ndarray = np.asarray(to_numpy(image[field]))
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{where}['{field}'] is no array: {error}") from error
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{where}['{field}'] expects numbers but is {image[field]!r}")
    return values
