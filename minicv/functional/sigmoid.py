"""Logistic sigmoid: a score to a probability."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, xp_of


class Sigmoid(Function):
    def forward(self, x: Array) -> Array:
        xp = xp_of(x)
        # exp(min(x, 0)) / (1 + exp(-|x|)) is the formula where x >= 0, and the formula times
        # exp(x) / exp(x) where x < 0: exp never sees a positive number, so it cannot overflow.
        self.fall = xp.exp(xp.minimum(x, -x))  # exp(-|x|)
        y = xp.exp(xp.minimum(x, 0))
        y /= 1 + self.fall
        return y

    def backward(self, grad: Array) -> Array:
        # y (1 - y), with no digit lost where y is so near 1 that 1 - y is 0.
        return grad * (self.fall / (1 + self.fall) ** 2)


def sigmoid(x: Tensor | Array) -> Tensor:
    """1 / (1 + exp(-x)), element by element: a score to a probability.

    Forward: y = 1 / (1 + exp(-x)), computed without overflow for every x and to full relative
    accuracy near 0. Gradient: dL/dx = dL/dy · y (1 - y) = dL/dy · e / (1 + e)² with e = exp(-|x|),
    to full relative accuracy at both ends.

    Shapes: any; y has the shape of x. An empty input gives an empty result. NaN stays NaN. Cost:
    two exp per element and a few passes over x; keeps e. To train on the result, use
    `binary_cross_entropy_with_logits`: it takes the score, and loses no digits where y is near 1.

    >>> sigmoid(Tensor([-1000.0, 0.0, 1000.0])).data.tolist()
    [0.0, 0.5, 1.0]
    """
    return Sigmoid()(x)
