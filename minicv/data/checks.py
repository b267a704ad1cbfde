"""Wrong boxes and labels: readers repair those of a file, and training refuses what is left.

A set with nothing to learn in it is refused too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minicv.data.wrapped import Wrapped
from minicv.vision.label_maps import VOID


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


def check_learnable(dataset: Any, needs: Sequence[str]) -> list[str]:
    """Refuse a data set in which there is nothing to learn, and say where there is too little.

    Looks at the samples in order until one shows that all is well, mostly the first. Objects that
    are difficult or stand for a crowd are not learnt from.

    Args:
        dataset: to learn from. Its ``labels_of(index)``, if it has that, gives the labels of a
            picture's objects without reading the picture.
        needs: the labels that the task learns from, such as boxes or segmentation.

    Returns:
        sentences: that only one class of pixels occurs.

    Raises:
        ValueError: there are no samples, no classes, no usable object, no pixel with a class, no
            annotated joint, or pictures of one class only to tell apart.

    >>> target = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0, np.int64)}
    >>> check_learnable([(np.zeros((3, 8, 8)), target)], ("boxes", "labels"))
    Traceback (most recent call last):
    ...
    ValueError: list: there is no usable object in 1 picture, so there is nothing to learn
    """
    name = type(inner_of(dataset)).__name__
    pictures = f"{len(dataset)} picture{'' if len(dataset) == 1 else 's'}"
    if not len(dataset):
        raise ValueError(f"{name}: there is no picture to learn from")
    if "labels" in needs or "boxes" in needs:
        names = getattr(dataset, "classes", None)
        if names is not None and not len(names):
            raise ValueError(
                f"{name}: no object in {pictures} has a name, so there is no class to learn"
            )
        if not any(_objects_to_learn(dataset, index) for index in range(len(dataset))):
            raise ValueError(
                f"{name}: there is no usable object in {pictures}, so there is nothing to learn"
            )
    if "label" in needs and "box" not in needs:  # one class can be localised, not told apart
        of_pictures = _two_labels(dataset)
        if len(of_pictures) < 2:
            (label,) = of_pictures
            names = tuple(getattr(dataset, "classes", ()))
            shown = repr(names[label]) if 0 <= label < len(names) else f"class {label}"
            raise ValueError(
                f"{name}: the class of {pictures} is {shown}, so there is nothing to tell apart; "
                "expected pictures of two classes"
            )
    if "joints" in needs and not any(
        (np.asarray(dataset[index][1]["joints"])[:, 2] > 0).any() for index in range(len(dataset))
    ):
        raise ValueError(
            f"{name}: no joint in {pictures} is annotated, so there is nothing to learn"
        )
    if "segmentation" in needs:
        found: set[int] = set()
        for index in range(len(dataset)):
            found |= set(np.unique(np.asarray(dataset[index][1]["segmentation"])).tolist())
            if len(found - {VOID}) > 1:
                return []
        if not found - {VOID}:
            raise ValueError(
                f"{name}: no pixel of {pictures} has a class, so there is nothing to learn"
            )
        (label,) = found - {VOID}
        of_pixels = tuple(getattr(dataset, "segmentation_classes", ()))
        shown = repr(of_pixels[label]) if label < len(of_pixels) else f"class {label}"
        void = f"; the others are {VOID}, which means that they have no class"
        return [
            f"{name}: all pixels of {pictures} are {shown}{void if VOID in found else ''}: there "
            "is nothing to tell apart, and mIoU says nothing"
        ]
    return []


def inner_of(dataset: Any) -> Any:
    """The data set within those that are made from another one, such as a `Subset`."""
    while isinstance(dataset, Wrapped):
        dataset = dataset.dataset
    return dataset


def _two_labels(dataset: Any) -> set[int]:
    """The classes of the pictures, as far as the second one that occurs."""
    labels_of = getattr(dataset, "labels_of", None)
    found: set[int] = set()
    for index in range(len(dataset)):
        found |= {int(k) for k in labels_of(index)} if labels_of else {dataset[index][1]["label"]}
        if len(found) > 1:
            break
    return found


def _objects_to_learn(dataset: Any, index: int) -> int:
    """How many objects of a picture are learnt from."""
    labels_of = getattr(dataset, "labels_of", None)
    if labels_of is not None:
        return len(labels_of(index))
    target = dataset[index][1]
    left_out = np.zeros(len(target["labels"]), bool)
    for mark in ("difficult", "iscrowd"):
        left_out |= np.asarray(target.get(mark, left_out), bool)
    return int((~left_out).sum())


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
