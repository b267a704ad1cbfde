"""Batch normalisation, one channel and one value at a time."""

from __future__ import annotations

import math

import numpy as np


def batch_norm(
    x: np.ndarray,
    weight: np.ndarray | None,
    bias: np.ndarray | None,
    running_mean: np.ndarray | None = None,
    running_var: np.ndarray | None = None,
    training: bool = False,
    eps: float = 1e-5,
) -> np.ndarray:
    """The twin of `minicv.functional.batch_norm`.

    The values 1, 3 have mean 2 and variance 1, so they become -1, 1; then 10 · x̂ + 5:

    >>> x = np.array([[1.0], [3.0]])
    >>> batch_norm(x, np.array([10.0]), np.array([5.0]), training=True, eps=0.0).tolist()
    [[-5.0], [15.0]]
    """
    y = np.zeros_like(x)
    for c in range(x.shape[1]):
        values = list(x[:, c].flat)
        if training:
            mean = sum(values) / len(values)
            variance = sum((value - mean) ** 2 for value in values) / len(values)
        elif running_mean is not None and running_var is not None:
            mean, variance = running_mean[c], running_var[c]
        else:
            raise ValueError("batch_norm: running_mean and running_var are needed in evaluation")
        gain = 1.0 if weight is None else weight[c]
        offset = 0.0 if bias is None else bias[c]
        for place in np.ndindex(y[:, c].shape):
            normalized = (x[:, c][place] - mean) / math.sqrt(variance + eps)
            y[:, c][place] = gain * normalized + offset
    return y


def frozen_batch_norm(
    x: np.ndarray,
    weight: np.ndarray | None,
    bias: np.ndarray | None,
    running_mean: np.ndarray,
    running_var: np.ndarray,
    eps: float = 1e-5,
) -> np.ndarray:
    """The twin of `minicv.functional.frozen_batch_norm`.

    >>> one = np.ones(1)
    >>> frozen_batch_norm(np.array([[5.0]]), 2 * one, one, 3 * one, 4 * one, eps=0.0).tolist()
    [[3.0]]
    """
    return batch_norm(x, weight, bias, running_mean, running_var, False, eps)
