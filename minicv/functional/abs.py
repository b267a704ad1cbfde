"""Absolute value."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, xp_of, zero_where_zero


class Abs(Function):
    def forward(self, x: Array) -> Array:
        self.x = x
        return xp_of(x).abs(x)

    def backward(self, grad: Array) -> Array:
        product = xp_of(self.x).sign(self.x)
        with np.errstate(invalid="ignore"):  # at x = 0 the slope 0 blocks an infinite gradient
            product *= grad
        return zero_where_zero(product, self.x, grad)


def abs(x: Tensor | Array) -> Tensor:
    """|x|, element by element.

    Forward: y = |x|. Gradient: dL/dx = dL/dy · sign(x).

    Shapes: any; y has the shape of x. Kink: the gradient at x = 0 is 0. An empty input gives an
    empty result. Cost: one pass over x; keeps x.

    >>> x = Tensor([-2.0, 0.0, 3.0], requires_grad=True)
    >>> y = abs(x)
    >>> y.data.tolist()
    [2.0, 0.0, 3.0]
    >>> y.sum().backward()
    >>> x.grad.tolist()
    [-1.0, 0.0, 1.0]
    """
    return Abs()(x)
