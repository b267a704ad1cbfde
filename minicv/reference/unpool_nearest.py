"""Nearest-neighbour unpooling: each new position copies the old one that it lies in."""

from __future__ import annotations

import numpy as np


def unpool_nearest(x: np.ndarray, scale_factor: tuple[int, int]) -> np.ndarray:
    """The twin of `minicv.functional.unpool_nearest`: (N, C, H, W) -> (N, C, H·SH, W·SW).

    >>> unpool_nearest(np.array([[[[1, 2], [3, 4]]]]), (2, 2)).tolist()
    [[[[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]]]
    """
    batch, channels, height, width = x.shape
    y = np.zeros((batch, channels, height * scale_factor[0], width * scale_factor[1]), x.dtype)
    for n in range(batch):
        for c in range(channels):
            for i in range(y.shape[2]):
                for j in range(y.shape[3]):
                    y[n, c, i, j] = x[n, c, i // scale_factor[0], j // scale_factor[1]]
    return y
