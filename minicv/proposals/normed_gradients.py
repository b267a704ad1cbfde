"""Normed gradients: what any object looks like when it is squeezed into 8 x 8 pixels.

Source: Cheng et al., "BING: Binarized Normed Gradients for Objectness Estimation at 300fps" (2014),
section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minicv.proposals.shrinking import as_picture, resized

WINDOW = 8
SIDES = (16, 32, 64, 128, 256, 512)  # of windows in the image, pixels
SIZES = tuple((width, height) for width in SIDES for height in SIDES)


@dataclass(frozen=True)
class GradientMap:
    """The image shrunk so that windows of one size become 8 x 8 pixels; its normed gradients.

    Attributes:
        size: number of the window's size in `SIZES`.
        values: (H', W') uint8, H' and W' at least 8.
        image_size: (height, width) of the image, pixels.
    """

    size: int
    values: np.ndarray
    image_size: tuple[int, int]

    @property
    def places(self) -> tuple[int, int]:
        """Rows and columns of the places that an 8 x 8 window can take."""
        return self.values.shape[0] - WINDOW + 1, self.values.shape[1] - WINDOW + 1

    def boxes(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """(M,) places of windows -> (M, 4) boxes in the image, pixels.

        >>> one = GradientMap(0, np.zeros((8, 10), np.uint8), (16, 20))
        >>> one.boxes(np.array([0]), np.array([1])).tolist()
        [[2.0, 0.0, 18.0, 16.0]]
        """
        down, right = (
            length / small for length, small in zip(self.image_size, self.values.shape, strict=True)
        )
        return np.stack(
            [columns * right, rows * down, (columns + WINDOW) * right, (rows + WINDOW) * down],
            axis=1,
        )


def normed_gradients(picture: np.ndarray) -> np.ndarray:
    """``min(|gx| + |gy|, 255)``: (H, W, 3) uint8 -> (H, W) uint8.

    The gradients are differences of the two neighbours, of the channel that differs most; at the
    border the pixel itself stands for the neighbour that is missing.

    >>> ramp = np.repeat(np.array([[[0], [10], [30]]], np.uint8), 3, axis=2)
    >>> normed_gradients(ramp).tolist()
    [[10, 30, 20]]
    """
    padded = np.pad(picture.astype(np.int16), ((1, 1), (1, 1), (0, 0)), mode="edge")
    across = np.abs(padded[1:-1, 2:] - padded[1:-1, :-2]).max(axis=2)
    down = np.abs(padded[2:, 1:-1] - padded[:-2, 1:-1]).max(axis=2)
    return np.minimum(across + down, 255).astype(np.uint8)


def gradient_maps(image: np.ndarray) -> Iterator[GradientMap]:
    """A map for each quantised size of windows that the image has room for.

    Sizes are a factor of 2 apart, so a size stands for all within a factor of sqrt(2). One that
    exceeds the image by more is left out; one that exceeds it by less becomes as large as it.

    Args:
        image: (3, H, W) float in 0..1.

    >>> [SIZES[one.size] for one in gradient_maps(np.zeros((3, 20, 40), np.float32))]
    [(16, 16), (32, 16)]
    """
    height, width = image.shape[1:]
    picture = as_picture(image)
    for number, (wide, high) in enumerate(SIZES):
        if wide * wide > 2 * width * width or high * high > 2 * height * height:
            continue
        shrunk = tuple(
            max(WINDOW, int(WINDOW * length / side + 0.5))
            for length, side in ((width, wide), (height, high))
        )
        yield GradientMap(number, normed_gradients(resized(picture, *shrunk)), (height, width))
