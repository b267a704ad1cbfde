"""Logistic sigmoid: a score to a probability."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, xp_of, zero_where_zero


class Sigmoid(Function):
    def forward(self, x: Array) -> Array:
        y, self.fall = logistic(x)
        return y

    def backward(self, grad: Array) -> Array:
        slope = slope_of_logistic(self.fall)
        slope *= grad
        return zero_where_zero(slope, grad)


def logistic(x: Array) -> tuple[Array, Array]:
    """``(y, fall)``: y = 1 / (1 + exp(-x)) of a raw array, and exp(-|x|) for its slope.

    >>> import numpy as np
    >>> y, fall = logistic(np.array([-np.inf, 0.0, np.inf]))
    >>> y.tolist(), fall.tolist()
    ([0.0, 0.5, 1.0], [0.0, 1.0, 0.0])
    """
    xp = xp_of(x)
    # With e = exp(-|x|), which cannot overflow, the formula is 1 / (1 + e) where x > 0, and
    # times exp(x) / exp(x) it is e / (1 + e) elsewhere. As e <= 1 the numerator is a maximum.
    fall = xp.exp(xp.minimum(x, -x))
    positive = (x.real > 0).astype(x.real.dtype)  # 1 or 0
    y = xp.maximum(positive, fall)
    y /= 1 + fall
    return y, fall


def slope_of_logistic(fall: Array) -> Array:
    """y (1 - y) from exp(-|x|), with no digit lost where y is so near 1 that 1 - y is 0.

    >>> import numpy as np
    >>> slope_of_logistic(np.array([1.0, 0.0])).tolist()
    [0.25, 0.0]
    """
    squared = 1 + fall
    squared *= squared
    slope: Array = fall / squared
    return slope


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
