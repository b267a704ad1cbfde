"""Max unpooling: each value goes to the position that its index names."""

from __future__ import annotations

import numpy as np


def max_unpool2d(x: np.ndarray, indices: np.ndarray, output_size: tuple[int, int]) -> np.ndarray:
    """The twin of `minicv.functional.max_unpool2d`: (N, C, H, W) -> (N, C, OH, OW).

    The lecture's example, with the switches of its max pooling:

    >>> indices = np.array([[[[5, 2], [12, 15]]]])
    >>> max_unpool2d(np.array([[[[1, 2], [3, 4]]]]), indices, (4, 4)).tolist()
    [[[[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]]]]
    """
    batch, channels, height, width = x.shape
    y = np.zeros((batch, channels, *output_size), x.dtype)
    for n in range(batch):
        for c in range(channels):
            for i in range(height):
                for j in range(width):
                    row, column = divmod(int(indices[n, c, i, j]), output_size[1])
                    y[n, c, row, column] += x[n, c, i, j]  # values that share a position add up
    return y
