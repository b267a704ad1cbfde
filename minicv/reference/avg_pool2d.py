"""Average pooling: add up each window, and divide."""

from __future__ import annotations

import numpy as np

from minicv.reference.max_pool2d import count_windows


def avg_pool2d(
    x: np.ndarray,
    kernel_size: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> np.ndarray:
    """The twin of `minicv.functional.avg_pool2d`: (N, C, H, W) -> (N, C, OH, OW).

    >>> x = np.array([[[[1.0, 2.0, 6.0, 3.0], [3.0, 6.0, 2.0, 1.0]]]])
    >>> avg_pool2d(x, (2, 2), (2, 2)).tolist()
    [[[[3.0, 3.0]]]]
    """
    batch, channels, height, width = x.shape
    out_height, out_width = (
        count_windows(length, kernel, step, pad, 1, ceil_mode)
        for length, kernel, step, pad in zip(
            (height, width), kernel_size, stride, padding, strict=True
        )
    )
    y = np.zeros((batch, channels, out_height, out_width), x.dtype)
    for n in range(batch):
        for c in range(channels):
            for i in range(out_height):
                for j in range(out_width):
                    total, pixels, places = 0.0, 0, 0
                    for u in range(kernel_size[0]):
                        for v in range(kernel_size[1]):
                            row = i * stride[0] + u - padding[0]
                            column = j * stride[1] + v - padding[1]
                            if row >= height + padding[0] or column >= width + padding[1]:
                                continue  # beyond the padding: only with ceil_mode
                            places += 1
                            if 0 <= row < height and 0 <= column < width:
                                total += x[n, c, row, column]
                                pixels += 1
                    y[n, c, i, j] = total / (places if count_include_pad else pixels)
    return y
