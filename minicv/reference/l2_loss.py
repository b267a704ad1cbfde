"""The L2 loss, one element at a time."""

from __future__ import annotations

import numpy as np

from minicv.reference.loss_reduction import reduce_losses


def l2_loss(input: np.ndarray, target: np.ndarray, reduction: str = "mean") -> np.ndarray:
    """The twin of `minicv.functional.l2_loss`.

    >>> float(l2_loss(np.array([1.0, 5.0]), np.array([2.0, 2.0])))  # (1 + 9) / 2
    5.0
    """
    losses = np.zeros(input.shape)
    for place in np.ndindex(input.shape):
        losses[place] = (input[place] - target[place]) ** 2
    return reduce_losses(losses, reduction)
