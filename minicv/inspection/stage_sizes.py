"""Stages of a large photograph, brought to a size at which drawing them is quick."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from PIL import Image

from minicv.inspection.canvas import to_picture
from minicv.inspection.stage import Stage

MOST_SIDE = 1200  # pixels of a drawn stage; lines and letters would be too fine on a larger one


def smaller_stages(stages: Sequence[Stage]) -> list[Stage]:
    """The stages, with each image within `MOST_SIDE` and what lies on it at the same scale.

    Boxes, joints, masks, the stride of a feature map and label maps follow their image. Captions
    tell the sizes of before. An image on which anchors lie stays as it is, because their sizes are
    written on it; a detector chooses the size of that image itself.

    >>> image = np.zeros((3, 10, 2400), np.float32)
    >>> boxes = {"boxes": np.array([[0.0, 0, 8, 8]]), "scores": np.ones(1)}
    >>> stages = [Stage("input", "", "image", {"image": image}, 0.0),
    ...           Stage("proposals", "", "boxes", boxes, 0.0)]
    >>> small = smaller_stages(stages)
    >>> small[0].arrays["image"].shape, small[1].arrays["boxes"].tolist()
    ((3, 5, 1200), [[0.0, 0.0, 4.0, 4.0]])
    """
    result, across, down = [], 1.0, 1.0
    for index, stage in enumerate(stages):
        arrays = dict(stage.arrays)
        if "image" in arrays:
            height, width = arrays["image"].shape[1:]
            keep = _has_anchors(stages[index:])
            size = (height, width) if keep else size_within(height, width, MOST_SIDE)
            down, across = size[0] / height, size[1] / width
            if size != (height, width):
                arrays["image"] = image_at(arrays["image"], size)
                if "segmentation" in arrays:
                    arrays["segmentation"] = nearest(arrays["segmentation"], size)
                if "masks" in arrays:
                    masks = np.empty((len(arrays["masks"]), *size), bool)
                    for small, mask in zip(masks, arrays["masks"], strict=True):
                        small[:] = nearest(mask, size)
                    arrays["masks"] = masks
        if (across, down) != (1.0, 1.0):
            for name in ("boxes", "refined_boxes"):
                if name in arrays:
                    scale = np.array([across, down, across, down], np.float32)
                    arrays[name] = np.asarray(arrays[name]) * scale
            if "keypoints" in arrays:
                scale = np.array([across, down, 1], np.float32)
                arrays["keypoints"] = np.asarray(arrays["keypoints"]) * scale
            if "joints" in arrays:
                arrays["joints"] = np.asarray(arrays["joints"]) * np.array([across, down])
            if "stride" in arrays:
                arrays["stride"] = float(arrays["stride"]) * max(across, down)
        if arrays.keys() and any(arrays[name] is not stage.arrays[name] for name in arrays):
            stage = dataclasses.replace(stage, arrays=arrays)
        result.append(stage)
    return result


def _has_anchors(stages: Sequence[Stage]) -> bool:
    """Whether anchors lie on the image of the first stage."""
    for number, stage in enumerate(stages):
        if number and "image" in stage.arrays:
            return False
        if "anchors" in stage.arrays:
            return True
    return False


def size_within(height: int, width: int, most: int) -> tuple[int, int]:
    """The size, or a smaller one of the same shape whose longer side is ``most``.

    >>> size_within(300, 400, 400), size_within(300, 400, 200)
    ((300, 400), (150, 200))
    """
    longer = max(height, width)
    if longer <= most:
        return height, width
    return max(1, int(height * most / longer + 0.5)), max(1, int(width * most / longer + 0.5))


def image_at(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(3, H, W) -> (3, *size), smaller; in steps of 1/255, as it is drawn.

    >>> image_at(np.ones((3, 20, 40), np.float32), (5, 10)).shape
    (3, 5, 10)
    """
    picture = to_picture(image).resize((size[1], size[0]), Image.Resampling.BOX)
    return np.asarray(picture, np.float32).transpose(2, 0, 1) / 255


def nearest(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The label (H, W), or the mask's value, under the centre of each pixel of the smaller map.

    >>> nearest(np.arange(6).reshape(2, 3), (1, 3)).tolist()
    [[3, 4, 5]]
    """
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.int64)
        for new, old in zip(size, labels.shape, strict=True)
    )
    return labels[np.ix_(rows, columns)]
