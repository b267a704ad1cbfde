"""Bilinear resizing: for each new position, mix the four nearest old ones."""

from __future__ import annotations

import numpy as np


def resize_bilinear(
    x: np.ndarray,
    size: tuple[int, int],
    align_corners: bool = False,
    scale_factor: tuple[float | None, float | None] = (None, None),
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
                    top, bottom, down = neighbours(
                        i, height, size[0], align_corners, scale_factor[0]
                    )
                    left, right, along = neighbours(
                        j, width, size[1], align_corners, scale_factor[1]
                    )
                    upper = mix(x[n, c, top, left], x[n, c, top, right], along)
                    lower = mix(x[n, c, bottom, left], x[n, c, bottom, right], along)
                    y[n, c, i, j] = mix(upper, lower, down)
    return y


def mix(first: float, second: float, share: float) -> float:
    """A share of the second and the rest of the first; a share of 0 of infinity or NaN is nothing.

    >>> mix(1.0, 3.0, 0.25), mix(1.0, float("nan"), 0.0)
    (1.5, 1.0)
    """
    return first if share == 0 else (1 - share) * first + share * second


def neighbours(
    new: int,
    length: int,
    new_length: int,
    align_corners: bool,
    scale_factor: float | None = None,
) -> tuple[int, int, float]:
    """The old positions before and after a new one, and how far it is on the way between them.

    >>> neighbours(1, 2, 4, align_corners=False)
    (0, 1, 0.25)
    """
    if scale_factor is not None and new_length != length and not align_corners:
        place = min(max((new + 0.5) / scale_factor - 0.5, 0.0), length - 1.0)
        before = int(place)
        return before, min(before + 1, length - 1), place - before
    # The place is numerator / denominator: whole numbers, so that a share of 0 is exactly 0.
    if align_corners:
        numerator, denominator = new * (length - 1), max(new_length - 1, 1)
    else:
        # The centre of pixel i is at i + 1/2, in old pixels and in new ones.
        numerator, denominator = (2 * new + 1) * length - new_length, 2 * new_length
    numerator = min(max(numerator, 0), (length - 1) * denominator)
    before, rest = divmod(numerator, denominator)
    return before, min(before + 1, length - 1), rest / denominator
