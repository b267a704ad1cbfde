"""RoI pooling: round the box, cut it into bins, take the maximum of each."""

from __future__ import annotations

import math

import numpy as np

from minicv.reference.max_pool2d import beats


def roi_pool(
    x: np.ndarray,
    boxes: np.ndarray,
    batch_indices: np.ndarray,
    output_size: tuple[int, int],
    spatial_scale: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """The twin of `minicv.functional.roi_pool`: maxima and their flat positions.

    An empty bin has the maximum 0 and the position -1.
    The box covers rows 0 to 1 and columns 0 to 3, both included, so each bin is 1 x 2:

    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> maxima, positions = roi_pool(x, np.array([[0.0, 0.0, 3.0, 1.0]]), np.array([0]), (2, 2))
    >>> maxima.tolist(), positions.tolist()
    ([[[[1.0, 3.0], [5.0, 7.0]]]], [[[[1, 3], [5, 7]]]])
    """
    _, channels, height, width = x.shape
    maxima = np.zeros((len(boxes), channels, *output_size), x.dtype)
    positions = np.full(maxima.shape, -1, np.int64)
    for r in range(len(boxes)):
        left, top, right, bottom = (
            math.floor(float(corner) * spatial_scale + 0.5) for corner in boxes[r]
        )
        region_height, region_width = max(bottom - top + 1, 1), max(right - left + 1, 1)
        for c in range(channels):
            for i in range(output_size[0]):
                for j in range(output_size[1]):
                    # Python's // rounds down, so -(-a // b) rounds a / b up.
                    first_row = top + i * region_height // output_size[0]
                    stop_row = top - (-(i + 1) * region_height // output_size[0])
                    first_column = left + j * region_width // output_size[1]
                    stop_column = left - (-(j + 1) * region_width // output_size[1])
                    for row in range(max(first_row, 0), min(stop_row, height)):
                        for column in range(max(first_column, 0), min(stop_column, width)):
                            value = x[batch_indices[r], c, row, column]
                            best = maxima[r, c, i, j]
                            if positions[r, c, i, j] == -1 or beats(value, best):
                                maxima[r, c, i, j] = value
                                positions[r, c, i, j] = row * width + column
    return maxima, positions
