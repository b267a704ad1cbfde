"""Gaussian error linear unit, one element at a time."""

from __future__ import annotations

import math

import numpy as np


def gelu(x: np.ndarray, approximate: str = "none") -> np.ndarray:
    """x times the probability that a standard normal number is below x; any shape.

    >>> gelu(np.array([-1.0, 0.0, 1.0])).round(4).tolist()
    [-0.1587, 0.0, 0.8413]
    """
    y = np.empty_like(x)
    for position in np.ndindex(x.shape):
        value = float(x[position])
        if approximate == "tanh":
            inner = math.sqrt(2 / math.pi) * (value + 0.044715 * value**3)
            probability = (1 + math.tanh(inner)) / 2
        else:
            probability = (1 + math.erf(value / math.sqrt(2))) / 2
        y[position] = value * probability
    return y
