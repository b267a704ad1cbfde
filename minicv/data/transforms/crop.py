"""Cut a window out of a picture and its labels, or lay them on a larger ground."""

from __future__ import annotations

import math

import numpy as np

from minicv.data.transforms.compose import need_rng
from minicv.data.transforms.photograph import check_photograph
from minicv.vision.boxes import box_area, clip_boxes_to_image
from minicv.vision.label_maps import VOID
from minicv.vision.masks import masks_to_boxes

# The entries of a target that have one row for each instance.
INSTANCE_KEYS: tuple[str, ...] = (
    "boxes", "labels", "masks", "keypoints", "area", "difficult", "iscrowd",
)  # fmt: skip


def keep_instances(target: dict, keep: np.ndarray) -> dict:
    """The target with the instances where `keep` (N,) is True; other entries stay."""
    return {key: value[keep] if key in INSTANCE_KEYS else value for key, value in target.items()}


def shift_points(target: dict, x: float, y: float) -> None:
    """Move boxes and joints by (x, y) pixels; puts new arrays into `target`."""
    for key, by in (("boxes", (x, y, x, y)), ("box", (x, y, x, y)),
                    ("keypoints", (x, y, 0)), ("joints", (x, y, 0))):  # fmt: skip
        if key in target:
            target[key] = target[key] + np.array(by, target[key].dtype)


def hide_outside(keypoints: np.ndarray, height: int, width: int) -> np.ndarray:
    """Keypoints (..., J, 3) with visible = 0 for the joints outside the picture."""
    x, y = keypoints[..., 0], keypoints[..., 1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    hidden = keypoints.copy()
    hidden[..., 2] *= inside
    return hidden


def sanitize(target: dict, height: int, width: int, min_visible: float, min_size: float) -> dict:
    """Clip a target to its picture, which was cut to height x width, and drop cut-off instances.

    Boxes are clipped to the picture; with masks they become tight around the rest of each mask. An
    instance is dropped if less than `min_visible` of its box's area is left, or if a side of its
    box is now shorter than `min_size` pixels. Joints outside become invisible. With masks areas are
    counted again; without masks they shrink with the box's area. The box of the one object of a
    picture is clipped, and stays.
    """
    target = dict(target)
    for key in ("keypoints", "joints"):
        if key in target:
            target[key] = hide_outside(target[key], height, width)
    if "box" in target:
        target["box"] = clip_boxes_to_image(target["box"][None], (height, width))[0]
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


def crop(
    image: np.ndarray,
    target: dict,
    top: int,
    left: int,
    height: int,
    width: int,
    min_visible: float = 0.3,
    min_size: float = 2.0,
) -> tuple[np.ndarray, dict]:
    """Cut out height x width pixels from row `top` and column `left`.

    Boxes are clipped to the window; if there are masks, boxes become tight around the rest of each
    mask. An instance is dropped if less than `min_visible` of its box's area is left, or if a side
    is shorter than `min_size` pixels. Joints outside the window become invisible. A picture that
    loses all of its instances keeps empty arrays. The `box` of a picture's one object is clipped;
    it has no area if the window does not show the object: see `places_of_window`.

    Raises:
        ValueError: the window does not lie in the picture.

    Example:
        >>> boxes = np.array([[0.0, 0.0, 4.0, 4.0], [6.0, 2.0, 8.0, 4.0]], np.float32)
        >>> image, target = crop(np.zeros((3, 6, 8), np.float32), {"boxes": boxes}, 1, 0, 5, 5)
        >>> image.shape, target["boxes"].tolist()
        ((3, 5, 5), [[0.0, 0.0, 4.0, 3.0]])
    """
    check_photograph("crop", image)
    full_height, full_width = image.shape[1:]
    inside = 0 <= top <= top + height <= full_height and 0 <= left <= left + width <= full_width
    if not inside or height < 1 or width < 1:
        raise ValueError(
            f"crop: rows {top}..{top + height} and columns {left}..{left + width} are no window of "
            f"a picture of {full_height} x {full_width}"
        )
    rows, columns = slice(top, top + height), slice(left, left + width)
    target = dict(target)
    shift_points(target, -left, -top)
    for key in ("masks", "segmentation"):
        if key in target:
            target[key] = np.ascontiguousarray(target[key][..., rows, columns])
    target = sanitize(target, height, width, min_visible, min_size)
    return np.ascontiguousarray(image[:, rows, columns]), target


def places_of_window(
    target: dict, window: tuple[int, int], size: tuple[int, ...]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Least and greatest row, and column, at which a random window may begin.

    A picture of one object would teach nothing without this object. So where the target has a
    `box`, the window holds all of it, or, where the box is larger, a part of it and nothing else.
    Otherwise the window may lie anywhere in the picture.

    Args:
        target: of the picture.
        window: its height and width.
        size: height and width of the picture.

    >>> target = {"box": np.array([6.0, 1.0, 9.5, 3.0])}
    >>> places_of_window(target, (4, 5), (8, 12)), places_of_window({}, (4, 5), (8, 12))
    (((0, 1), (5, 6)), ((0, 4), (0, 7)))
    """
    if "box" not in target:
        return (0, size[0] - window[0]), (0, size[1] - window[1])
    x1, y1, x2, y2 = (float(number) for number in target["box"])
    return _starts(window[0], y1, y2, size[0]), _starts(window[1], x1, x2, size[1])


def _starts(length: int, low: float, high: float, whole: int) -> tuple[int, int]:
    """The first and the last start of ``length`` pixels that hold low..high, or lie within it."""
    first, last = math.ceil(min(high, whole)) - length, math.floor(max(low, 0))
    return max(min(first, last), 0), min(max(first, last), whole - length)


class RandomCrop:
    """Cut a window of `size` (H, W) from a random place; see `crop`.

    A side of the picture that is shorter than the window's is kept whole. A picture's one object
    stays in sight, see `places_of_window`.

    Example:
        >>> cut = RandomCrop((4, 4))
        >>> image, _ = cut(np.zeros((3, 9, 3), np.float32), {}, np.random.default_rng(0))
        >>> image.shape
        (3, 4, 3)
    """

    def __init__(
        self, size: tuple[int, int], min_visible: float = 0.3, min_size: float = 2.0
    ) -> None:
        if min(size) < 1:
            raise ValueError(f"RandomCrop: size is {size}, expected (height, width) of at least 1")
        self.size, self.min_visible, self.min_size = size, min_visible, min_size

    def __call__(
        self, image: np.ndarray, target: dict, rng: np.random.Generator | None
    ) -> tuple[np.ndarray, dict]:
        rng = need_rng("RandomCrop", rng)
        check_photograph("RandomCrop", image)
        full_height, full_width = image.shape[1:]
        height, width = min(self.size[0], full_height), min(self.size[1], full_width)
        rows, columns = places_of_window(target, (height, width), (full_height, full_width))
        top = int(rng.integers(rows[0], rows[1] + 1))
        left = int(rng.integers(columns[0], columns[1] + 1))
        return crop(image, target, top, left, height, width, self.min_visible, self.min_size)


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
        target: labels of the picture; boxes and joints move with the picture.
        top, left: row and column of the picture's first pixel on the ground.
        height, width: of the ground, which must be large enough for the picture.
        fill: brightness of the ground, 0..1.
        fill_class: class of the ground in `segmentation`; `VOID`, no class, by default.

    Raises:
        ValueError: the picture does not lie within the ground.

    Example:
        >>> target = {"segmentation": np.array([[3]])}
        >>> image, target = lay_on_ground(np.ones((3, 1, 1), np.float32), target, 0, 1, 1, 3)
        >>> image[0].tolist(), target["segmentation"].tolist()
        ([[0.5, 1.0, 0.5]], [[255, 3, 255]])
    """
    check_photograph("lay_on_ground", image)
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
