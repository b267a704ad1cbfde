"""Sigmoid and binary cross entropy as the textbook writes them, one element at a time."""

from __future__ import annotations

import math

import numpy as np

from minicv.reference.loss_reduction import reduce_losses


def binary_cross_entropy_with_logits(
    logits: np.ndarray,
    targets: np.ndarray,
    weight: np.ndarray | None = None,
    reduction: str = "mean",
) -> np.ndarray:
    """The twin of `minicv.functional.binary_cross_entropy_with_logits`; it can overflow.

    It fails for logits of large magnitude, where the probability rounds to 0 or 1.

    At logit log 3 the probability is 3/4; a target of 0 costs -log 1/4:

    >>> loss = binary_cross_entropy_with_logits(np.log([3.0]), np.array([0.0]))
    >>> bool(np.isclose(loss, np.log(4.0)))
    True
    """
    losses = np.zeros(logits.shape)
    weights = np.ones(logits.shape) if weight is None else np.broadcast_to(weight, logits.shape)
    for place in np.ndindex(logits.shape):
        probability = 1 / (1 + math.exp(-logits[place]))
        loss = -targets[place] * math.log(probability)
        loss -= (1 - targets[place]) * math.log(1 - probability)
        losses[place] = weights[place] * loss
    return reduce_losses(losses, reduction)
