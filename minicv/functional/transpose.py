"""The same elements with the axes in another order."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array
from minicv.functional.arguments import as_whole_numbers, check_tensor
from minicv.functional.dims import normalized_dim, normalized_dims


class Permute(Function):
    keeps_whole_numbers = True
    keeps_float16 = True

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims = dims

    def forward(self, x: Array) -> Array:
        dims = normalized_dims("permute", self.dims, x.ndim)
        if len(dims) != x.ndim:
            raise ValueError(
                f"permute: dims must name each of the {x.ndim} axes of x once but is {self.dims}"
            )
        # Axis i of y is axis dims[i] of x, so axis dims[i] of the gradient goes back from i.
        self.inverse = tuple(dims.index(axis) for axis in range(x.ndim))
        return x.transpose(dims)

    def backward(self, grad: Array) -> Array:
        return grad.transpose(self.inverse)


def permute(x: Tensor | Array, dims: tuple[int, ...]) -> Tensor:
    """The axes of x in the order ``dims``.

    Forward: y[i_dims[0], i_dims[1], ...] = x[i_0, i_1, ...], so axis k of y is axis dims[k] of x.
    Gradient: dL/dx = dL/dy with the inverse order.

    Shapes: (N, C, H, W) with dims (0, 2, 3, 1) gives (N, H, W, C). Cost: none, y is a view of x.

    Raises:
        ValueError: ``dims`` does not name every axis exactly once.
        IndexError: x has no such axis.

    >>> import numpy as np
    >>> permute(np.zeros((2, 3, 4, 5)), (0, 2, 3, 1)).shape
    (2, 4, 5, 3)
    """
    return Permute(as_whole_numbers("permute", "dims", dims))(x)


def transpose(x: Tensor | Array, dim0: int, dim1: int) -> Tensor:
    """x with the axes ``dim0`` and ``dim1`` exchanged.

    Forward: y[..., j, ..., i, ...] = x[..., i, ..., j, ...]. Gradient: the same exchange of dL/dy.
    For a matrix, transpose(x, 0, 1) is its transpose. Cost: none, y is a view of x.

    Raises:
        IndexError: x has no such axis.

    >>> transpose(Tensor([[1.0, 2.0, 3.0]]), 0, 1).data.tolist()
    [[1.0], [2.0], [3.0]]
    """
    check_tensor("transpose", x)
    order = list(range(len(x.shape)))
    first = normalized_dim("transpose", dim0, len(order), "dim0")
    second = normalized_dim("transpose", dim1, len(order), "dim1")
    order[first], order[second] = second, first
    return permute(x, tuple(order))
