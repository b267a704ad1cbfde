"""What a pose is learnt from and judged on: pictures of one person with the person's joints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.models.model import Target


def check_joints_of(
    images: Sequence[np.ndarray], targets: Sequence[Target], joint_names: Sequence[str]
) -> list[np.ndarray]:
    """The joints of each target, (J, 3) float64 as x, y, annotated, if they can be learnt from.

    Args:
        images: as many as targets.
        targets: with ``joints``.
        joint_names: J names.

    Raises:
        ValueError: no joints, another number of them, or an annotated place that is not finite;
            names the image.

    >>> check_joints_of([np.zeros((3, 4, 4))], [{"joints": np.zeros((2, 3))}], ["a", "b", "c"])
    Traceback (most recent call last):
    ...
    ValueError: image 0: joints have shape (2, 3), expected (3, 3): x, y, annotated of a, b, c
    """
    if len(images) != len(targets):
        raise ValueError(f"DeepPose: {len(images)} images but {len(targets)} targets")
    people = []
    for index, target in enumerate(targets):
        name = f"image {target.get('image_id', index)}"
        if "joints" not in target:
            raise ValueError(
                f"{name}: the target has no joints, which a pose is learnt from; it has "
                f"{', '.join(sorted(target)) or 'nothing'}"
            )
        person = np.array(target["joints"], np.float64)
        if person.shape != (len(joint_names), 3):
            raise ValueError(
                f"{name}: joints have shape {person.shape}, expected ({len(joint_names)}, 3): "
                f"x, y, annotated of {', '.join(joint_names)}"
            )
        known = person[:, 2] > 0
        if not np.isfinite(person[known, :2]).all():
            raise ValueError(f"{name}: an annotated joint is at NaN or infinity")
        person[~known] = 0  # whatever stands there: it has no meaning
        people.append(person)
    return people


def pictures_of_people(
    images: Sequence[np.ndarray], boxes: Sequence[np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Each image within its box, to whole pixels, and the box's corner x, y (2,).

    Args:
        images: each (3, H, W).
        boxes: for each (4,): x1, y1, x2, y2; what lies beyond the image is cut off.

    Raises:
        ValueError: other boxes than images; one of another shape, not finite, or without an area
            in its image.

    >>> image = np.arange(12.0).reshape(1, 3, 4)
    >>> people, corners = pictures_of_people([image], [np.array([1.5, 1, 9, 2])])
    >>> people[0].tolist(), corners[0].tolist()
    ([[[5.0, 6.0, 7.0]]], [1, 1])
    """
    if len(images) != len(boxes):
        raise ValueError(f"DeepPose.predict: {len(images)} images but {len(boxes)} boxes")
    people, corners = [], []
    for index, (image, given) in enumerate(zip(images, boxes, strict=True)):
        box = np.asarray(given, np.float64)
        height, width = image.shape[1:]
        said = f"DeepPose.predict: boxes[{index}]"
        if box.shape != (4,) or not np.isfinite(box).all():
            raise ValueError(f"{said} is {box.tolist()}; expected the four numbers x1, y1, x2, y2")
        x1, y1 = np.maximum(np.floor(box[:2]), 0).astype(int).tolist()
        x2, y2 = np.minimum(np.ceil(box[2:]), (width, height)).astype(int).tolist()
        if x2 <= x1 or y2 <= y1:
            raise ValueError(
                f"{said} is {box.tolist()}: no pixel of its image, which is {width} wide and "
                f"{height} high; expected x1, y1, x2, y2 in pixels"
            )
        people.append(np.ascontiguousarray(image[:, y1:y2, x1:x2]))
        corners.append(np.array([x1, y1]))
    return people, corners
