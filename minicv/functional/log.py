"""Natural logarithm."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, xp_of, zero_where_zero


class Log(Function):
    def forward(self, x: Array) -> Array:
        self.x = x
        return xp_of(x).log(x)

    def backward(self, grad: Array) -> Array:
        with np.errstate(invalid="ignore"):  # where no gradient arrives 0 / 0 is 0
            return zero_where_zero(grad / self.x, grad)


def log(x: Tensor | Array) -> Tensor:
    """The natural logarithm of x, element by element.

    Forward: y = log x. Gradient: dL/dx = dL/dy / x.

    Shapes: any; y has the shape of x. An empty input gives an empty result. x = 0 gives -infinity
    and a negative x NaN, each with NumPy's warning; the gradient at x = 0 is infinite, and 0 where
    dL/dy is 0. For the logarithm of a probability use
    `log_softmax`, which takes the scores. Cost: one log per element; keeps x.

    >>> log(Tensor([1.0, 10.0])).data.round(2).tolist()
    [0.0, 2.2999...]
    """
    return Log()(x)
