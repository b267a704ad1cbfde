"""A segmentation into regions that have no names: each in its mean colour, with its border."""

from __future__ import annotations

import numpy as np
from PIL import Image

from minicv.inspection.canvas import enlarged, to_picture
from minicv.inspection.palette import WHITE


def draw_segments(image: np.ndarray, labels: np.ndarray) -> Image.Image:
    """Each region filled with the mean colour of its pixels; white lines where regions meet.

    Args:
        image: (3, H, W) floats in 0..1; small ones are enlarged by a whole factor.
        labels: (H, W) whole numbers >= 0, one for each region.

    Raises:
        ValueError: labels have another shape than the image, or are not whole numbers >= 0.

    >>> draw_segments(np.zeros((3, 40, 60), np.float32), np.zeros((40, 60), int)).size
    (540, 360)
    """
    labels = np.asarray(labels)
    if labels.shape != image.shape[1:] or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(
            f"draw_segments: labels expect whole numbers >= 0 of the image's shape "
            f"{image.shape[1:]} but are {labels.dtype} of shape {labels.shape}"
        )
    counts = np.maximum(np.bincount(labels.ravel()), 1)
    means = [np.bincount(labels.ravel(), channel.ravel()) / counts for channel in image]
    flat = np.stack(means)[:, labels].astype(np.float32)  # (3, regions) -> (3, H, W)
    size = enlarged(image)[0].size
    pixels = np.array(to_picture(flat).resize(size, Image.Resampling.NEAREST))
    factor = size[0] // labels.shape[1]
    labels = labels.repeat(factor, axis=0).repeat(factor, axis=1)
    border = np.zeros(labels.shape, bool)
    border[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    border[1:] |= labels[1:] != labels[:-1]
    pixels[border] = WHITE
    return Image.fromarray(pixels)
