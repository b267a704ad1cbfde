"""Softmax, one list of scores at a time."""

from __future__ import annotations

import math

import numpy as np


def softmax(x: np.ndarray, dim: int) -> np.ndarray:
    """y_k = exp(x_k) / Σ_j exp(x_j) along the axis ``dim``; any shape.

    Without the shift by the largest score it overflows above about 700, where exp does.

    >>> softmax(np.array([[0.0, 0.0], [0.0, np.log(3.0)]]), dim=1).round(6).tolist()
    [[0.5, 0.5], [0.25, 0.75]]
    """
    scores = np.moveaxis(x, dim, -1)
    y = np.empty_like(scores)
    for place in np.ndindex(scores.shape[:-1]):
        total = 0.0
        for score in scores[place]:
            total += math.exp(score)
        for k, score in enumerate(scores[place]):
            y[place][k] = math.exp(score) / total
    return np.moveaxis(y, -1, dim)
