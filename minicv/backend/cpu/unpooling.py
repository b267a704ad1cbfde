"""Scattering values to positions of a map, on the CPU: the transpose of taking a maximum."""

from __future__ import annotations

import numpy as np

from minicv.backend.parallel import parallel_for, split

BLOCK = 2**18  # numbers in a block of maps: a megabyte of float32


def scatter_to_maps(values: np.ndarray, indices: np.ndarray, size: int) -> np.ndarray:
    """Maps of ``size`` zeros, to which each value is added at its index.

    Values that share an index add up in the order in which they stand, so the result is the same
    every time.

    Args:
        values: (..., M), real.
        indices: (..., M), integers 0..size-1.
        size: positions in a map.

    Returns:
        (..., size) of the dtype of ``values``.

    >>> scatter_to_maps(np.array([[1.0, 2.0, 4.0]]), np.array([[3, 0, 3]]), 5).tolist()
    [[2.0, 0.0, 0.0, 5.0, 0.0]]
    """
    *leading, count = values.shape
    maps = int(np.prod(leading))
    values, indices = values.reshape(maps, count), indices.reshape(maps, count)
    result = np.empty((maps, size), values.dtype)

    def scatter(block: slice) -> None:
        result[block] = sum_at(values[block], indices[block], size)

    parallel_for(scatter, split(maps, BLOCK // max(size, count, 1)))
    return result.reshape(*leading, size)


def sum_at(values: np.ndarray, indices: np.ndarray, size: int) -> np.ndarray:
    """`scatter_to_maps` for one block: (B, M) and (B, M) -> (B, size) of float64.

    >>> sum_at(np.array([[1.0, 2.0]]), np.array([[1, 1]]), 2).tolist()
    [[0.0, 3.0]]
    """
    starts = np.arange(len(values))[:, None] * size  # where each map begins in the flat result
    sums = np.bincount((indices + starts).reshape(-1), values.reshape(-1), len(values) * size)
    return sums.reshape(len(values), size)
