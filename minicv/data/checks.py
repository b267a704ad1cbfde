"""Wrong boxes and labels: readers repair those of a file, and training refuses what is left."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minicv.data.image_files import DatasetWarning


def clip_to_picture(
    box: Sequence[float] | np.ndarray, height: int, width: int, tolerance: float = 0.0
) -> tuple[np.ndarray | None, bool]:
    """A box of a file, cut at the borders of its picture.

    Args:
        box: x1, y1, x2, y2, half-open, pixels; finite.
        height, width: of the picture.
        tolerance: how far a box may reach out and still count as right, pixels.

    Returns:
        The box (4,), or None if nothing is left of it; and whether the box was wrong.

    >>> box, wrong = clip_to_picture([-2.0, 1.0, 5.0, 3.0], 8, 4)
    >>> box.tolist(), wrong
    ([0.0, 1.0, 4.0, 3.0], True)
    >>> clip_to_picture([5.0, 1.0, 5.0, 3.0], 8, 4)
    (None, True)
    """
    corners = np.asarray(box, np.float64)
    clipped = np.clip(corners, 0, (width, height, width, height))
    if (clipped[2:] <= clipped[:2]).any():
        return None, True
    return clipped, bool(np.abs(clipped - corners).max() > tolerance)


def warn_of_repairs(reader: str, repairs: Sequence[str]) -> None:
    """One warning for a whole data set: its first wrong box, and how many more there were.

    Args:
        reader: name of the data set, with which the message begins.
        repairs: for each wrong box where it stands in which file, and what became of it.
    """
    if repairs:
        others = len(repairs) - 1
        more = f" (and {others} more clipped or dropped)" if others else ""
        warnings.warn(f"{reader}: {repairs[0]}{more}", DatasetWarning, stacklevel=3)


def check_targets(
    images: Sequence[np.ndarray], targets: Sequence[Mapping[str, Any]], num_classes: int
) -> None:
    """Refuse labels that would spoil training, and name their image.

    A picture without boxes is fine. Boxes may reach out of the picture by 0.01 pixels, which can
    come from float32 arithmetic in a resize.

    Args:
        images: (3, H, W) arrays.
        targets: for each image a dict with boxes (N, 4) and labels (N,).
        num_classes: K; labels must lie in 0..K-1.

    Raises:
        ValueError: numbers of images and targets differ; a target has no boxes or labels (a set of
            label maps, say); an image is not (3, H, W) or not finite;
            boxes are not (N, 4), not finite, empty (x2 <= x1 or y2 <= y1), or outside the picture;
            labels are not (N,) whole numbers in range; masks or keypoints have another count or
            size. If wrong boxes look like x, y, width, height, or like fractions of the picture,
            the message says so.

    Example:
        >>> image = np.zeros((3, 10, 20), np.float32)
        >>> target = {"boxes": np.array([[5.0, 2.0, 4.0, 3.0]]), "labels": np.array([0])}
        >>> check_targets([image], [target], num_classes=2)
        Traceback (most recent call last):
        ...
        ValueError: image 0: boxes[0] is [5.0, 2.0, 4.0, 3.0]: x2 <= x1 or y2 <= y1; ...
    """
    if len(images) != len(targets):
        raise ValueError(f"check_targets: {len(images)} images but {len(targets)} targets")
    for position, (image, target) in enumerate(zip(images, targets, strict=True)):
        name = f"image {target.get('image_id', position)!r}"
        if image.ndim != 3 or image.shape[0] != 3:
            raise ValueError(f"{name}: the image has shape {image.shape}, expected (3, H, W)")
        if not np.isfinite(image).all():
            raise ValueError(f"{name}: the image holds NaN or infinite values")
        for field in ("boxes", "labels"):
            if field not in target:
                raise ValueError(
                    f"{name}: the target has no {field}, which a detector learns from; it has "
                    f"{', '.join(sorted(target))}"
                )
        _check_boxes(name, np.asarray(target["boxes"]), *image.shape[1:])
        _check_labels(name, np.asarray(target["labels"]), len(target["boxes"]), num_classes)
        _check_shapes(name, target, *image.shape[1:])


def _check_boxes(name: str, boxes: np.ndarray, height: int, width: int) -> None:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        hint = "; without objects it is np.zeros((0, 4))" if boxes.size == 0 else ""
        raise ValueError(f"{name}: boxes have shape {boxes.shape}, expected (N, 4){hint}")
    x1, y1, x2, y2 = boxes.T
    slack = 0.01
    fractions = len(boxes) > 0 and bool((np.abs(boxes) <= 1).all() and (boxes % 1 != 0).any())
    faults = (
        (~np.isfinite(boxes).all(axis=1), "NaN or infinite"),
        ((x2 <= x1) | (y2 <= y1), "x2 <= x1 or y2 <= y1"),
        (
            (x1 < -slack) | (y1 < -slack) | (x2 > width + slack) | (y2 > height + slack),
            f"outside the picture of height {height} and width {width}",
        ),
        (np.full(len(boxes), fractions), "less than a pixel"),
    )
    for wrong, what in faults:
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            advice = "expected x1, y1, x2, y2 in pixels"
            as_sizes = (x2 > 0) & (y2 > 0) & (x1 + x2 <= width) & (y1 + y2 <= height)
            if fractions:
                advice += "; these look like fractions: multiply by width and height"
            elif as_sizes.all():
                advice += "; these look like x, y, width, height: add x and y to the last two"
            raise ValueError(f"{name}: boxes[{first}] is {boxes[first].tolist()}: {what}; {advice}")


def _check_labels(name: str, labels: np.ndarray, count: int, num_classes: int) -> None:
    if labels.shape != (count,):
        raise ValueError(f"{name}: labels have shape {labels.shape} but there are {count} boxes")
    if count and labels.dtype.kind not in "iu":
        raise ValueError(f"{name}: labels are {labels.dtype}, expected whole numbers")
    wrong = (labels < 0) | (labels >= num_classes)
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"{name}: labels[{first}] is {labels[first]}, expected 0..{num_classes - 1} "
            "(the background has no number)"
        )


def _check_shapes(name: str, target: Mapping[str, Any], height: int, width: int) -> None:
    count = len(target["boxes"])
    if "masks" in target and target["masks"].shape != (count, height, width):
        raise ValueError(
            f"{name}: masks have shape {target['masks'].shape}, expected {(count, height, width)}"
        )
    if "keypoints" in target:
        keypoints = target["keypoints"]
        if keypoints.ndim != 3 or keypoints.shape[0] != count or keypoints.shape[2] != 3:
            raise ValueError(
                f"{name}: keypoints have shape {keypoints.shape}, expected ({count}, joints, 3)"
            )
        if not np.isfinite(keypoints).all():
            raise ValueError(f"{name}: keypoints hold NaN or infinite values")
