"""Sum over axes."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, xp_of
from minicv.functional.dims import Dims, kept_shape, normalized_dims


class Sum(Function):
    def __init__(self, dim: Dims, keepdim: bool) -> None:
        self.dim, self.keepdim = dim, keepdim

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        self.dims = normalized_dims("sum", self.dim, x.ndim)
        return x.sum(axis=self.dims, keepdims=self.keepdim)

    def backward(self, grad: Array) -> Array:
        # Each summand receives the gradient of its sum: a read-only view that repeats it.
        kept = grad.reshape(kept_shape(self.shape, self.dims))
        return xp_of(kept).broadcast_to(kept, self.shape)


def sum(x: Tensor | Array, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The sum of x over the axes ``dim``; over all of them by default.

    Forward: y = Σ x over ``dim``. Gradient: dL/dx = dL/dy, repeated along ``dim``.

    | x         | dim    | keepdim | y         |
    |-----------|--------|---------|-----------|
    | (A, B, C) | None   | False   | ()        |
    | (A, B, C) | 1      | False   | (A, C)    |
    | (A, B, C) | (0, 2) | True    | (1, B, 1) |

    The sum of nothing is 0; a sum over no axis, ``dim=()``, is x. Cost: one
    pass over x; the gradient is a view and costs nothing.

    Raises:
        IndexError: x has no axis ``dim``.
        ValueError: ``dim`` names an axis twice.

    >>> sum(Tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0).data.tolist()
    [4.0, 6.0]
    """
    return Sum(dim, keepdim)(x)
