"""Adding values at positions that may repeat, and reading values at positions, on the CPU.

`scatter_add` adds whole rows; `scatter_to_maps` adds numbers to positions of maps, which is the
transpose of taking a maximum, and `gather_from_maps` is the transpose of that.
"""

from __future__ import annotations

import numpy as np

from minicv.backend.parallel import parallel_for, split

BLOCK = 2**18  # numbers in a block of maps: a megabyte of float32


def scatter_add(values: np.ndarray, index: np.ndarray, length: int) -> np.ndarray:
    """out[index[m]] += values[m] for every m, starting from zero; repeated indices add up.

    `numpy.add.at` does the same, several times slower. Column m of a sparse matrix with a single
    1, in row index[m], sends row m of ``values`` to its place, so this is one sparse product; for
    single numbers `numpy.bincount` is faster still. Rows are added in order, so the result is
    always the same.

    Args:
        values: (M, ...), floating point.
        index: (M,) whole numbers in 0..length - 1.
        length: number of rows of the result.

    Returns:
        (length, ...), with the dtype of ``values``.

    >>> values = np.array([[1.0, 2.0], [10.0, 20.0], [5.0, 5.0]])
    >>> scatter_add(values, np.array([2, 0, 2]), 3).tolist()
    [[10.0, 20.0], [0.0, 0.0], [6.0, 7.0]]
    """
    shape = (length, *values.shape[1:])
    if values.size == 0:
        return np.zeros(shape, values.dtype)
    rows = values.reshape(len(values), -1)  # (M, ...) -> (M, D)
    if rows.shape[1] == 1:
        sums = np.bincount(index, weights=rows[:, 0], minlength=length)
        return sums.astype(values.dtype).reshape(shape)
    from scipy import sparse  # slow to load, and seldom needed

    ones = np.ones(len(index), values.dtype)
    one_per_column = np.arange(len(index) + 1)
    places = sparse.csc_array((ones, index, one_per_column), shape=(length, len(index)))
    return (places @ rows).reshape(shape)  # (length, M) (M, D) -> (length, D)


def scatter_to_maps(values: np.ndarray, indices: np.ndarray, size: int) -> np.ndarray:
    """Maps of ``size`` zeros, to which each value is added at its index.

    Values that share an index are added in the order of the array, so the result is the same every
    time.

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
