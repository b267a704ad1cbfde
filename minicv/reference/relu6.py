"""Rectified linear unit that saturates at six, one element at a time."""

from __future__ import annotations

import numpy as np


def relu6(x: np.ndarray) -> np.ndarray:
    """0 below 0, 6 above 6, x between; any shape.

    >>> relu6(np.array([-1.0, 2.0, 8.0])).tolist()
    [0.0, 2.0, 6.0]
    """
    y = np.empty_like(x)
    for position in np.ndindex(x.shape):
        if x[position] < 0:
            y[position] = 0
        elif x[position] > 6:
            y[position] = 6
        else:
            y[position] = x[position]
    return y
