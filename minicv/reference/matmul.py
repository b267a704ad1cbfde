"""Matrix product by three loops."""

from __future__ import annotations

import numpy as np


def matmul(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """z_ij = Σ_k x_ik y_kj, for each pair of matrices of a batch.

    x is (..., M, K), y is (..., K, P), z is (..., M, P); the batch axes (...) are equal. Vectors
    and broadcasting are left out here: write a vector as a matrix of one row or column.

    >>> matmul(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[10.0], [1.0]])).tolist()
    [[12.0], [34.0]]
    """
    *batch, rows, inner = x.shape
    columns = y.shape[-1]
    z = np.zeros((*batch, rows, columns), x.dtype)
    for pair in np.ndindex(*batch):
        for i in range(rows):
            for j in range(columns):
                for k in range(inner):
                    z[pair][i, j] += x[pair][i, k] * y[pair][k, j]
    return z
