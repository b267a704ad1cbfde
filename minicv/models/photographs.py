"""Photographs on their way into a network: checked, resized, normalised, laid side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image


def check_image(image: np.ndarray, name: str) -> None:
    """Raise unless this is a photograph as every model takes it: (3, H, W), RGB float in 0..1.

    Args:
        image: what was given.
        name: what the message begins with, such as "make_batch: image 3".

    Raises:
        ValueError: another shape, no pixels, or whole numbers, which would be 0..255 and not 0..1.

    >>> check_image(np.zeros((3, 4, 5), "uint8"), "FCN8s: image 0")
    Traceback (most recent call last):
    ...
    ValueError: FCN8s: image 0 is uint8; expected floats in 0..1, as minicv.data.read_image gives...
    """
    if image.ndim != 3 or image.shape[0] != 3 or 0 in image.shape:
        raise ValueError(
            f"{name} has shape {image.shape}; expected (3, height, width), RGB with at least one "
            "pixel"
        )
    if image.dtype.kind != "f":
        raise ValueError(
            f"{name} is {image.dtype}; expected floats in 0..1, as minicv.data.read_image gives, "
            "or divide by 255"
        )


def resized_size(height: int, width: int, min_size: int, max_size: int) -> tuple[int, int]:
    """The shorter side becomes ``min_size``; less, where the longer would pass ``max_size``.

    >>> resized_size(400, 800, min_size=300, max_size=1000)
    (300, 600)
    >>> resized_size(400, 800, min_size=300, max_size=500)
    (250, 500)
    """
    scale = min(min_size / min(height, width), max_size / max(height, width))
    return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))


def resize_image(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """(C, H, W) to (C, height, width), bilinear; smoothed first when it shrinks.

    >>> resize_image(np.ones((3, 4, 6), dtype="float32"), 2, 3).shape
    (3, 2, 3)
    """
    if image.shape[1:] == (height, width):
        return image
    planes = [
        Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32)).resize(
            (width, height), Image.Resampling.BILINEAR
        )
        for plane in image
    ]
    return np.stack([np.asarray(plane) for plane in planes])


def normalised_batch(
    images: Sequence[np.ndarray],
    mean: Sequence[float],
    std: Sequence[float],
    multiple_of: int = 1,
) -> np.ndarray:
    """(image - mean) / std, in one array; what lies beyond an image is 0, the mean colour.

    Args:
        images: each (3, H, W); sizes may differ, and smaller ones stand at the top left.
        mean, std: per colour, in the units of the images.
        multiple_of: height and width of the result are multiples of this.

    Returns:
        (N, 3, H, W) float32.

    >>> images = [np.full((3, 2, 5), 0.75, "float32"), np.full((3, 3, 4), 0.5, "float32")]
    >>> batch = normalised_batch(images, mean=[0.5] * 3, std=[0.25] * 3, multiple_of=4)
    >>> batch.shape, batch[0, 0, :3, 4].tolist()
    ((2, 3, 4, 8), [1.0, 1.0, 0.0])
    """
    sizes = zip(*(image.shape[1:] for image in images), strict=True)
    height, width = (-(-max(lengths) // multiple_of) * multiple_of for lengths in sizes)
    batch = np.zeros((len(images), 3, height, width), np.float32)
    offset = np.asarray(mean, np.float32)[:, None, None]
    factor = 1 / np.asarray(std, np.float32)[:, None, None]
    for plane, image in zip(batch, images, strict=True):
        plane[:, : image.shape[1], : image.shape[2]] = (image - offset) * factor
    return batch
