"""Fully connected layer by three loops."""

from __future__ import annotations

import numpy as np


def linear(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """y_no = Σ_i x_ni W_oi + b_o.

    x is (N, I), weight (O, I), bias (O,) or None, y (N, O).

    >>> weight = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> linear(np.array([[1.0, 2.0]]), weight, np.array([0.5, 0.5, 0.5])).tolist()
    [[1.5, 2.5, 3.5]]
    """
    N, inputs = x.shape
    outputs = len(weight)
    y = np.zeros((N, outputs), x.dtype)
    for n in range(N):
        for o in range(outputs):
            for i in range(inputs):
                y[n, o] += x[n, i] * weight[o, i]
            if bias is not None:
                y[n, o] += bias[o]
    return y
