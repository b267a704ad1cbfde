"""Exponential linear unit: ReLU with an exponential on the negative side."""

from __future__ import annotations

import math

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kept_where, product_or_zero, xp_of
from minicv.functional.arguments import as_number


class Elu(Function):
    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def forward(self, x: Array) -> Array:
        xp = xp_of(x)
        self.x = x
        y = xp.expm1(xp.minimum(x, 0))  # 0 on the positive side
        y *= self.alpha
        y += xp.clip(x, 0, math.inf)  # 0 on the negative side
        return y

    def backward(self, grad: Array) -> Array:
        xp = xp_of(grad)
        positive = self.x > 0
        slope = xp.exp(xp.minimum(self.x, 0))
        slope *= self.alpha
        slope = kept_where(~positive, slope)
        slope += positive
        return product_or_zero(slope, grad)


def elu(x: Tensor | Array, alpha: float = 1.0) -> Tensor:
    """x where it is positive, else ``alpha`` · (exp(x) - 1), element by element.

    Forward: y = x where x > 0, else α (exp(x) - 1). Gradient: dL/dx = dL/dy where x > 0, else
    dL/dy · α exp(x).

    Shapes: any; y has the shape of x. Kink: where α is not 1, the gradient at x = 0 is that of the
    negative side, α dL/dy. Large negative x gives -α. NaN stays NaN. An empty input gives an empty
    result. Cost: an exp per element in each direction; keeps x.

    Raises:
        ValueError: ``alpha`` is negative or not finite.
        TypeError: ``alpha`` is no number.

    Source: Clevert, Unterthiner & Hochreiter 2016, Fast and Accurate Deep Network Learning by
    Exponential Linear Units, section 3.

    >>> x = Tensor([-1000.0, 0.0, 2.0], requires_grad=True)
    >>> y = elu(x)
    >>> y.data.tolist()
    [-1.0, 0.0, 2.0]
    >>> y.sum().backward()
    >>> x.grad.tolist()
    [0.0, 1.0, 1.0]
    """
    alpha = float(as_number("elu", "alpha", alpha))
    if not 0 <= alpha < math.inf:
        raise ValueError(f"elu: alpha must be a finite number of at least 0 but is {alpha}")
    return Elu(alpha)(x)
