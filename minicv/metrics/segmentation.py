"""How good are label maps? The confusion matrix, and the four figures that are read off it.

n(i, j) is the number of pixels of true class i that were given class j. A confusion matrix is a
plain (K, K) array, so the matrix of many images is the sum of theirs. All means are over classes,
for one matrix of the whole set: a mean of the images' own figures would be another number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minicv.backend import Array, to_numpy
from minicv.vision.label_maps import VOID, check_label_map


class SegmentationValues(NamedTuple):
    """Figures in 0..1; NaN is what cannot be said, because there is no pixel to say it of.

    With t(i) = Σⱼ n(i, j), the pixels of class i, and u(i) = t(i) + Σⱼ n(j, i) - n(i, i), those
    that are of class i or were given it:

    Attributes:
        pixel_accuracy: Σᵢ n(i, i) / Σᵢ t(i).
        mean_accuracy: mean of `class_accuracy` over the classes that have one.
        mean_iou: mean of `class_iou` over the classes that have one.
        frequency_weighted_iou: Σᵢ t(i) · class_iou(i) / Σᵢ t(i).
        class_accuracy: (K,), n(i, i) / t(i); NaN for a class that the truth lacks.
        class_iou: (K,), n(i, i) / u(i); NaN for a class that truth and prediction lack. One that
            was predicted but is nowhere has 0.
        confusion: (K, K) int64, n.

    Source: Long, Shelhamer & Darrell, Fully convolutional networks (CVPR 2015), section 5.
    """

    pixel_accuracy: float
    mean_accuracy: float
    mean_iou: float
    frequency_weighted_iou: float
    class_accuracy: np.ndarray
    class_iou: np.ndarray
    confusion: np.ndarray


def confusion_matrix(
    predicted: Array, truth: Array, num_classes: int, name: str = "label map"
) -> np.ndarray:
    """How many pixels of each true class were given each class.

    Pixels whose truth is `VOID` are left out, whatever was predicted there.

    Args:
        predicted: (H, W) whole numbers, 0..K-1 where the truth is not `VOID`.
        truth: (H, W) whole numbers, 0..K-1 or `VOID`.
        num_classes: K.
        name: what a message begins with, such as the image's name.

    Returns:
        (K, K) int64 on the host: rows are true classes, columns predicted ones.

    Raises:
        ValueError: the shapes differ, or a label is outside of its range; names value and place.

    >>> confusion_matrix(np.array([[0, 1, 1]]), np.array([[0, 0, VOID]]), num_classes=2).tolist()
    [[1, 1], [0, 0]]
    """
    predicted, truth = check_pair(predicted, truth, num_classes, name)
    labelled = truth != VOID
    pairs = truth[labelled].astype(np.int64) * num_classes + predicted[labelled].astype(np.int64)
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def values_of_confusion(confusion: np.ndarray) -> SegmentationValues:
    """The figures of a confusion matrix, of one image or summed over many.

    Raises:
        ValueError: not (K, K) whole numbers from 0.

    >>> figures = values_of_confusion(np.array([[6, 2, 0], [0, 2, 0], [0, 0, 0]]))
    >>> figures.pixel_accuracy, figures.mean_accuracy, figures.mean_iou
    (0.8, 0.875, 0.625)
    >>> figures.class_iou.tolist(), figures.frequency_weighted_iou
    ([0.75, 0.5, nan], 0.7)
    """
    confusion = np.asarray(confusion)
    square = confusion.ndim == 2 and confusion.shape[0] == confusion.shape[1] > 0
    if not square or confusion.dtype.kind not in "iu" or (confusion < 0).any():
        raise ValueError(
            "values_of_confusion: confusion expects shape (K, K) with whole numbers from 0 but is "
            f"{confusion.dtype} of shape {confusion.shape}"
        )
    right = confusion.diagonal()  # (K,)
    truth = confusion.sum(axis=1)  # (K,) pixels of the class
    union = truth + confusion.sum(axis=0) - right  # (K,)
    class_accuracy = _quotient(right, truth)
    class_iou = _quotient(right, union)
    everything = truth.sum()
    return SegmentationValues(
        pixel_accuracy=float(_quotient(right.sum(), everything)),
        mean_accuracy=_mean(class_accuracy),
        mean_iou=_mean(class_iou),
        frequency_weighted_iou=float(
            _quotient((truth * np.nan_to_num(class_iou)).sum(), everything)
        ),
        class_accuracy=class_accuracy,
        class_iou=class_iou,
        confusion=confusion.astype(np.int64),
    )


def segmentation_values(
    predictions: Sequence[Mapping], targets: Sequence[Mapping], num_classes: int
) -> SegmentationValues:
    """The figures of many images together.

    Args:
        predictions: for each image a dict with segmentation (H, W), 0..K-1.
        targets: in the same order, each with segmentation (H, W), 0..K-1 or `VOID`, and maybe
            image_id, by which a message names the image.
        num_classes: K.

    Raises:
        ValueError: the lists differ in length, or an image is wrong; see `confusion_matrix`.

    >>> truth = [{"segmentation": np.array([[0, 0, 1, VOID]])}]
    >>> segmentation_values([{"segmentation": np.array([[0, 1, 1, 1]])}], truth, 2).mean_iou
    0.5
    """
    total = np.zeros((num_classes, num_classes), np.int64)
    for name, predicted, truth in read_pairs(predictions, targets, "segmentation_values"):
        total += confusion_matrix(predicted, truth, num_classes, name)
    return values_of_confusion(total)


def read_pairs(
    predictions: Sequence[Mapping], targets: Sequence[Mapping], operation: str
) -> Iterator[tuple[str, Array, Array]]:
    """For each image its name for messages, the predicted label map and the true one.

    Raises:
        ValueError: the lists differ in length, or an image has no segmentation.

    >>> labels = {"segmentation": np.zeros((2, 2), int), "image_id": "cow"}
    >>> [name for name, _, _ in read_pairs([labels], [labels], "doctest")]
    ["doctest: image 'cow'"]
    """
    if len(predictions) != len(targets):
        raise ValueError(
            f"{operation}: expected one prediction and one target per image but got "
            f"{len(predictions)} predictions and {len(targets)} targets"
        )
    for position, (prediction, target) in enumerate(zip(predictions, targets, strict=True)):
        name = f"{operation}: image {target.get('image_id', position)!r}"
        for what, fields in (("prediction", prediction), ("target", target)):
            if "segmentation" not in fields:
                raise ValueError(f"{name}: the {what} has no segmentation; it has {sorted(fields)}")
        yield name, prediction["segmentation"], target["segmentation"]


def check_pair(
    predicted: Array, truth: Array, num_classes: int, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Both label maps on the host, the prediction with 0 where the truth is `VOID`.

    Raises:
        ValueError: the shapes differ, or a label is outside of its range; names value and place.

    >>> predicted, truth = check_pair(np.array([[1, 77]]), np.array([[0, VOID]]), 2, "doctest")
    >>> predicted.tolist(), truth.tolist()
    ([[1, 0]], [[0, 255]])
    """
    truth, predicted = to_numpy(truth), to_numpy(predicted)
    check_label_map(truth, num_classes, f"{name}: truth")
    if predicted.shape != truth.shape:
        raise ValueError(
            f"{name}: the prediction has shape {predicted.shape} but the truth {truth.shape}"
        )
    predicted = np.where(truth != VOID, predicted, 0)
    check_label_map(predicted, num_classes, f"{name}: prediction")
    if (predicted == VOID).any():  # a label map may hold it, a prediction may not
        row, column = np.argwhere(predicted == VOID)[0]
        raise ValueError(
            f"{name}: the prediction is {VOID} (void) in row {row}, column {column}, where the "
            f"truth is {truth[row, column]}; expected a class, 0..{num_classes - 1}, at every pixel"
        )
    return predicted, truth


def _quotient(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above / below, NaN where below is 0."""
    return np.where(below > 0, above / np.maximum(below, 1), np.nan)


def _mean(values: np.ndarray) -> float:
    """Mean of what is not NaN; NaN if that is nothing."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
