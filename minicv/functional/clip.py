"""Values limited to an interval."""

from __future__ import annotations

import math

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kept_where, xp_of
from minicv.functional.arguments import as_number


class Clip(Function):
    def __init__(self, min: float | None, max: float | None) -> None:
        self.min, self.max = min, max

    def forward(self, x: Array) -> Array:
        self.x = x
        return xp_of(x).clip(x, self.min, self.max)

    def backward(self, grad: Array) -> Array:
        if self.max is None:
            return kept_where(self.x >= self.min, grad)
        if self.min is None:
            return kept_where(self.x <= self.max, grad)
        inside = self.x >= self.min
        inside &= self.x <= self.max
        return kept_where(inside, grad)


def clip(x: Tensor | Array, min: float | None = None, max: float | None = None) -> Tensor:
    """x limited to the interval from ``min`` to ``max``; None leaves that end open.

    Forward: y = min if x < min, max if x > max, else x. Gradient: dL/dx = dL/dy where
    min <= x <= max, else 0.

    Shapes: any; y has the shape of x. Kinks: at x = min and x = max the gradient passes, so a value
    that was clipped once can still move back inside. NaN in x stays NaN,
    with gradient 0. An empty input gives an empty result. Cost: one pass over x; keeps x.

    Raises:
        ValueError: both limits are None, one is NaN, or min > max.
        TypeError: a limit is no number. For limits that differ from element to element use
            `maximum` and `minimum`.

    >>> x = Tensor([-1.0, 0.0, 0.5, 2.0], requires_grad=True)
    >>> y = clip(x, 0, 1)
    >>> y.data.tolist()
    [0.0, 0.0, 0.5, 1.0]
    >>> y.sum().backward()
    >>> x.grad.tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    if min is None and max is None:
        raise ValueError("clip: give min, max or both; both are None")
    for name, limit in (("min", min), ("max", max)):
        if limit is not None and math.isnan(as_number("clip", name, limit)):
            raise ValueError(f"clip: {name} is NaN, which limits nothing; None leaves an end open")
    if min is not None and max is not None and min > max:
        raise ValueError(f"clip: min must not be greater than max; min={min}, max={max}")
    low = None if min is None else as_number("clip", "min", min)
    high = None if max is None else as_number("clip", "max", max)
    return Clip(low, high)(x)
