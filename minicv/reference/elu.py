"""Exponential linear unit, one element at a time."""

from __future__ import annotations

import math

import numpy as np


def elu(x: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """x where it is positive, else alpha · (exp(x) - 1); any shape.

    >>> elu(np.array([-1.0, 0.0, 2.0]), 0.5).round(4).tolist()
    [-0.3161, 0.0, 2.0]
    """
    y = np.empty_like(x)
    for position in np.ndindex(x.shape):
        value = float(x[position])
        y[position] = value if value > 0 else alpha * math.expm1(value)
    return y
