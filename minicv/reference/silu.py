"""Sigmoid linear unit, one element at a time."""

from __future__ import annotations

import math

import numpy as np


def silu(x: np.ndarray) -> np.ndarray:
    """x / (1 + exp(-x)); any shape. It overflows for large negative x.

    >>> silu(np.array([-1.0, 0.0, 1.0])).round(4).tolist()
    [-0.2689, 0.0, 0.7311]
    """
    y = np.empty_like(x)
    for position in np.ndindex(x.shape):
        value = float(x[position])
        y[position] = value / (1 + math.exp(-value))
    return y
