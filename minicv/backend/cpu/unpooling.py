"""Scattering values to positions of a map, and gathering them there, on the CPU.

To scatter is the transpose of taking a maximum; to gather, the transpose of that.
"""

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
        flat = flat_indices(indices[block], size).reshape(-1)
        sums = np.bincount(flat, values[block].reshape(-1), len(result[block]) * size)  # float64
        result[block] = sums.reshape(-1, size)

    parallel_for(scatter, split(maps, BLOCK // max(size, count, 1)))
    return result.reshape(*leading, size)


def gather_from_maps(maps: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """The value of each map at each of its indices.

    Args:
        maps: (..., size).
        indices: (..., M), integers 0..size-1.

    Returns:
        (..., M) of the dtype of ``maps``.

    >>> gather_from_maps(np.array([[1.0, 2.0, 4.0]]), np.array([[2, 0, 2, 2]])).tolist()
    [[4.0, 1.0, 4.0, 4.0]]
    """
    shape, size = indices.shape, maps.shape[-1]
    count = int(np.prod(shape[:-1]))
    maps, indices = maps.reshape(count, size), indices.reshape(count, shape[-1])
    result = np.empty(indices.shape, maps.dtype)

    def gather(block: slice) -> None:
        # "clip" checks nothing and so works in place; there is nothing to clip.
        flat = flat_indices(indices[block], size)
        np.take(maps[block].reshape(-1), flat, out=result[block], mode="clip")

    parallel_for(gather, split(count, BLOCK // max(size, 1)))
    return result.reshape(shape)


def flat_indices(indices: np.ndarray, size: int) -> np.ndarray:
    """(B, M) positions in maps of ``size`` as positions in all B maps one after the other.

    >>> flat_indices(np.array([[1, 0], [2, 2]]), 3).tolist()
    [[1, 0], [5, 5]]
    """
    return indices + np.arange(len(indices))[:, None] * size
