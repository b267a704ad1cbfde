"""Adding rows at indices that may repeat, on the CPU."""

from __future__ import annotations

import numpy as np


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
