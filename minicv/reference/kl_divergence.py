"""The divergence of diagonal Gaussians from the standard one, one latent number at a time."""

from __future__ import annotations

import math

import numpy as np

from minicv.reference.loss_reduction import reduce_losses


def kl_divergence(mu: np.ndarray, logvar: np.ndarray, reduction: str = "mean") -> np.ndarray:
    """The twin of `minicv.functional.kl_divergence`.

    With σ = 1 only the means count, ½ (1² + 2²):

    >>> float(kl_divergence(np.array([[1.0, 2.0]]), np.zeros((1, 2))))
    2.5
    """
    losses = np.zeros(mu.shape[0])
    for place in np.ndindex(mu.shape):
        variance = math.exp(logvar[place])
        losses[place[0]] += 0.5 * (mu[place] ** 2 + variance - math.log(variance) - 1)
    return reduce_losses(losses, reduction)
