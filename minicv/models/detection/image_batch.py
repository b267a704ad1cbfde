"""Stage 1 of every detector: photographs of any size become one batch, and boxes go back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicv.models.backbones.backbone import Backbone
from minicv.models.photographs import (
    check_image,
    normalised_batch,
    resize_image,
    resized_size,
)
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


def batch_for(
    backbone: Backbone, images: Sequence[np.ndarray], min_size: int, max_size: int
) -> ImageBatch:
    """`make_batch` with the normalisation and the stride of ``backbone``."""
    return make_batch(
        images,
        min_size=min_size,
        max_size=max_size,
        mean=backbone.mean,
        std=backbone.std,
        multiple_of=backbone.stride,
    )


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
        check_image(image, f"make_batch: image {index}")
    original_sizes = [image.shape[1:] for image in images]
    sizes = [resized_size(height, width, min_size, max_size) for height, width in original_sizes]
    resized = [resize_image(image, *size) for image, size in zip(images, sizes, strict=True)]
    pixels = normalised_batch(resized, mean, std, multiple_of)
    return ImageBatch(pixels, sizes, original_sizes)
