"""The largest and the smallest element along one axis, and where they are."""

from __future__ import annotations

from typing import NamedTuple

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kept_where, xp_of
from minicv.functional.argmax import argmax, argmin
from minicv.functional.dims import kept_shape, normalized_dim


class ValuesAndIndices(NamedTuple):
    """What `max_with_indices` finds along an axis: the values, and a plain array of their places.

    >>> found = max_with_indices(Tensor([1.0, 3.0]), dim=0)
    >>> found.values.item(), found.indices.item()
    (3.0, 1)
    """

    values: Tensor
    indices: Array


class MaxWithIndices(Function):
    """The values; after the call the places can be read, with length 1 along the axis."""

    operation = "max_with_indices"

    def __init__(self, dim: int, keepdim: bool) -> None:
        self.dim, self.keepdim = dim, keepdim

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        self.axis = normalized_dim(self.operation, self.dim, x.ndim)
        self.dims = (self.axis,)
        if x.shape[self.axis] == 0:
            raise ValueError(
                f"{self.operation}: x of shape {x.shape} has no elements along dim {self.axis}; "
                "treat the empty case before"
            )
        self.places = self.find(x)
        y = xp_of(x).take_along_axis(x, self.places, axis=self.axis)
        return y if self.keepdim else y.squeeze(axis=self.axis)

    def find(self, x: Array) -> Array:
        return argmax(x, self.axis, keepdim=True)

    def backward(self, grad: Array) -> Array:
        along = [-1 if axis == self.axis else 1 for axis in range(len(self.shape))]
        numbers = xp_of(grad).arange(self.shape[self.axis]).reshape(along)
        chosen = numbers == self.places
        return kept_where(chosen, grad.reshape(kept_shape(self.shape, self.dims)))


class MinWithIndices(MaxWithIndices):
    """As `MaxWithIndices`, with the smallest element."""

    operation = "min_with_indices"

    def find(self, x: Array) -> Array:
        return argmin(x, self.axis, keepdim=True)


def max_with_indices(x: Tensor | Array, dim: int, keepdim: bool = False) -> ValuesAndIndices:
    """The largest element along ``dim`` and its index: what PyTorch's ``max(dim)`` gives.

    Forward: y = max x over ``dim``, and the first place at which x is y. Gradient: dL/dx = dL/dy at
    that place, else 0. (`max` gives the values alone, over several axes if wanted, and shares the
    gradient among equal elements.)

    Shapes: x without the axis ``dim``, for both; with ``keepdim`` it has length 1. The indices are
    a plain array of whole numbers, without a gradient. NaN counts as the largest. Cost: two passes
    over x, two for the gradient; keeps the indices.

    Raises:
        ValueError: there is no element along ``dim``.
        IndexError: x has no axis ``dim``.
        TypeError: ``dim`` is not one whole number.

    >>> x = Tensor([[1.0, 5.0, 5.0], [4.0, 2.0, 3.0]], requires_grad=True)
    >>> values, indices = max_with_indices(x, dim=1)
    >>> values.data.tolist(), indices.tolist()
    ([5.0, 4.0], [1, 0])
    >>> values.sum().backward()
    >>> x.grad.tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    return _found(MaxWithIndices(dim, keepdim), x)


def min_with_indices(x: Tensor | Array, dim: int, keepdim: bool = False) -> ValuesAndIndices:
    """The smallest element along ``dim`` and its index; all else as for `max_with_indices`.

    >>> values, indices = min_with_indices(Tensor([[1.0, 5.0], [4.0, 2.0]]), dim=1)
    >>> values.data.tolist(), indices.tolist()
    ([1.0, 2.0], [0, 1])
    """
    return _found(MinWithIndices(dim, keepdim), x)


def _found(operation: MaxWithIndices, x: Tensor | Array) -> ValuesAndIndices:
    values = operation(x)
    places = operation.places
    return ValuesAndIndices(
        values, places if operation.keepdim else places.squeeze(axis=operation.axis)
    )
