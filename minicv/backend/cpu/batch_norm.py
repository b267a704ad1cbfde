"""Batch normalisation by the statistics of the batch, with ReLU if wanted, and its gradient."""

from __future__ import annotations

import math

import numpy as np

from minicv.backend.selection import kept_where


def batch_norm_forward(
    x: np.ndarray, weight: np.ndarray | None, bias: np.ndarray | None, eps: float, relu: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Each channel with mean 0 and variance 1, then scaled and shifted, then cut off below 0.

    Args:
        x: (N, C, ...).
        weight, bias: (C,); None stands for 1 and 0.
        eps: added to the variance under the root.
        relu: whether negative results become 0.

    Returns:
        ``(y, saved, mean, variance, inverse_deviation)``: the result; what `batch_norm_backward`
        needs of x, here x̂; and the mean, the biased variance and 1 / √(variance + eps), (C,) each.
    """
    axes = _axes_of_a_channel(x)
    mean = x.mean(axis=axes)  # (C,)
    centered = x - _per_channel(mean, x)
    variance = (centered * centered).mean(axis=axes)  # (C,)
    inverse_deviation = 1 / np.sqrt(variance + eps)
    centered *= _per_channel(inverse_deviation, x)
    normalized = centered
    y = normalized if weight is None else normalized * _per_channel(weight, x)
    if bias is not None:
        y = y + _per_channel(bias, x)
    if relu:
        # x̂ is needed again and must not change; any other y is used nowhere else.
        y = np.clip(y, 0, math.inf, out=None if y is normalized else y)
    return y, normalized, mean, variance, inverse_deviation


def batch_norm_backward(
    grad: np.ndarray,
    saved: np.ndarray,
    y: np.ndarray | None,
    weight: np.ndarray | None,
    mean: np.ndarray,
    inverse_deviation: np.ndarray,
    needs_x: bool,
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """The gradients of x (None unless it needs one), weight and bias.

    Args:
        grad: dL/dy, (N, C, ...).
        saved, mean, inverse_deviation: from `batch_norm_forward`.
        y: its result if that has gone through ReLU, else None.
        weight: (C,) or None.
        needs_x: whether dL/dx is wanted.
    """
    if y is not None:
        grad = kept_where(y > 0, grad)
    axes = _axes_of_a_channel(grad)
    grad_bias = grad.sum(axis=axes)  # (C,)
    grad_weight = (grad * saved).sum(axis=axes)
    grad_x = None
    if needs_x:
        count = math.prod(grad.shape[axis] for axis in axes)  # of the values of a channel
        scale = inverse_deviation if weight is None else inverse_deviation * weight
        grad_x = saved * _per_channel(-grad_weight / count, grad)
        grad_x += grad
        grad_x -= _per_channel(grad_bias / count, grad)
        grad_x *= _per_channel(scale, grad)
    return grad_x, grad_weight, grad_bias


def _axes_of_a_channel(x: np.ndarray) -> tuple[int, ...]:
    """All axes but the second: one channel's values lie along them."""
    return (0, *range(2, x.ndim))


def _per_channel(values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(C,) -> (1, C, 1, 1), to broadcast against x."""
    return values.reshape(1, -1, *[1] * (x.ndim - 2))
