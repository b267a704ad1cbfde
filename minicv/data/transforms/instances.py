"""What the geometric transforms share: dropping instances, and tidying them after a cut."""

from __future__ import annotations

import numpy as np

from minicv.vision.boxes import box_area, clip_boxes_to_image
from minicv.vision.masks import masks_to_boxes

# The entries of a target that have one row for each instance.
INSTANCE_KEYS: tuple[str, ...] = (
    "boxes", "labels", "masks", "keypoints", "area", "difficult", "iscrowd",
)  # fmt: skip


def keep_instances(target: dict, keep: np.ndarray) -> dict:
    """The target with the instances where `keep` (N,) is True; other entries stay."""
    return {key: value[keep] if key in INSTANCE_KEYS else value for key, value in target.items()}


def shift_points(target: dict, x: float, y: float) -> None:
    """Move boxes and keypoints by (x, y) pixels; puts new arrays into `target`."""
    if "boxes" in target:
        target["boxes"] = target["boxes"] + np.array([x, y, x, y], target["boxes"].dtype)
    if "keypoints" in target:
        target["keypoints"] = target["keypoints"] + np.array([x, y, 0], target["keypoints"].dtype)


def hide_outside(keypoints: np.ndarray, height: int, width: int) -> np.ndarray:
    """Keypoints (N, J, 3) with visible = 0 for the joints outside the picture."""
    x, y = keypoints[..., 0], keypoints[..., 1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    hidden = keypoints.copy()
    hidden[..., 2] *= inside
    return hidden


def sanitize(target: dict, height: int, width: int, min_visible: float, min_size: float) -> dict:
    """Clip a target to its picture, which was cut to height x width, and drop what is hardly left.

    Boxes are clipped to the picture; with masks they become tight around what is left of each mask.
    An instance goes if less than `min_visible` of its box's area is left, or if its box is now
    narrower or lower than `min_size` pixels. Joints outside become invisible; areas are counted
    anew where there are masks, and shrink with the box's area where there are none.
    """
    target = dict(target)
    if "keypoints" in target:
        target["keypoints"] = hide_outside(target["keypoints"], height, width)
    if "boxes" not in target:
        return target
    before = target["boxes"]
    boxes = clip_boxes_to_image(before, (height, width))
    share = box_area(boxes) / np.maximum(box_area(before), 1e-9)
    if "masks" in target:
        boxes = masks_to_boxes(target["masks"]).astype(before.dtype)
    if "area" in target:
        if "masks" in target:
            area = target["masks"].sum(axis=(1, 2))
        else:
            area = target["area"] * share
        target["area"] = area.astype(target["area"].dtype)
    target["boxes"] = boxes
    sides = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    return keep_instances(target, (share >= min_visible) & (sides >= max(min_size, 1e-6)))
