"""Variance and standard deviation over axes."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kept_where, product_or_zero, xp_of, zero_where_zero
from minicv.functional.arguments import as_number
from minicv.functional.dims import Dims, count_along, kept_shape, normalized_dims


class Var(Function):
    operation = "var"

    def __init__(self, dim: Dims, correction: float, keepdim: bool) -> None:
        self.dim, self.correction, self.keepdim = dim, correction, keepdim

    def forward(self, x: Array) -> Array:
        self.dims = normalized_dims(self.operation, self.dim, x.ndim)
        count = count_along(x.shape, self.dims)
        self.divisor = count - self.correction
        if self.divisor <= 0:
            raise ValueError(
                f"{self.operation}: x of shape {x.shape} has {count} elements along dim "
                f"{self.dims}, too few to divide by their number minus correction="
                f"{self.correction:g}; take more, or correction=0 for the spread of just these"
            )
        self.centered = x - x.mean(axis=self.dims, keepdims=True)
        squares = self.centered * self.centered
        return squares.sum(axis=self.dims, keepdims=self.keepdim) / self.divisor

    def backward(self, grad: Array) -> Array:
        kept = grad.reshape(kept_shape(self.centered.shape, self.dims))
        return product_or_zero(self.centered, kept * (2 / self.divisor))


class Std(Var):
    """The root of `Var`."""

    operation = "std"

    def forward(self, x: Array) -> Array:
        self.y = xp_of(x).sqrt(super().forward(x))
        return self.y

    def backward(self, grad: Array) -> Array:
        kept = kept_shape(self.centered.shape, self.dims)
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = zero_where_zero(grad / (self.divisor * self.y), grad)
        factor = kept_where(self.y != 0, factor)  # where all elements are equal the slope is 0
        return product_or_zero(self.centered, factor.reshape(kept))


def var(
    x: Tensor | Array, dim: Dims = None, *, correction: float = 1, keepdim: bool = False
) -> Tensor:
    """The variance of x over the axes ``dim``; over all of them by default.

    Forward: y = 1/(n - c) Σ (x - μ)² over ``dim``, with the mean μ of the n elements and c the
    ``correction``. c = 1 estimates the variance of what the elements were drawn from, without bias
    (Bessel); c = 0 is the variance of the elements themselves, as in `batch_norm`. Gradient:
    dL/dx = dL/dy · 2 (x - μ) / (n - c); what flows through μ cancels.

    Shapes as for `sum`. Cost: four passes over x; keeps an array of its size.

    Args:
        x: any numbers.
        dim: one axis, several, or None for all.
        correction: c, at least 0. PyTorch's older ``unbiased=False`` is ``correction=0``.
        keepdim: whether to keep the axes, with length 1.

    Raises:
        ValueError: there are not more than c elements along ``dim``, or c is negative, or ``dim``
            names an axis twice.
        IndexError: x has no axis ``dim``.

    >>> x = Tensor([[1.0, 2.0, 6.0]])
    >>> var(x, dim=1).item(), round(var(x, correction=0).item(), 4)  # 14 / 2 and 14 / 3
    (7.0, 4.6667)
    """
    return Var(dim, _checked("var", correction), keepdim)(x)


def std(
    x: Tensor | Array, dim: Dims = None, *, correction: float = 1, keepdim: bool = False
) -> Tensor:
    """The standard deviation of x over the axes ``dim``: the root of `var`.

    Forward: y = √var. Gradient: dL/dx = dL/dy (x - μ) / ((n - c) y). Kink: where all elements are
    equal, and so y = 0, the gradient is 0. Arguments, shapes, cost and errors as for `var`.

    >>> x = Tensor([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]], requires_grad=True)
    >>> y = std(x, dim=1)
    >>> y.data.tolist()
    [1.0, 0.0]
    >>> y.sum().backward()
    >>> x.grad.tolist()
    [[-0.5, 0.0, 0.5], [0.0, 0.0, 0.0]]
    """
    return Std(dim, _checked("std", correction), keepdim)(x)


def _checked(operation: str, correction: float) -> float:
    correction = as_number(operation, "correction", correction)
    if not correction >= 0:
        raise ValueError(f"{operation}: correction must be at least 0 but is {correction}")
    return correction
