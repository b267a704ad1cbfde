"""Spatial pyramid pooling: the maxima of all bins of all levels, one after another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.reference.adaptive_avg_pool2d import bin_positions


def spatial_pyramid_pool(x: np.ndarray, levels: Sequence[int] = (6, 3, 2, 1)) -> np.ndarray:
    """The twin of `minicv.functional.spatial_pyramid_pool`: (N, C, H, W) -> (N, C·Σ l²).

    >>> spatial_pyramid_pool(np.array([[[[1.0, 2.0], [4.0, 3.0]]]]), levels=(2, 1)).tolist()
    [[1.0, 2.0, 4.0, 3.0, 4.0]]
    """
    batch, channels, height, width = x.shape
    y = np.zeros((batch, channels * sum(level**2 for level in levels)), x.dtype)
    for n in range(batch):
        place = 0
        for level in levels:
            for c in range(channels):
                for i in range(level):
                    for j in range(level):
                        y[n, place] = max(
                            x[n, c, row, column]
                            for row in bin_positions(i, level, height)
                            for column in bin_positions(j, level, width)
                        )
                        place += 1
    return y
