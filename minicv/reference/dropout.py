"""Dropout, one element at a time."""

from __future__ import annotations

import numpy as np


def dropout(x: np.ndarray, p: float, rng: np.random.Generator) -> np.ndarray:
    """The twin of `minicv.functional.dropout` in training: one draw for each element in order.

    The first draws of this generator are 0.85, 0.64, 0.51 and then 0.27, which is below p:

    >>> dropout(np.ones(4), 0.5, np.random.default_rng(0)).tolist()
    [2.0, 2.0, 2.0, 0.0]
    """
    y = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        drawn = rng.random(dtype=np.float32)
        if drawn >= p:
            y[place] = x[place] / (1 - p)
    return y
