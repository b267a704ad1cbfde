"""Lay a picture and its labels on a larger ground."""

from __future__ import annotations

import numpy as np

from minicv.data.transforms.instances import shift_points
from minicv.vision.label_maps import VOID


def lay_on_ground(
    image: np.ndarray,
    target: dict,
    top: int,
    left: int,
    height: int,
    width: int,
    fill: float = 0.5,
    fill_class: int = VOID,
) -> tuple[np.ndarray, dict]:
    """A ground of height x width with the picture from row `top` and column `left` on.

    Args:
        image: (C, H, W).
        target: labels of the picture; boxes and keypoints move with it.
        top, left: where its first pixel comes to lie.
        height, width: of the ground, large enough for the picture.
        fill: brightness of the ground, 0..1.
        fill_class: class of the ground in `segmentation`; none by default.

    Raises:
        ValueError: the picture does not lie within the ground.

    Example:
        >>> target = {"segmentation": np.array([[3]])}
        >>> image, target = lay_on_ground(np.ones((3, 1, 1), np.float32), target, 0, 1, 1, 3)
        >>> image[0].tolist(), target["segmentation"].tolist()
        ([[0.5, 1.0, 0.5]], [[255, 3, 255]])
    """
    bottom, right = top + image.shape[1], left + image.shape[2]
    if min(top, left) < 0 or bottom > height or right > width:
        raise ValueError(
            f"lay_on_ground: rows {top}..{bottom} and columns {left}..{right} do not lie on a "
            f"ground of {height} x {width}"
        )
    place = (..., slice(top, bottom), slice(left, right))
    ground = np.full((len(image), height, width), fill, image.dtype)
    ground[place] = image
    target = dict(target)
    shift_points(target, left, top)
    for key, blank in (("masks", False), ("segmentation", fill_class)):
        if key in target:
            old = target[key]
            target[key] = np.full((*old.shape[:-2], height, width), blank, old.dtype)
            target[key][place] = old
    return ground, target
