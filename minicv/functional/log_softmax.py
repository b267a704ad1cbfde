"""Logarithm of softmax: scores to log probabilities."""

from __future__ import annotations

import math

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kept_where, product_or_zero, surely_finite, xp_of
from minicv.backend.scores import SMALL_REST, below_the_largest, beside_the_largest
from minicv.functional.dims import normalized_dim

NEAR_ONE = -math.log1p(SMALL_REST)  # above it a probability is so large that 1 - p loses digits


class LogSoftmax(Function):
    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Array) -> Array:
        self.axis = normalized_dim("log_softmax", self.dim, x.ndim)
        self.y = x
        if x.shape[self.axis] > 0:  # an empty array has no maximum
            self.y = below_the_largest(x, self.axis)
            self.rest = beside_the_largest(self.y, self.axis)
            self.y -= xp_of(x).log1p(self.rest)  # Σ exp(y) = 1 + rest
        return self.y

    def backward(self, grad: Array) -> Array:
        if grad.size == 0:
            return grad
        total = grad.sum(axis=self.axis, keepdims=True)
        xp = xp_of(self.y)
        grad_x = xp.exp(self.y)
        with np.errstate(invalid="ignore"):
            grad_x *= total
            xp.subtract(grad, grad_x, out=grad_x)
        if not surely_finite(grad_x):
            return self._careful_gradient(grad, total)
        if (self.rest < SMALL_REST).any():
            # g - p Σ g is the same as g (1 - p) - p (Σ g - g), where 1 - p = rest / (1 + rest).
            places = np.flatnonzero(self.y > NEAR_ONE)  # far faster than np.nonzero
            near_one = np.unravel_index(places, self.y.shape)
            group = (*near_one[: self.axis], 0, *near_one[self.axis + 1 :])
            own, rest = grad[near_one], self.rest[group]
            others = (total[group] - own) * np.exp(self.y[near_one])
            grad_x[near_one] = own * (rest / (1 + rest)) - others
        return grad_x

    def _careful_gradient(self, grad: Array, total: Array) -> Array:
        """The same for gradients that are infinite, and on a device, where no place is looked up.

        A score of minus infinity, with probability 0, gets its own gradient alone.
        """
        probability = xp_of(self.y).exp(self.y)
        near_one = self.y > NEAR_ONE
        improbability = kept_where(~near_one, 1 - probability)
        improbability += kept_where(near_one, self.rest / (1 + self.rest))
        with np.errstate(invalid="ignore"):
            others = total - grad
        grad_x = product_or_zero(improbability, grad) - product_or_zero(probability, others)
        arrives = (grad != 0).any(axis=self.axis, keepdims=True)
        return kept_where(arrives, grad_x)


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
