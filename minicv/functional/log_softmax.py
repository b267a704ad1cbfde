"""Logarithm of softmax: scores to log probabilities."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kept_where, xp_of
from minicv.backend.scores import below_the_largest
from minicv.functional.dims import normalized_dim


class LogSoftmax(Function):
    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Array) -> Array:
        self.axis = normalized_dim("log_softmax", self.dim, x.ndim)
        self.y = x
        if x.shape[self.axis] > 0:  # an empty array has no maximum
            xp = xp_of(x)
            self.y = below_the_largest(x, self.axis)
            # Σ exp(y) = 1 + rest, where the 1 is the largest score: log1p keeps a small rest.
            terms = xp.exp(self.y)
            below = kept_where(self.y.real < 0, terms)
            terms -= below  # 1 at the largest
            rest = below.sum(axis=self.axis, keepdims=True)
            rest += terms.sum(axis=self.axis, keepdims=True) - 1
            self.largest, self.rest = self.y.real >= 0, rest
            self.y -= xp.log1p(rest)
        return self.y

    def backward(self, grad: Array) -> Array:
        if grad.size == 0:
            return grad
        # g_k - p_k Σ_j g_j, written as g_k (1 - p_k) - p_k Σ_{j≠k} g_j: so 1 - p_k keeps its digits
        # where p_k is near 1. A score of minus infinity, p = 0, gets its own gradient alone.
        xp = xp_of(self.y)
        probability = xp.exp(self.y)
        improbability = kept_where(~self.largest, 1 - probability)
        improbability += kept_where(self.largest, self.rest / (1 + self.rest))
        share = grad.sum(axis=self.axis, keepdims=True) - grad
        share = kept_where(probability != 0, share)
        share *= probability
        improbability *= grad
        improbability -= share
        return improbability


def log_softmax(x: Tensor | Array, dim: int) -> Tensor:
    """log(softmax(x)) along ``dim``, also where the probability is too small for its dtype.

    Forward: y_k = x_k - m - log Σ_j exp(x_j - m) with m = max_j x_j. Gradient:
    dL/dx_k = dL/dy_k - exp(y_k) Σ_j dL/dy_j.

    Shapes: any x with an axis ``dim``; y has the shape of x. An empty input gives an empty result.
    A score of -infinity gives -infinity, and the gradient stays finite; so scores may be masked. A
    score of +infinity gives 0 and all finite ones -infinity. Where all are -infinity there is no
    distribution, and the result is NaN. Cost: three passes over x and one exp per element in each
    direction; keeps y.

    Raises:
        IndexError: x has no axis ``dim``.
        TypeError: ``dim`` is not one whole number.

    Source: Goodfellow, Bengio & Courville 2016, Deep Learning, section 4.1.

    >>> log_softmax(Tensor([[0.0, -1000.0]]), dim=1).data.tolist()
    [[0.0, -1000.0]]
    """
    return LogSoftmax(dim)(x)
