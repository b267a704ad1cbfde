"""Logistic sigmoid, one element at a time."""

from __future__ import annotations

import math

import numpy as np


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)); any shape. Overflows below about -700, where the formula itself does.

    >>> sigmoid(np.array([0.0, np.log(3.0)])).round(6).tolist()
    [0.5, 0.75]
    """
    y = np.empty_like(x)
    for position in np.ndindex(x.shape):
        y[position] = 1 / (1 + math.exp(-x[position]))
    return y
