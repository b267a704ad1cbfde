"""Leaky ReLU with a slope for each channel, one element at a time."""

from __future__ import annotations

import numpy as np


def prelu(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """x where it is positive, else the slope of its channel times x.

    (N, C, ...) and (C,), or any shape and (1,).

    >>> prelu(np.array([[-2.0, -2.0], [3.0, 4.0]]), np.array([0.5, 0.25])).tolist()
    [[-1.0, -0.5], [3.0, 4.0]]
    """
    y = np.empty_like(x)
    for position in np.ndindex(x.shape):
        slope = weight[0] if len(weight) == 1 else weight[position[1]]
        y[position] = x[position] if x[position] > 0 else slope * x[position]
    return y
