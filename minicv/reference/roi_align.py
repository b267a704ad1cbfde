"""RoIAlign: spread sample points over each bin, interpolate at each, take the mean."""

from __future__ import annotations

import math

import numpy as np

from minicv.reference.resize_bilinear import mix


def roi_align(
    x: np.ndarray,
    boxes: np.ndarray,
    batch_indices: np.ndarray,
    output_size: tuple[int, int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = True,
) -> np.ndarray:
    """The twin of `minicv.functional.roi_align`: (N, C, H, W) and R boxes -> (R, C, PH, PW).

    The box covers the four pixels in the middle, one bin each:

    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> roi_align(x, np.array([[1.0, 1.0, 3.0, 3.0]]), np.array([0]), (2, 2)).tolist()
    [[[[5.0, 6.0], [9.0, 10.0]]]]
    """
    channels = x.shape[1]
    bins_down, bins_along = output_size
    y = np.zeros((len(boxes), channels, bins_down, bins_along), x.dtype)
    shift = 0.5 if aligned else 0.0
    for r in range(len(boxes)):
        left, top, right, bottom = (float(corner) * spatial_scale - shift for corner in boxes[r])
        bin_height, bin_width = (bottom - top) / bins_down, (right - left) / bins_along
        if not aligned:
            bin_height = max(bottom - top, 1.0) / bins_down
            bin_width = max(right - left, 1.0) / bins_along
        samples_down = sampling_ratio if sampling_ratio > 0 else math.ceil(bin_height)
        samples_along = sampling_ratio if sampling_ratio > 0 else math.ceil(bin_width)
        for c in range(channels):
            image = x[batch_indices[r], c]
            for i in range(bins_down):
                for j in range(bins_along):
                    total = 0.0
                    for k in range(samples_down):
                        for m in range(samples_along):
                            row = top + (i + (k + 0.5) / samples_down) * bin_height
                            column = left + (j + (m + 0.5) / samples_along) * bin_width
                            total += interpolate(image, row, column)
                    y[r, c, i, j] = total / max(samples_down * samples_along, 1)
    return y


def interpolate(image: np.ndarray, row: float, column: float) -> float:
    """The value between four positions; beyond the edge that of the edge, and farther out 0.

    >>> interpolate(np.array([[1.0, 3.0]]), 0.0, 0.25)
    1.5
    """
    height, width = image.shape
    if not (-1 <= row <= height and -1 <= column <= width):
        return 0.0
    row, column = min(max(row, 0.0), height - 1), min(max(column, 0.0), width - 1)
    top, left = math.floor(row), math.floor(column)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, along = row - top, column - left
    upper = mix(image[top, left], image[top, right], along)
    lower = mix(image[bottom, left], image[bottom, right], along)
    return float(mix(upper, lower, down))
