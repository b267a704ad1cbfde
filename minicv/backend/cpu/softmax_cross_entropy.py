"""The cross entropy of the softmax of (N, K, P) logits, for every pixel, and its gradient."""

from __future__ import annotations

import numpy as np

from minicv.backend.scores import below_the_largest
from minicv.backend.selection import surely_finite, zero_where_zero


def softmax_cross_entropy_forward(
    logits: np.ndarray, labels: np.ndarray, weight: np.ndarray | None, ignore_index: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """-log softmax(logits) at the label.

    Args:
        logits: (N, K, P).
        labels: (N, P), integers 0..K-1, or ``ignore_index``.
        weight: (K,), the weight of each class; None gives all the weight 1.
        ignore_index: a label that does not count.

    Returns:
        ``(losses, factor, softmax)``: the loss, not weighted, (N, P); its factor, which is the
        weight of its class or 0 where ignored, (N, P); and the softmax, (N, K, P). Where the
        factor is 0 the loss is arbitrary, and the softmax has 0 in place of NaN.
    """
    counted = labels != ignore_index
    labels = np.where(counted, labels, 0)
    shifted = below_the_largest(logits, axis=1)  # exp cannot overflow now
    exponentials = np.exp(shifted)
    total = exponentials.sum(axis=1, keepdims=True)
    losses = np.log(total[:, 0]) - shifted[_places(labels)]  # (N, P)
    softmax = (exponentials / total).real
    if weight is None:
        factor = counted.astype(softmax.dtype)
    else:
        factor = np.where(counted, weight.astype(softmax.dtype)[labels], 0)
    if not surely_finite(total):
        spoiled = np.isnan(total[:, 0]) & (factor == 0)
        np.moveaxis(softmax, 1, 2)[spoiled] = 0
    return losses, factor, softmax


def softmax_cross_entropy_backward(
    grad: np.ndarray, softmax: np.ndarray, labels: np.ndarray, ignore_index: int
) -> np.ndarray:
    """(N, K, P): grad · (softmax - 1 at the label).

    Args:
        grad: (N, P), the gradient of each loss times its factor, so 0 where ignored. Where it is 0
            so is the result, even if the softmax is NaN.
        softmax, labels, ignore_index: as in `softmax_cross_entropy_forward`.
    """
    grad_logits = zero_where_zero(softmax * grad[:, None], grad[:, None])
    labels = np.where(labels != ignore_index, labels, 0)
    grad_logits[_places(labels)] -= grad  # each place occurs once
    return grad_logits


def _places(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An index: array[places] is the (N, P) array of the entries of (N, K, P) at the labels."""
    samples, pixels = labels.shape
    return np.arange(samples)[:, None], labels, np.arange(pixels)[None]
