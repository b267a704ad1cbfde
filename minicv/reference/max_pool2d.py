"""Max pooling as on the slide: look at each window and remember where the largest value was."""

from __future__ import annotations

import math

import numpy as np


def max_pool2d(
    x: np.ndarray,
    kernel_size: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    ceil_mode: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """The twin of `minicv.functional.max_pool2d`: (N, C, H, W) -> maxima and flat positions.

    >>> x = np.array([[[[1, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]]]], dtype=float)
    >>> maxima, indices = max_pool2d(x, (2, 2), (2, 2))
    >>> maxima.tolist()
    [[[[5.0, 6.0], [7.0, 8.0]]]]
    >>> indices.tolist()
    [[[[5, 2], [12, 15]]]]
    """
    batch, channels, height, width = x.shape
    out_height = count_windows(
        height, kernel_size[0], stride[0], padding[0], dilation[0], ceil_mode
    )
    out_width = count_windows(width, kernel_size[1], stride[1], padding[1], dilation[1], ceil_mode)
    maxima = np.full((batch, channels, out_height, out_width), -np.inf, x.dtype)
    indices = np.full(maxima.shape, -1, np.int64)
    for n in range(batch):
        for c in range(channels):
            for i in range(out_height):
                for j in range(out_width):
                    for u in range(kernel_size[0]):
                        for v in range(kernel_size[1]):
                            row = i * stride[0] + u * dilation[0] - padding[0]
                            column = j * stride[1] + v * dilation[1] - padding[1]
                            if not (0 <= row < height and 0 <= column < width):
                                continue
                            value, best = x[n, c, row, column], maxima[n, c, i, j]
                            if indices[n, c, i, j] == -1 or beats(value, best):
                                maxima[n, c, i, j] = value
                                indices[n, c, i, j] = row * width + column
    return maxima, indices


def beats(value: float, best: float) -> bool:
    """Whether a later value takes the place of the best so far: not if it is equal. The first NaN
    beats every number, and nothing beats it.

    >>> beats(2.0, 1.0), beats(1.0, 1.0), beats(float("nan"), 1.0), beats(1.0, float("nan"))
    (True, False, True, False)
    """
    return bool(value > best or (np.isnan(value) and not np.isnan(best)))


def count_windows(
    length: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> int:
    """Slide along one axis and count.

    >>> count_windows(5, 2, 2, 0, 1, ceil_mode=False), count_windows(5, 2, 2, 0, 1, ceil_mode=True)
    (2, 3)
    """
    steps = (length + 2 * padding - (dilation * (kernel - 1) + 1)) / stride
    if not ceil_mode:
        return math.floor(steps) + 1
    count = math.ceil(steps) + 1
    start_of_last = (count - 1) * stride - padding
    # A window that starts beyond the image would see nothing of it.
    return count if start_of_last < length else count - 1
