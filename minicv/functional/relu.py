"""Rectified linear unit."""

from __future__ import annotations

import math

from minicv.autograd import Function, Tensor
from minicv.backend import Array
from minicv.backend.clipping import clipped, kept_inside


class Relu(Function):
    keeps_float16 = True

    def forward(self, x: Array) -> Array:
        self.y = clipped(x, math.inf)
        return self.y

    def backward(self, grad: Array) -> Array:
        return kept_inside(self.y, math.inf, grad)


def relu(x: Tensor | Array) -> Tensor:
    """max(x, 0), element by element.

    Forward: y = x where x > 0, else 0. Gradient: dL/dx = dL/dy where x > 0, else 0, also
    where dL/dy is infinite.

    Shapes: any; y has the shape of x. Kink: the gradient at x = 0 is 0. NaN stays NaN. An empty
    input gives an empty result. Cost: one pass over x; keeps y, which the next layer keeps anyway.

    Source: Nair & Hinton 2010, Rectified Linear Units Improve Restricted Boltzmann Machines.

    >>> x = Tensor([-1.0, 0.0, 2.0], requires_grad=True)
    >>> y = relu(x)
    >>> y.data.tolist()
    [0.0, 0.0, 2.0]
    >>> y.sum().backward()
    >>> x.grad.tolist()
    [0.0, 0.0, 1.0]
    """
    return Relu()(x)
