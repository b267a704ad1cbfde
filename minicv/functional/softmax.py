"""Softmax: scores to probabilities."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kept_where, surely_finite, xp_of
from minicv.backend.scores import below_the_largest
from minicv.functional.dims import normalized_dim


class Softmax(Function):
    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Array) -> Array:
        self.axis = normalized_dim("softmax", self.dim, x.ndim)
        self.y = x
        if x.shape[self.axis] > 0:  # an empty array has no maximum
            xp = xp_of(x)
            self.y = below_the_largest(x, self.axis)
            xp.exp(self.y, out=self.y)
            self.y /= self.y.sum(axis=self.axis, keepdims=True)
        return self.y

    def backward(self, grad: Array) -> Array:
        with np.errstate(invalid="ignore"):
            grad_x = grad * self.y
            grad_x -= self.y * grad_x.sum(axis=self.axis, keepdims=True)
        if surely_finite(grad_x):
            return grad_x
        # What has probability 0 gets no gradient, and adds none to the others.
        possible = self.y != 0
        grad_x = kept_where(possible, grad) * self.y
        share = kept_where(possible, grad_x.sum(axis=self.axis, keepdims=True))
        grad_x -= share * self.y
        arrives = (grad != 0).any(axis=self.axis, keepdims=True)
        return kept_where(arrives, grad_x)


def softmax(x: Tensor | Array, dim: int) -> Tensor:
    """exp(x), scaled to sum to one along ``dim``: scores to probabilities.

    Forward: y_k = exp(x_k - m) / Σ_j exp(x_j - m) with m = max_j x_j. The shift by m changes
    nothing but keeps exp from overflowing. Gradient: dL/dx_k = y_k (dL/dy_k - Σ_j dL/dy_j y_j).

    Shapes: any x with an axis ``dim``; y has the shape of x. For class scores (N, K) dim is 1, and
    for scores of every pixel (N, K, H, W) it is 1 too. An empty input gives an empty result. A
    score of -infinity has probability 0 and gradient 0; so scores may be masked. A score of
    +infinity has all the probability, and several share it. Where all are -infinity there is no
    distribution, and the result is NaN. Cost: three passes over x and one exp per element; keeps y.

    Raises:
        IndexError: x has no axis ``dim``.
        TypeError: ``dim`` is not one whole number.

    Source: Bridle 1990, Probabilistic Interpretation of Feedforward Classification Network
    Outputs; the shift: Goodfellow, Bengio & Courville 2016, Deep Learning, section 4.1.

    >>> softmax(Tensor([[0.0, 0.0], [1000.0, 0.0]]), dim=1).data.tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """
    return Softmax(dim)(x)
