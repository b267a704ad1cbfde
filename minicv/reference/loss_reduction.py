"""From all losses to one number."""

from __future__ import annotations

import numpy as np


def reduce_losses(losses: np.ndarray, reduction: str) -> np.ndarray:
    """The losses themselves, their sum, or their mean (0 without losses).

    >>> float(reduce_losses(np.array([1.0, 2.0, 6.0]), "mean"))
    3.0
    """
    if reduction == "none":
        return losses
    total = 0.0
    for loss in losses.flat:
        total += loss
    return np.array(total / max(losses.size, 1) if reduction == "mean" else total)
