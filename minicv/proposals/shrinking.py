"""A smaller version of a picture, each pixel the mean of those it stands for."""

from __future__ import annotations

import numpy as np
from PIL import Image


def as_picture(image: np.ndarray) -> Image.Image:
    """(3, H, W) float in 0..1 -> Pillow's picture of 8 bits, which it resizes fast.

    >>> as_picture(np.ones((3, 2, 4), np.float32)).size
    (4, 2)
    """
    pixels = np.floor(image.transpose(1, 2, 0) * 255 + 0.5).clip(0, 255).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels))  # (H, W, 3)


def resized(picture: Image.Image, width: int, height: int) -> np.ndarray:
    """(height, width, 3) uint8, by triangles as wide as the step from pixel to pixel.

    >>> resized(as_picture(np.ones((3, 20, 40), np.float32)), 4, 3).shape
    (3, 4, 3)
    """
    # The gap lets a plain mean of whole blocks do most of the shrinking.
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0))
