"""Exponential function."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, product_or_zero, xp_of


class Exp(Function):
    def forward(self, x: Array) -> Array:
        self.y = xp_of(x).exp(x)
        return self.y

    def backward(self, grad: Array) -> Array:
        return product_or_zero(grad, self.y)


def exp(x: Tensor | Array) -> Tensor:
    """e to the power x, element by element.

    Forward: y = exp(x). Gradient: dL/dx = dL/dy · y.

    Shapes: any; y has the shape of x. An empty input gives an empty result. Beyond the largest
    number of its dtype (x > 88.7 in float32, 709.7 in float64) the result is infinity, with
    NumPy's warning. Cost: one exp per element; keeps y.

    >>> exp(Tensor([0.0, 1.0])).data.round(3).tolist()
    [1.0, 2.71799...]
    """
    return Exp()(x)
