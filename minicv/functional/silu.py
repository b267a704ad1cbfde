"""Sigmoid linear unit, also called swish: x times its own sigmoid."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, product_or_zero
from minicv.functional.sigmoid import logistic, slope_of_logistic


class Silu(Function):
    def forward(self, x: Array) -> Array:
        self.x = x
        self.share, self.fall = logistic(x)
        return product_or_zero(x, self.share)

    def backward(self, grad: Array) -> Array:
        slope = product_or_zero(self.x, slope_of_logistic(self.fall))
        slope += self.share
        return product_or_zero(slope, grad)


def silu(x: Tensor | Array) -> Tensor:
    """x / (1 + exp(-x)), element by element: the activation of EfficientNet.

    Forward: y = x σ(x) with σ(x) = 1 / (1 + exp(-x)). Gradient: dL/dx = dL/dy (σ(x) + x σ(x)
    (1 - σ(x))).

    Shapes: any; y has the shape of x. There is no kink; the least value is -0.28, at x = -1.28.
    Large x gives x itself, large negative x gives 0, and no x overflows. NaN stays NaN. An empty
    input gives an empty result. Cost: an exp per element and a few passes over x; keeps three
    arrays of its size.

    Source: Hendrycks & Gimpel 2016, Gaussian Error Linear Units, section 2; Ramachandran, Zoph &
    Le 2017, Searching for Activation Functions.

    >>> silu(Tensor([-1000.0, 0.0, 1.0, 1000.0])).data.tolist()
    [-0.0, 0.0, 0.7310..., 1000.0]
    """
    return Silu()(x)
