"""Maps resized by two matrices, as if multiplied by those weights alone that are not 0."""

from __future__ import annotations

import math

import numpy as np

from minicv.backend.cpu.matmul import matmul

ROUNDED = 1e-9  # a smaller weight is the rounding error of one that should be 0


def resize_maps(x: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """rows · x[n, c] · columnsᵀ for each map: (N, C, H, W) -> (N, C, OH, OW).

    Infinity or NaN in x reaches those results that give it a weight, and no others. In a matrix
    product it would leave traces everywhere, for 0 times infinity is NaN. So it is looked for, in x
    or in the result, whichever is smaller; only where there is some the product is made of what is
    finite, and infinity and NaN are laid over it.

    Args:
        rows, columns: (OH, H) and (OW, W), not negative. In each row, or in each column, of a
            matrix what is above `ROUNDED` stands side by side.

    >>> rows, columns = np.eye(2), np.array([[1.0, 0.0], [0.5, 0.5]])
    >>> resize_maps(np.array([[[[1.0, np.nan], [3.0, 5.0]]]]), rows, columns).tolist()
    [[[[1.0, nan], [3.0, 4.0]]]]
    """
    grows = len(rows) * len(columns) > math.prod(x.shape[2:])
    with np.errstate(invalid="ignore", over="ignore"):
        if grows and not np.isfinite(x.sum()):
            return _with_infinities_apart(x, rows, columns)
        y = _product(x, rows, columns)
        if not grows and not np.isfinite(y.sum()):
            return _with_infinities_apart(x, rows, columns)
    return y


def _product(x: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return matmul(rows, matmul(x, columns.T))


def _with_infinities_apart(x: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    y = _product(np.where(np.isfinite(x), x, 0), rows, columns)
    rows, columns = ((weights > ROUNDED).astype(y.dtype) for weights in (rows, columns))
    nan = np.isnan(x)
    above, below = (
        _product((nan | (x == end)).astype(y.dtype), rows, columns) > 0
        for end in (math.inf, -math.inf)
    )
    y[above] = math.inf
    y[below] = -math.inf
    y[above & below] = math.nan
    return y
