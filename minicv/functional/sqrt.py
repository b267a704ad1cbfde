"""Square root."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, xp_of, zero_where_zero


class Sqrt(Function):
    def forward(self, x: Array) -> Array:
        self.y = xp_of(x).sqrt(x)
        return self.y

    def backward(self, grad: Array) -> Array:
        with np.errstate(invalid="ignore"):  # where no gradient arrives 0 / 0 is 0
            return zero_where_zero(grad / (2 * self.y), grad)


def sqrt(x: Tensor | Array) -> Tensor:
    """The square root of x, element by element.

    Forward: y = √x. Gradient: dL/dx = dL/dy / (2 y).

    Shapes: any; y has the shape of x. An empty input gives an empty result. At x = 0 the gradient
    is infinite, with NumPy's warning, and 0 where dL/dy is 0; where x can be 0, add a small number
    first. A negative x gives NaN with NumPy's warning. Cost: one square root per element; keeps y.

    >>> sqrt(Tensor([1.0, 4.0])).data.tolist()
    [1.0, 2.0]
    """
    return Sqrt()(x)
