"""Rectified linear unit with a slope on the negative side, one element at a time."""

from __future__ import annotations

import numpy as np


def leaky_relu(x: np.ndarray, negative_slope: float = 0.01) -> np.ndarray:
    """x where it is positive, else negative_slope · x; any shape.

    >>> leaky_relu(np.array([-10.0, 0.0, 2.0]), 0.5).tolist()
    [-5.0, 0.0, 2.0]
    """
    y = np.empty_like(x)
    for position in np.ndindex(x.shape):
        y[position] = x[position] if x[position] > 0 else negative_slope * x[position]
    return y
