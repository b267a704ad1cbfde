"""Bilinear resizing: for each new position, mix the four nearest old ones."""

from __future__ import annotations

import math

import numpy as np


def resize_bilinear(
    x: np.ndarray, size: tuple[int, int], align_corners: bool = False
) -> np.ndarray:
    """The twin of `minicv.functional.resize_bilinear`: (N, C, H, W) -> (N, C, OH, OW).

    >>> resize_bilinear(np.array([[[[1.0, 2.0]]]]), (1, 4)).tolist()
    [[[[1.0, 1.25, 1.75, 2.0]]]]
    """
    batch, channels, height, width = x.shape
    y = np.zeros((batch, channels, *size), x.dtype)
    for n in range(batch):
        for c in range(channels):
            for i in range(size[0]):
                for j in range(size[1]):
                    top, bottom, down = neighbours(i, height, size[0], align_corners)
                    left, right, along = neighbours(j, width, size[1], align_corners)
                    upper = (1 - along) * x[n, c, top, left] + along * x[n, c, top, right]
                    lower = (1 - along) * x[n, c, bottom, left] + along * x[n, c, bottom, right]
                    y[n, c, i, j] = (1 - down) * upper + down * lower
    return y


def neighbours(
    new: int, length: int, new_length: int, align_corners: bool
) -> tuple[int, int, float]:
    """The old positions before and after a new one, and how far it is on the way between them.

    >>> neighbours(1, 2, 4, align_corners=False)
    (0, 1, 0.25)
    """
    if align_corners:
        place = 0.0 if new_length == 1 else new * (length - 1) / (new_length - 1)
    else:
        # The centre of pixel i is at i + 1/2, in old pixels and in new ones.
        place = max(0.0, (new + 0.5) * length / new_length - 0.5)
    before = min(math.floor(place), length - 1)
    after = min(before + 1, length - 1)
    return before, after, place - before
