"""The largest and the smallest element over axes."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kept_where, xp_of, zero_where_zero
from minicv.functional.dims import Dims, count_along, kept_shape, normalized_dims


class Max(Function):
    operation, found = "max", "maximum"

    def __init__(self, dim: Dims, keepdim: bool) -> None:
        self.dim, self.keepdim = dim, keepdim

    def forward(self, x: Array) -> Array:
        self.dims = normalized_dims(self.operation, self.dim, x.ndim)
        if count_along(x.shape, self.dims) == 0:
            raise ValueError(
                f"{self.operation}: x of shape {x.shape} has no elements along dim {self.dims}, "
                f"and the {self.found} of nothing does not exist; treat the empty case before"
            )
        self.x = x
        self.y = self.extreme(x)
        return self.y if self.keepdim else self.y.squeeze(axis=self.dims)

    def extreme(self, x: Array) -> Array:
        return x.max(axis=self.dims, keepdims=True)

    def backward(self, grad: Array) -> Array:
        xp = xp_of(self.y)
        is_extreme = self.x == self.y
        ties = is_extreme.sum(axis=self.dims, keepdims=True).astype(grad.dtype)
        is_nan = self.y != self.y  # NaN equals nothing, not even itself: then all elements get NaN
        if xp is not np or is_nan.any():
            is_extreme |= is_nan
            ties = xp.where(is_nan, self.y, ties)
        grad = grad.reshape(kept_shape(self.x.shape, self.dims))
        return kept_where(is_extreme, zero_where_zero(grad / ties, grad))


class Min(Max):
    """As `Max`, with the smallest element."""

    operation, found = "min", "minimum"

    def extreme(self, x: Array) -> Array:
        return x.min(axis=self.dims, keepdims=True)


def max(x: Tensor | Array, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The largest element of x over the axes ``dim``; over all of them by default.

    Forward: y = max x over ``dim``. Gradient: dL/dx = dL/dy / k at each of the k elements that are
    equal to y, else 0. This is PyTorch's ``amax``: values only, and ``dim`` may be a tuple. The
    pair that PyTorch's ``max(dim)`` gives comes from `max_with_indices`.

    Shapes as for `sum`; ``dim=()`` gives x. Ties share the gradient evenly, so that it does not
    depend on the order of the elements (max pooling takes the first instead). NaN in x gives NaN,
    also in the gradient, except where dL/dy is 0. Cost: one pass over x, three for the gradient;
    keeps x.

    Raises:
        ValueError: there is no element along ``dim``, or ``dim`` names an axis twice.
        IndexError: x has no axis ``dim``.

    >>> x = Tensor([[1.0, 5.0, 5.0], [4.0, 2.0, 3.0]], requires_grad=True)
    >>> y = max(x, dim=1)
    >>> y.data.tolist()
    [5.0, 4.0]
    >>> y.sum().backward()
    >>> x.grad.tolist()
    [[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]]
    """
    return Max(dim, keepdim)(x)


def min(x: Tensor | Array, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The smallest element of x over the axes ``dim``; over all of them by default.

    Forward: y = min x over ``dim``, PyTorch's ``amin``. Gradient, shapes, ties, NaN, cost and
    errors as for `max`; the pair of values and indices comes from `min_with_indices`.

    >>> x = Tensor([[1.0, 5.0, 1.0], [4.0, 2.0, 3.0]], requires_grad=True)
    >>> y = min(x, dim=1)
    >>> y.data.tolist()
    [1.0, 2.0]
    >>> y.sum().backward()
    >>> x.grad.tolist()
    [[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]
    """
    return Min(dim, keepdim)(x)
