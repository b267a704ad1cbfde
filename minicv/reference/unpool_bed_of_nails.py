"""Bed-of-nails unpooling: each old position goes to the corner of its block."""

from __future__ import annotations

import numpy as np


def unpool_bed_of_nails(x: np.ndarray, scale_factor: tuple[int, int]) -> np.ndarray:
    """The twin of `minicv.functional.unpool_bed_of_nails`: (N, C, H, W) -> (N, C, H·SH, W·SW).

    >>> unpool_bed_of_nails(np.array([[[[1, 2], [3, 4]]]]), (2, 2)).tolist()
    [[[[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]]]
    """
    batch, channels, height, width = x.shape
    y = np.zeros((batch, channels, height * scale_factor[0], width * scale_factor[1]), x.dtype)
    for n in range(batch):
        for c in range(channels):
            for row in range(height):
                for column in range(width):
                    y[n, c, row * scale_factor[0], column * scale_factor[1]] = x[n, c, row, column]
    return y
