"""The running statistics of a batch normalisation, which follow those of the batches."""

from __future__ import annotations

import numpy as np


def follow_statistics(
    running_mean: np.ndarray,
    running_var: np.ndarray,
    batches: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
    momentum: float,
    values: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """New running mean, running variance and number of batches; the old arrays stay as they are.

    Args:
        running_mean, running_var: (C,).
        batches: (), int64, how many there were before this one.
        mean, variance: (C,) of the batch; the variance is the biased one.
        momentum: share of the batch.
        values: how many values of a channel the batch has, at least 2.

    >>> zero, one = np.zeros(1), np.ones(1)
    >>> found = follow_statistics(zero, one, np.array(3), 2 * one, 3 * one, 0.5, values=4)
    >>> [array.tolist() for array in found]  # the unbiased variance is 3 · 4 / 3
    [[1.0], [2.5], 4]
    """
    unbiased = variance * (values / (values - 1))
    new_mean = running_mean + momentum * (mean - running_mean)
    new_var = running_var + momentum * (unbiased - running_var)
    return (
        new_mean.astype(running_mean.dtype, copy=False),
        new_var.astype(running_var.dtype, copy=False),
        np.asarray(batches + 1),
    )


def fold_statistics(
    running_mean: np.ndarray,
    running_var: np.ndarray,
    weight: np.ndarray | None,
    bias: np.ndarray | None,
    eps: float,
) -> tuple[np.ndarray, np.ndarray]:
    """(scale, shift), each (C,), such that the normalisation is scale · x + shift.

    >>> one = np.ones(1)
    >>> scale, shift = fold_statistics(3 * one, 4 * one, 2 * one, one, 0.0)
    >>> scale.tolist(), shift.tolist()  # 2 · (x - 3) / 2 + 1
    ([1.0], [-2.0])
    """
    scale = (1.0 if weight is None else weight) / np.sqrt(running_var + eps)
    shift = -running_mean * scale
    return scale, shift if bias is None else bias + shift
