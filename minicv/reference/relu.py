"""Rectified linear unit, one element at a time."""

from __future__ import annotations

import numpy as np


def relu(x: np.ndarray) -> np.ndarray:
    """x where it is positive, else 0; any shape.

    >>> relu(np.array([-1.0, 0.0, 2.0])).tolist()
    [0.0, 0.0, 2.0]
    """
    y = np.empty_like(x)
    for position in np.ndindex(x.shape):
        y[position] = x[position] if x[position] > 0 else 0
    return y
