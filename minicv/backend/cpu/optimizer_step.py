"""The steps of the optimizers, which change weights and moments in place."""

from __future__ import annotations

import math

import numpy as np


def sgd_step(
    data: np.ndarray,
    grad: np.ndarray,
    velocity: np.ndarray | None,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
) -> None:
    """v ← momentum v + (1 - dampening) g, then p ← p - lr v; see `minicv.optim.SGD`.

    Args:
        data, velocity: p and v, changed in place. Without a velocity, p ← p - lr g.
        grad: dL/dp; g is grad + weight_decay p.
        nesterov: p ← p - lr (g + momentum v) instead.
    """
    if weight_decay:
        grad = grad + weight_decay * data
    step = grad
    if velocity is not None:
        velocity *= momentum
        velocity += grad if dampening == 0 else (1 - dampening) * grad
        step = grad + momentum * velocity if nesterov else velocity
    data -= lr * step


def adam_step(
    data: np.ndarray,
    grad: np.ndarray,
    mean: np.ndarray,
    mean_of_square: np.ndarray,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    step: int,
) -> None:
    """Move p along its mean gradient, by the size of its usual gradient; see `minicv.optim.Adam`.

    Args:
        data, mean, mean_of_square: p, m and v, changed in place.
        grad: dL/dp; g is grad + weight_decay p. Where its square is too large for the dtype, g
            counts as the root of the largest number.
        step: t, from 1.
    """
    beta1, beta2 = betas
    if weight_decay:
        grad = grad + weight_decay * data
    try:
        with np.errstate(over="raise"):
            square = (1 - beta2) * grad * grad
    except FloatingPointError:  # an infinite v would stop this weight for ever
        root = math.sqrt(np.finfo(grad.dtype).max)
        grad = np.where(np.isinf(grad), grad, np.clip(grad, -root, root))
        square = (1 - beta2) * grad * grad
    mean *= beta1
    mean += (1 - beta1) * grad
    mean_of_square *= beta2
    mean_of_square += square
    correction1 = 1 - beta1**step
    correction2 = math.sqrt(1 - beta2**step)
    divisor = np.sqrt(mean_of_square)
    divisor /= correction2
    divisor += eps
    data -= (lr / correction1) * mean / divisor
