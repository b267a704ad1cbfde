"""How good are label maps? The confusion matrix, the values that follow from it, boundary IoU.

n(i, j) is the number of pixels of true class i that were given class j. A confusion matrix is a
plain (K, K) array, so the matrix of many images is the sum of their matrices. All means are over
classes, for one matrix of the whole set; the mean of the values of single images is another number.

The IoU of a large region hardly changes with a ragged border, because nearly all of its pixels lie
inside. Boundary IoU looks only at pixels near a border: for each class, those of its region that
lie within d pixels of another class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minicv.backend import Array, to_numpy
from minicv.vision.label_maps import VOID, check_label_map


class SegmentationValues(NamedTuple):
    """Values in 0..1; a value is NaN if there is no pixel from which it follows.

    With t(i) = Σⱼ n(i, j), the pixels of class i, and u(i) = t(i) + Σⱼ n(j, i) - n(i, i), those
    that are of class i or were given it:

    Attributes:
        pixel_accuracy: Σᵢ n(i, i) / Σᵢ t(i).
        mean_accuracy: mean of `class_accuracy` over the classes that have one.
        mean_iou: mean of `class_iou` over the classes that have one.
        frequency_weighted_iou: Σᵢ t(i) · class_iou(i) / Σᵢ t(i).
        class_accuracy: (K,), n(i, i) / t(i); NaN for a class that the truth lacks.
        class_iou: (K,), n(i, i) / u(i); NaN for a class that truth and prediction lack; 0 for one
            that was predicted and that the truth lacks.
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
    """The values of a confusion matrix, of one image or summed over many.

    Raises:
        ValueError: not (K, K) whole numbers from 0.

    >>> values = values_of_confusion(np.array([[6, 2, 0], [0, 2, 0], [0, 0, 0]]))
    >>> values.pixel_accuracy, values.mean_accuracy, values.mean_iou
    (0.8, 0.875, 0.625)
    >>> values.class_iou.tolist(), values.frequency_weighted_iou
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
    """The values of many images together.

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
        yield name, *read_pair(prediction, target, name)


def read_pair(prediction: Mapping, target: Mapping, name: str) -> tuple[Array, Array]:
    """The predicted label map of an image and the true one.

    Raises:
        ValueError: one of the two has no segmentation; the message begins with ``name``.

    >>> labels = {"segmentation": np.zeros((2, 2), int)}
    >>> read_pair(labels, labels, "doctest")[0].shape
    (2, 2)
    """
    for what, fields in (("prediction", prediction), ("target", target)):
        if "segmentation" not in fields:
            raise ValueError(f"{name}: the {what} has no segmentation; it has {sorted(fields)}")
    return prediction["segmentation"], target["segmentation"]


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


class BoundaryIoU(NamedTuple):
    """IoU of the bands along the borders.

    Attributes:
        mean_iou: mean of `class_iou` over the classes that have one; NaN if none has.
        class_iou: (K,), intersection / union; NaN for a class without any border.
        intersection: (K,) int64, pixels in the band of the class in truth and prediction.
        union: (K,) int64, pixels in one or both of the two bands.
    """

    mean_iou: float
    class_iou: np.ndarray
    intersection: np.ndarray
    union: np.ndarray


def boundary_band(label_map: Array, distance: int) -> np.ndarray:
    """The label map near its borders, and `VOID` elsewhere.

    A pixel stays if a pixel of another class lies within `distance` rows and columns of it (the
    square of (2 · distance + 1)² around it). The edge of an area of `VOID` is no border, because
    its class is not known; nor is the edge of the picture.

    Args:
        label_map: (H, W), labels or `VOID`.
        distance: d in pixels, at least 1; with 1 the band is one pixel wide on each side.

    Returns:
        (H, W) int64 on the host.

    Raises:
        ValueError: `distance` is less than 1.

    >>> boundary_band(np.array([[0, 0, 0, 1, 1, 1, VOID]]), distance=2).tolist()
    [[255, 0, 0, 1, 1, 255, 255]]
    """
    # Imported here, so that a program that never measures borders does not load SciPy.
    from scipy.ndimage import maximum_filter, minimum_filter

    if distance < 1:
        raise ValueError(f"boundary_band: distance is {distance}, expected at least 1 pixel")
    labels = to_numpy(label_map).astype(np.int64)
    if labels.size == 0:
        return labels
    void = labels == VOID
    # Another class is near if the greatest or the least label in the square is not the pixel's own.
    # For either, VOID is replaced by a number that is never chosen. At the edge of the picture the
    # outermost pixels are repeated, which adds no other label to the square.
    square = 2 * distance + 1
    greatest = maximum_filter(np.where(void, -1, labels), size=square, mode="nearest")
    least = minimum_filter(np.where(void, VOID, labels), size=square, mode="nearest")
    near = ~void & ((greatest != labels) | (least != labels))
    return np.where(near, labels, VOID)


def boundary_iou(
    predictions: Sequence[Mapping], targets: Sequence[Mapping], num_classes: int, distance: int
) -> BoundaryIoU:
    """Boundary IoU of each class over many images, and its mean over the classes.

    With G the pixels of a class in the truth, P those in the prediction, and G_d, P_d the pixels of
    each within d of another class: |G_d ∩ P_d| / |G_d ∪ P_d|, over the pixels of all images. With d
    as large as the picture it is the IoU of the whole regions. Pixels whose truth is `VOID` are
    taken out of the prediction too, before its borders are found.

    Args:
        predictions: for each image a dict with segmentation (H, W), 0..K-1.
        targets: in the same order, each with segmentation (H, W), 0..K-1 or `VOID`, and maybe
            image_id.
        num_classes: K.
        distance: d in pixels, at least 1. The source takes 2 % of the picture's diagonal, and less
            where annotations are exact: 0.5 %.

    Raises:
        ValueError: as `segmentation_values`; `distance` is less than 1.

    Source: Cheng et al., Boundary IoU: improving object-centric image segmentation evaluation
    (CVPR 2021); there for single masks, and with the picture's edge as a border. In a label map no
    class can be wrong about that edge.

    >>> truth = [{"segmentation": np.array([[0, 0, 0, 0, 1, 1, 1, 1]])}]
    >>> shifted = [{"segmentation": np.array([[0, 0, 0, 1, 1, 1, 1, 1]])}]
    >>> boundary_iou(shifted, truth, num_classes=2, distance=2).class_iou.round(2).tolist()
    [0.33, 0.33]
    """
    intersection = np.zeros(num_classes, np.int64)
    union = np.zeros(num_classes, np.int64)
    for name, predicted, truth in read_pairs(predictions, targets, "boundary_iou"):
        predicted, truth = check_pair(predicted, truth, num_classes, name)
        true_band = boundary_band(truth, distance)
        predicted_band = boundary_band(np.where(truth == VOID, VOID, predicted), distance)
        both = _count(true_band[true_band == predicted_band], num_classes)
        intersection += both
        union += _count(true_band, num_classes) + _count(predicted_band, num_classes) - both
    class_iou = _quotient(intersection, union)
    return BoundaryIoU(_mean(class_iou), class_iou, intersection, union)


def _count(band: np.ndarray, num_classes: int) -> np.ndarray:
    """(K,) pixels of each class."""
    return np.bincount(band[band != VOID], minlength=num_classes)
