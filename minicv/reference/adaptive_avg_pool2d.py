"""Average pooling to a fixed output size: the mean of each bin."""

from __future__ import annotations

import numpy as np


def adaptive_avg_pool2d(x: np.ndarray, output_size: tuple[int, int]) -> np.ndarray:
    """The twin of `minicv.functional.adaptive_avg_pool2d`: (N, C, H, W) -> (N, C, OH, OW).

    >>> adaptive_avg_pool2d(np.array([[[[1.0, 2.0, 6.0]]]]), (1, 2)).tolist()
    [[[[1.5, 4.0]]]]
    """
    batch, channels, height, width = x.shape
    y = np.zeros((batch, channels, *output_size), x.dtype)
    for n in range(batch):
        for c in range(channels):
            for i in range(output_size[0]):
                for j in range(output_size[1]):
                    total, count = 0.0, 0
                    for row in bin_positions(i, output_size[0], height):
                        for column in bin_positions(j, output_size[1], width):
                            total += x[n, c, row, column]
                            count += 1
                    y[n, c, i, j] = total / count
    return y


def bin_positions(number: int, bins: int, length: int) -> list[int]:
    """The positions that touch bin ``number``, if ``length`` unit squares are cut into equal bins.

    The bin reaches from number · length / bins to (number + 1) · length / bins. Position p reaches
    from p to p + 1. They share more than a point where each starts before the other ends.

    >>> bin_positions(0, 2, 3), bin_positions(1, 2, 3)
    ([0, 1], [1, 2])
    """
    return [
        p
        for p in range(length)
        if p * bins < (number + 1) * length and number * length < (p + 1) * bins
    ]
