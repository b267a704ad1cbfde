"""Logarithm of softmax, one list of scores at a time."""

from __future__ import annotations

import math

import numpy as np


def log_softmax(x: np.ndarray, dim: int) -> np.ndarray:
    """y_k = log(exp(x_k) / Σ_j exp(x_j)) = x_k - log Σ_j exp(x_j) along the axis ``dim``.

    Without the shift by the largest score it overflows above about 700, where exp does.

    >>> log_softmax(np.array([[0.0, np.log(3.0)]]), dim=1).round(4).tolist()
    [[-1.3863, -0.2877]]
    """
    scores = np.moveaxis(x, dim, -1)
    y = np.empty_like(scores)
    for place in np.ndindex(scores.shape[:-1]):
        total = 0.0
        for score in scores[place]:
            total += math.exp(score)
        for k, score in enumerate(scores[place]):
            y[place][k] = score - math.log(total)
    return np.moveaxis(y, -1, dim)
