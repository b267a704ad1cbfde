"""The norm of vectors: their length, and its relatives."""

from __future__ import annotations

import math

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, product_or_zero, xp_of
from minicv.functional.arguments import as_number
from minicv.functional.dims import Dims, count_along, kept_shape, normalized_dims


class Norm(Function):
    def __init__(self, p: float, dim: Dims, keepdim: bool) -> None:
        self.p, self.dim, self.keepdim = p, dim, keepdim

    def forward(self, x: Array) -> Array:
        xp = xp_of(x)
        self.dims = normalized_dims("norm", self.dim, x.ndim)
        self.sign = xp.sign(x.real)
        self.size = x * self.sign  # |x|, in a form that the complex step can differentiate
        if self.p == 1 or count_along(x.shape, self.dims) == 0:
            self.y = self.size.sum(axis=self.dims, keepdims=True)
        elif self.p == math.inf:
            self.y = self.size.max(axis=self.dims, keepdims=True)
        else:
            # Relative to the largest, so that no power overflows or vanishes.
            scale = self.size.real.max(axis=self.dims, keepdims=True)
            scale = xp.where((scale > 0) & (scale < math.inf), scale, 1)
            with np.errstate(over="ignore"):  # beside an infinite element, which is all of y
                powers = (self.size / scale) ** self.p
            self.y = scale * powers.sum(axis=self.dims, keepdims=True) ** (1 / self.p)
        return self.y if self.keepdim else self.y.squeeze(axis=self.dims)

    def backward(self, grad: Array) -> Array:
        xp = xp_of(grad)
        grad = grad.reshape(kept_shape(self.size.shape, self.dims))
        if self.p == 1:
            slope = self.sign
        elif self.p == math.inf:
            is_largest = self.size == self.y
            slope = self.sign * is_largest
            slope /= xp.maximum(is_largest.sum(axis=self.dims, keepdims=True), 1)  # NaN has none
        else:
            # Infinity over infinity has no slope; 0 to a negative power, for p < 1, is blocked.
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = self.size / xp.where(self.y == 0, 1, self.y)
                slope = product_or_zero(self.sign, ratio ** (self.p - 1))
        return product_or_zero(slope, grad)


def norm(x: Tensor | Array, p: float = 2.0, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The p-norm of the vectors along ``dim``; of all elements as one vector by default.

    Forward: y = (Σ |x|^p)^(1/p) over ``dim``. p = 2 is the length, p = 1 the sum of the absolute
    values, p = infinity the largest of them. Gradient: dL/dx = dL/dy · sign(x) (|x| / y)^(p-1).

    Shapes as for `sum`. Kinks: where x = 0 the gradient is 0, so also where y = 0; with p =
    infinity several largest elements share it evenly. The norm of nothing is 0. Nothing overflows
    unless y does. There are no norms of matrices; PyTorch's "fro" is p = 2. Cost: about six passes
    over x, and a power each way for a p other than 1 and infinity; keeps two arrays of its size.

    Raises:
        ValueError: ``p`` is not above 0, or ``dim`` names an axis twice.
        IndexError: x has no axis ``dim``.
        TypeError: ``p`` is no number.

    >>> x = Tensor([[3.0, -4.0], [0.0, 0.0]], requires_grad=True)
    >>> y = norm(x, dim=1)
    >>> y.data.tolist()
    [5.0, 0.0]
    >>> y.sum().backward()
    >>> x.grad.round(2).tolist()
    [[0.6..., -0.8...], [0.0, 0.0]]
    """
    p = float(as_number("norm", "p", p))
    if not p > 0:
        raise ValueError(f"norm: p must be above 0, or infinity for the largest, but is {p:g}")
    return Norm(p, dim, keepdim)(x)
