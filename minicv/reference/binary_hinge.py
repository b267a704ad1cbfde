"""The binary hinge, one element at a time."""

from __future__ import annotations

import numpy as np

from minicv.reference.loss_reduction import reduce_losses


def binary_hinge(
    scores: np.ndarray, targets: np.ndarray, norm: str = "l1", reduction: str = "mean"
) -> np.ndarray:
    """The twin of `minicv.functional.binary_hinge`.

    A score of 0.5 for the wrong side misses the margin by 1.5; 2.0 for the right side by nothing.

    >>> binary_hinge(np.array([0.5, 2.0]), np.array([-1, 1]), "l2", "none").tolist()
    [2.25, 0.0]
    """
    losses = np.zeros(scores.shape)
    for place in np.ndindex(scores.shape):
        missing = max(0.0, 1 - targets[place] * scores[place])
        losses[place] = missing if norm == "l1" else missing**2
    return reduce_losses(losses, reduction)
