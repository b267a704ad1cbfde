"""Gaussian error linear unit: x times the probability that a standard normal number is below x."""

from __future__ import annotations

import math

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kernels_of, product_or_zero, xp_of
from minicv.functional.sigmoid import logistic, slope_of_logistic

# 2 u = x (LINEAR + CUBIC x²) with u of the approximation, as tanh(u) = 2 sigmoid(2 u) - 1.
LINEAR = 2 * math.sqrt(2 / math.pi)
CUBIC = LINEAR * 0.044715


class Gelu(Function):
    def forward(self, x: Array) -> Array:
        self.x = x
        # Φ(x) by erfc, not by 1 + erf, which has no digits left where Φ(x) is small.
        self.below = kernels_of(x).erfc(x * -math.sqrt(0.5))
        self.below *= 0.5
        return product_or_zero(x, self.below)

    def backward(self, grad: Array) -> Array:
        with np.errstate(over="ignore"):  # exp(-infinity) is 0, as it should be
            exponent = self.x * self.x
        exponent *= -0.5
        density = xp_of(grad).exp(exponent)
        density *= 1 / math.sqrt(2 * math.pi)
        slope = product_or_zero(self.x, density)
        slope += self.below
        return product_or_zero(slope, grad)


class GeluTanh(Function):
    def forward(self, x: Array) -> Array:
        self.x = x
        with np.errstate(over="ignore"):  # sigmoid(infinity) is 1
            self.share, self.fall = logistic(x * (LINEAR + CUBIC * (x * x)))
        return product_or_zero(x, self.share)

    def backward(self, grad: Array) -> Array:
        with np.errstate(over="ignore"):
            inner = self.x * (LINEAR + 3 * CUBIC * (self.x * self.x))  # x times d(2u)/dx
        slope = product_or_zero(inner, slope_of_logistic(self.fall))
        slope += self.share
        return product_or_zero(slope, grad)


def gelu(x: Tensor | Array, approximate: str = "none") -> Tensor:
    """x Φ(x), element by element: a smooth ReLU that lets a little through below 0.

    Forward: y = x Φ(x), where Φ(x) = erfc(-x / √2) / 2 is the probability that a standard normal
    number is below x. Gradient: dL/dx = dL/dy (Φ(x) + x φ(x)) with φ(x) = exp(-x² / 2) / √(2π).
    With ``approximate="tanh"``: y = x (1 + tanh u) / 2 with u = √(2/π) (x + 0.044715 x³), which
    differs by at most 5e-4, and its own gradient. Take what the weights were trained with.

    Shapes: any; y has the shape of x. There is no kink; the least value is -0.17, at x = -0.75.
    Large x gives x itself, large negative x gives 0, and no x overflows. NaN stays NaN. An empty
    input gives an empty result. Cost: an erfc or an exp per element, and an exp for the gradient;
    keeps two or three arrays of the size of x.

    Args:
        x: any numbers.
        approximate: "none" or "tanh".

    Raises:
        ValueError: ``approximate`` has another name.

    Source: Hendrycks & Gimpel 2016, Gaussian Error Linear Units, section 2.

    >>> gelu(Tensor([-100.0, -1.0, 0.0, 1.0, 100.0])).data.tolist()
    [-0.0, -0.1586..., 0.0, 0.8413..., 100.0]
    >>> gelu(Tensor([1.0]), approximate="tanh").data.tolist()
    [0.8411...]
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f'gelu: approximate must be "none" or "tanh" but is {approximate!r}')
    return Gelu()(x) if approximate == "none" else GeluTanh()(x)
