"""Powers, element by element."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, product_or_zero, xp_of


class PowerOfNumber(Function):
    """x ** exponent with a plain number as exponent, the common case: no logarithm."""

    def __init__(self, exponent: float) -> None:
        self.exponent = exponent

    def forward(self, x: Array) -> Array:
        self.x = x
        return x**self.exponent

    def backward(self, grad: Array) -> Array:
        if self.exponent == 0:
            return xp_of(self.x).zeros_like(self.x)
        if self.exponent == 1:
            return grad
        lowered = self.x if self.exponent == 2 else self.x ** (self.exponent - 1)
        return product_or_zero(grad, self.exponent * lowered)


class Power(Function):
    broadcasts = True

    def forward(self, x: Array, exponent: Array) -> Array:
        self.x, self.exponent = x, exponent
        self.y = x**exponent
        return self.y

    def backward(self, grad: Array) -> tuple[Array | None, Array | None]:
        xp = xp_of(self.x)
        x, exponent = self.x, self.exponent
        grad_x = grad_exponent = None
        if self.needs_grad[0]:
            # x to the power 0 is 1 everywhere, with slope 0; the inner where avoids 0 ** -1.
            slope = exponent * x ** xp.where(exponent == 0, 0, exponent - 1)
            grad_x = product_or_zero(grad, slope)
        if self.needs_grad[1]:
            # At x = 0 the slope is the limit, 0, for an exponent >= 0, and infinite below.
            log_x = xp.log(xp.where((x == 0) & (exponent >= 0), 1, x))
            with np.errstate(invalid="ignore"):
                slope = self.y * log_x
            grad_exponent = product_or_zero(grad, slope)
        return grad_x, grad_exponent


def power(x: Tensor | Array | float, exponent: Tensor | Array | float) -> Tensor:
    """x to the power ``exponent``, element by element; ``x ** exponent`` calls this.

    Forward: y = x^p. Gradients: dL/dx = dL/dy · p x^(p-1), dL/dp = dL/dy · y log x, each summed
    over the axes along which its input was broadcast.

    Shapes: x and the exponent broadcast against each other. Kinks: x^0 is 1 everywhere, with
    gradient 0 in x; for p < 1 the gradient at x = 0 is infinite, with NumPy's warning; at x = 0
    the gradient in p is 0, the limit for p > 0, and infinite for p < 0. A negative x gives NaN with
    NumPy's warning where the exponent is not whole, and in the gradient of the exponent. An empty
    input gives an empty result. Cost: one power per element in each direction, and a logarithm for
    the gradient of an exponent that is a tensor; keeps both inputs, and y if the exponent is a
    tensor.

    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x**2).data.tolist()
    [1.0, 4.0, 9.0]
    >>> (x**2).sum().backward()
    >>> x.grad.tolist()
    [2.0, 4.0, 6.0]
    >>> power(2, Tensor([3.0])).data.tolist()
    [8.0]
    """
    if isinstance(exponent, (int, float, np.generic)):
        # A NumPy scalar would widen float32 to its own dtype; a Python number does not.
        return PowerOfNumber(exponent.item() if isinstance(exponent, np.generic) else exponent)(x)
    return Power()(x, exponent)
