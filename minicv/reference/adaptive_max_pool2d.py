"""Max pooling to a fixed output size: the largest value of each bin, and where it was."""

from __future__ import annotations

import numpy as np

from minicv.reference.adaptive_avg_pool2d import bin_positions
from minicv.reference.max_pool2d import beats


def adaptive_max_pool2d(
    x: np.ndarray, output_size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The twin of `minicv.functional.adaptive_max_pool2d`: maxima and flat positions.

    >>> maxima, indices = adaptive_max_pool2d(np.array([[[[1.0, 2.0, 6.0]]]]), (1, 2))
    >>> maxima.tolist(), indices.tolist()
    ([[[[2.0, 6.0]]]], [[[[1, 2]]]])
    """
    batch, channels, height, width = x.shape
    maxima = np.zeros((batch, channels, *output_size), x.dtype)
    indices = np.full(maxima.shape, -1, np.int64)
    for n in range(batch):
        for c in range(channels):
            for i in range(output_size[0]):
                for j in range(output_size[1]):
                    for row in bin_positions(i, output_size[0], height):
                        for column in bin_positions(j, output_size[1], width):
                            value, best = x[n, c, row, column], maxima[n, c, i, j]
                            if indices[n, c, i, j] == -1 or beats(value, best):
                                maxima[n, c, i, j] = value
                                indices[n, c, i, j] = row * width + column
    return maxima, indices
