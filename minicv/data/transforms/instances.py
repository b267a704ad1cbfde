"""What the geometric transforms share: dropping instances, and tidying them after a cut."""

from __future__ import annotations

import numpy as np

from minicv.data.penn_fudan import masks_to_boxes

# The entries of a target that have one row for each instance.
INSTANCE_KEYS: tuple[str, ...] = (
    "boxes", "labels", "masks", "keypoints", "area", "difficult", "iscrowd",
)  # fmt: skip


def keep_instances(target: dict, keep: np.ndarray) -> dict:
    """The target with the instances where `keep` (N,) is True; other entries stay."""
    return {key: value[keep] if key in INSTANCE_KEYS else value for key, value in target.items()}


def map_keypoints(keypoints: np.ndarray, factor: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """x, y -> factor * (x, y) + shift for (N, J, 3); joints marked (0, 0, 0), not annotated, stay."""
    moved = keypoints.copy()
    moved[..., :2] = keypoints[..., :2] * factor + shift
    moved[(keypoints == 0).all(axis=-1)] = 0
    return moved


def hide_outside(keypoints: np.ndarray, height: int, width: int) -> np.ndarray:
    """Keypoints (N, J, 3) with visible = 0 for the joints outside the picture."""
    x, y = keypoints[..., 0], keypoints[..., 1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    hidden = keypoints.copy()
    hidden[..., 2] *= inside
    return hidden


def sanitize(target: dict, height: int, width: int, min_visible: float, min_size: float) -> dict:
    """Tidy a target after its picture was cut to height x width: clip, and drop what is hardly left.

    Boxes are clipped to the picture; with masks they become tight around what is left of each mask.
    An instance goes if less than `min_visible` of its box's area is left, or if its box is now narrower or
    lower than `min_size` pixels. Joints outside become invisible; areas are counted anew where there are
    masks, and shrink with the box's area where there are none.
    """
    target = dict(target)
    if "keypoints" in target:
        target["keypoints"] = hide_outside(target["keypoints"], height, width)
    if "boxes" not in target:
        return target
    before = target["boxes"]
    boxes = before.copy()
    boxes[:, 0::2] = np.clip(boxes[:, 0::2], 0, width)
    boxes[:, 1::2] = np.clip(boxes[:, 1::2], 0, height)
    share = _areas(boxes) / np.maximum(_areas(before), 1e-9)
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


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
