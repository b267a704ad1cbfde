"""The multiclass hinge, one pair of classes at a time."""

from __future__ import annotations

import numpy as np

from minicv.reference.loss_reduction import reduce_losses


def multiclass_hinge(
    scores: np.ndarray, labels: np.ndarray, margin: float = 1.0, reduction: str = "mean"
) -> np.ndarray:
    """The twin of `minicv.functional.multiclass_hinge`.

    The lecture's cat image: max(0, 5.1 - 3.2 + 1) + max(0, -1.7 - 3.2 + 1) = 2.9.

    >>> round(float(multiclass_hinge(np.array([[3.2, 5.1, -1.7]]), np.array([0]))), 6)
    2.9
    """
    samples, classes = scores.shape
    losses = np.zeros(samples)
    for n in range(samples):
        for j in range(classes):
            if j != labels[n]:
                losses[n] += max(0.0, scores[n, j] - scores[n, labels[n]] + margin)
    return reduce_losses(losses, reduction)
