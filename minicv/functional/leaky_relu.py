"""Rectified linear unit with a small slope on the negative side."""

from __future__ import annotations

import math

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kept_where
from minicv.backend.clipping import clipped, leaky, leaky_gradient
from minicv.functional.arguments import as_number


class LeakyRelu(Function):
    def __init__(self, negative_slope: float) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Array) -> Array:
        self.x = x
        if self.negative_slope == 0:
            return clipped(x, math.inf)  # 0 times infinity would be NaN
        return leaky(x, self.negative_slope)

    def backward(self, grad: Array) -> Array:
        if self.negative_slope == 0:
            return kept_where(self.x > 0, grad)
        return leaky_gradient(self.x, self.negative_slope, grad)


def leaky_relu(x: Tensor | Array, negative_slope: float = 0.01) -> Tensor:
    """x where it is positive, else ``negative_slope`` · x, element by element.

    Forward: y = x where x > 0, else s x, with s the negative slope. Gradient: dL/dx = dL/dy where
    x > 0, else s dL/dy.

    Shapes: any; y has the shape of x. Kink: the gradient at x = 0 is that of the negative side,
    s dL/dy. NaN stays NaN. An empty input gives an empty result. Cost: two passes over x; keeps x.

    Raises:
        ValueError: the slope is not in 0..1.
        TypeError: the slope is no number.

    Source: Maas, Hannun & Ng 2013, Rectifier Nonlinearities Improve Neural Network Acoustic
    Models, section 2.

    >>> x = Tensor([-10.0, 0.0, 2.0], requires_grad=True)
    >>> y = leaky_relu(x, 0.5)
    >>> y.data.tolist()
    [-5.0, 0.0, 2.0]
    >>> y.sum().backward()
    >>> x.grad.tolist()
    [0.5, 0.5, 1.0]
    """
    slope = as_number("leaky_relu", "negative_slope", negative_slope)
    if not 0 <= slope <= 1:
        raise ValueError(f"leaky_relu: negative_slope must be in 0..1 but is {negative_slope}")
    return LeakyRelu(float(slope))(x)
