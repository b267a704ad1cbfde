"""Layer normalisation, one sample and one value at a time."""

from __future__ import annotations

import math

import numpy as np


def layer_norm(
    x: np.ndarray,
    normalized_shape: tuple[int, ...],
    weight: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    eps: float = 1e-5,
) -> np.ndarray:
    """The twin of `minicv.functional.layer_norm`.

    The values 1, 3 have mean 2 and variance 1, so they become -1, 1; then times 10:

    >>> layer_norm(np.array([[1.0, 3.0]]), (2,), np.array([10.0, 10.0]), eps=0.0).tolist()
    [[-10.0, 10.0]]
    """
    y = np.zeros_like(x)
    for sample in np.ndindex(x.shape[: x.ndim - len(normalized_shape)]):
        values = list(x[sample].flat)
        mean = sum(values) / len(values)
        variance = sum((value - mean) ** 2 for value in values) / len(values)
        for place in np.ndindex(normalized_shape):
            normalized = (x[sample][place] - mean) / math.sqrt(variance + eps)
            gain = 1.0 if weight is None else weight[place]
            offset = 0.0 if bias is None else bias[place]
            y[sample][place] = gain * normalized + offset
    return y
