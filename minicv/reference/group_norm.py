"""Group and instance normalisation, one group and one value at a time."""

from __future__ import annotations

import math

import numpy as np


def group_norm(
    x: np.ndarray,
    num_groups: int,
    weight: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    eps: float = 1e-5,
) -> np.ndarray:
    """The twin of `minicv.functional.group_norm`.

    Two groups of two channels; 1, 3 have mean 2 and deviation 1, and 10, 30 have 20 and 10:

    >>> group_norm(np.array([[1.0, 3.0, 10.0, 30.0]]), 2, eps=0.0).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """
    y = np.zeros_like(x)
    size = x.shape[1] // num_groups  # channels of a group
    for n in range(x.shape[0]):
        for group in range(num_groups):
            channels = range(group * size, (group + 1) * size)
            values = [value for c in channels for value in x[n, c].flat]
            mean = sum(values) / len(values)
            variance = sum((value - mean) ** 2 for value in values) / len(values)
            for c in channels:
                gain = 1.0 if weight is None else weight[c]
                offset = 0.0 if bias is None else bias[c]
                for pixel in np.ndindex(x.shape[2:]):
                    normalized = (x[n, c][pixel] - mean) / math.sqrt(variance + eps)
                    y[(n, c, *pixel)] = gain * normalized + offset
    return y


def instance_norm(
    x: np.ndarray,
    weight: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    eps: float = 1e-5,
) -> np.ndarray:
    """The twin of `minicv.functional.instance_norm`: a group for each channel.

    >>> instance_norm(np.array([[[1.0, 3.0], [10.0, 30.0]]]), eps=0.0).tolist()
    [[[-1.0, 1.0], [-1.0, 1.0]]]
    """
    return group_norm(x, x.shape[1], weight, bias, eps)
