"""Resize a picture and its labels."""

from __future__ import annotations

import numpy as np
from PIL import Image

from minicv.data.transforms.photograph import check_photograph
from minicv.vision.boxes import scale_boxes
from minicv.vision.keypoints import scale_keypoints


def resize(image: np.ndarray, target: dict, size: tuple[int, int]) -> tuple[np.ndarray, dict]:
    """Resize to exactly `size` (H, W).

    The image is resampled bilinearly, with the filter widened by the factor of reduction (as in
    Pillow), so that fine detail does not alias. Boxes and keypoints are multiplied by new size /
    old size; masks and segmentation take the nearest pixel, the one that holds the new pixel's
    centre.

    Args:
        image: (C, H, W) float32.
        target: labels of the picture.
        size: new height and width, at least 1 each.

    Raises:
        ValueError: a side is less than 1, or the image is none; see `check_photograph`.

    Example:
        >>> boxes = np.array([[2.0, 0.0, 4.0, 2.0]], np.float32)
        >>> image, target = resize(np.ones((3, 2, 4), np.float32), {"boxes": boxes}, (4, 8))
        >>> image.shape, target["boxes"].tolist()
        ((3, 4, 8), [[4.0, 0.0, 8.0, 4.0]])
    """
    check_photograph("resize", image)
    height, width = image.shape[1:]
    new_height, new_width = size
    if min(size) < 1:
        raise ValueError(f"resize: size is {size}, expected (height, width) of at least 1 each")
    if (height, width) == (new_height, new_width):
        return image, target
    result = np.empty((len(image), new_height, new_width), np.float32)
    for channel, plane in zip(result, image, strict=True):
        picture = Image.fromarray(np.ascontiguousarray(plane, np.float32))  # mode F
        channel[:] = np.asarray(picture.resize((new_width, new_height), Image.Resampling.BILINEAR))

    scale_x, scale_y = new_width / width, new_height / height
    target = dict(target)
    if "boxes" in target:
        target["boxes"] = scale_boxes(target["boxes"], scale_x, scale_y)
    if "keypoints" in target:
        target["keypoints"] = scale_keypoints(target["keypoints"], scale_x, scale_y)
    if "box" in target:
        target["box"] = scale_boxes(target["box"][None], scale_x, scale_y)[0]
    if "joints" in target:
        target["joints"] = scale_keypoints(target["joints"][None], scale_x, scale_y)[0]
    rows = ((2 * np.arange(new_height) + 1) * height) // (2 * new_height)
    columns = ((2 * np.arange(new_width) + 1) * width) // (2 * new_width)
    for key in ("masks", "segmentation"):
        if key in target:
            target[key] = target[key].take(rows, axis=-2).take(columns, axis=-1)
    if "area" in target:
        if "masks" in target:
            area = target["masks"].sum(axis=(1, 2)).astype(target["area"].dtype)
        else:
            area = target["area"] * np.float32(scale_x * scale_y)
        target["area"] = area
    return result, target


class Resize:
    """Resize every picture; see `resize`.

    Args:
        size: (H, W) for exactly that size, or a whole number for the shorter side, keeping the
            proportions (as detectors are fed).
        max_size: with a whole number: if the longer side would exceed this, the picture is made
            smaller still, so that the longer side is `max_size`.

    Raises:
        ValueError: `max_size` together with an exact size, or sizes below 1.

    Example:
        >>> image, _ = Resize(100, max_size=150)(np.zeros((3, 50, 200), np.float32), {}, None)
        >>> image.shape
        (3, 38, 150)
    """

    def __init__(self, size: int | tuple[int, int], max_size: int | None = None) -> None:
        exact = not isinstance(size, (int, np.integer))
        if exact and max_size is not None:
            raise ValueError(
                f"Resize: max_size={max_size} needs a whole number as size, not {size}"
            )
        if np.min(size) < 1 or (max_size is not None and max_size < 1):
            raise ValueError(f"Resize: size={size}, max_size={max_size}, expected at least 1")
        self.size, self.max_size = size, max_size

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """The size (H, W) that a picture of height x width gets."""
        if not isinstance(self.size, (int, np.integer)):
            return self.size
        factor = self.size / min(height, width)
        if self.max_size is not None:
            factor = min(factor, self.max_size / max(height, width))
        return max(1, int(height * factor + 0.5)), max(1, int(width * factor + 0.5))

    def __call__(
        self, image: np.ndarray, target: dict, rng: np.random.Generator | None = None
    ) -> tuple[np.ndarray, dict]:
        check_photograph("Resize", image)
        return resize(image, target, self.output_size(*image.shape[1:]))
