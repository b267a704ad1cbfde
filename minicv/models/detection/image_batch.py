"""Stage 1 of every detector: photographs of any size become one batch, and boxes go back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from minicv.vision.boxes import clip_boxes_to_image, scale_boxes


@dataclass(frozen=True)
class ImageBatch:
    """Resized, normalised and padded images.

    Attributes:
        pixels: (N, 3, H, W), normalised; what lies beyond an image is 0, its mean colour.
        sizes: height and width of each image within the batch, before padding.
        original_sizes: height and width of each image as it was given.
    """

    pixels: np.ndarray
    sizes: list[tuple[int, int]]
    original_sizes: list[tuple[int, int]]

    def boxes_to_batch(self, index: int, boxes: np.ndarray) -> np.ndarray:
        """(R, 4) boxes of image ``index``, from its own pixels to those of the batch."""
        scale_y, scale_x = self._scale(index)
        return scale_boxes(boxes, scale_x, scale_y)

    def boxes_to_image(self, index: int, boxes: np.ndarray) -> np.ndarray:
        """(R, 4) boxes, from the pixels of the batch back to those of image ``index``."""
        scale_y, scale_x = self._scale(index)
        boxes = scale_boxes(boxes, 1 / scale_x, 1 / scale_y)
        return clip_boxes_to_image(boxes, self.original_sizes[index])

    def _scale(self, index: int) -> tuple[float, float]:
        (height, width), (old_height, old_width) = self.sizes[index], self.original_sizes[index]
        return height / old_height, width / old_width


def make_batch(
    images: Sequence[np.ndarray],
    *,
    min_size: int,
    max_size: int,
    mean: Sequence[float],
    std: Sequence[float],
    multiple_of: int,
) -> ImageBatch:
    """Resize each image, subtract the mean, divide by the deviation, pad to a common size.

    Args:
        images: each (3, H, W), RGB float in 0..1; sizes may differ.
        min_size, max_size: see `resized_size`.
        mean, std: per colour, in the units of the images.
        multiple_of: the padded height and width are multiples of this, the backbone's stride.

    Raises:
        ValueError: no images, or one that is not (3, H, W) with at least one pixel, or of whole
            numbers, which would be 0..255 and not 0..1.

    >>> image = np.full((3, 20, 30), 0.5, dtype="float32")
    >>> batch = make_batch([image], min_size=10, max_size=99, mean=[0.5] * 3, std=[0.25] * 3,
    ...                    multiple_of=16)
    >>> batch.pixels.shape, batch.sizes
    ((1, 3, 16, 16), [(10, 15)])
    """
    if len(images) == 0:
        raise ValueError("make_batch: expected at least one image but got none")
    for index, image in enumerate(images):
        if image.ndim != 3 or image.shape[0] != 3 or 0 in image.shape:
            raise ValueError(
                f"make_batch: image {index} has shape {image.shape}; expected (3, height, width), "
                "RGB with at least one pixel"
            )
        if image.dtype.kind != "f":
            raise ValueError(
                f"make_batch: image {index} is {image.dtype}; expected floats in 0..1, as "
                "minicv.data.read_image gives, or divide by 255"
            )
    original_sizes = [image.shape[1:] for image in images]
    sizes = [resized_size(height, width, min_size, max_size) for height, width in original_sizes]
    padded = [-(-max(lengths) // multiple_of) * multiple_of for lengths in zip(*sizes, strict=True)]
    pixels = np.zeros((len(images), 3, *padded), dtype=np.float32)
    offset = np.asarray(mean, dtype=np.float32)[:, None, None]
    factor = 1 / np.asarray(std, dtype=np.float32)[:, None, None]
    for plane, image, (height, width) in zip(pixels, images, sizes, strict=True):
        plane[:, :height, :width] = (resize_image(image, height, width) - offset) * factor
    return ImageBatch(pixels, sizes, original_sizes)


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
