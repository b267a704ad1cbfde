"""Smooth L1, one element at a time."""

from __future__ import annotations

import numpy as np

from minicv.reference.loss_reduction import reduce_losses


def smooth_l1(
    input: np.ndarray, target: np.ndarray, beta: float = 1.0, reduction: str = "mean"
) -> np.ndarray:
    """The twin of `minicv.functional.smooth_l1`.

    Inside: 0.5² / 2 = 0.125. Outside: 3 - 1/2 = 2.5.

    >>> smooth_l1(np.array([0.5, 3.0]), np.zeros(2), reduction="none").tolist()
    [0.125, 2.5]
    """
    losses = np.zeros(input.shape)
    for place in np.ndindex(input.shape):
        distance = abs(input[place] - target[place])
        if distance < beta:
            losses[place] = distance**2 / (2 * beta)
        else:
            losses[place] = distance - beta / 2
    return reduce_losses(losses, reduction)
