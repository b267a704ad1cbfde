"""Indexing: parts of a tensor, as NumPy's x[index] selects them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kernels_of, xp_of


class GetItem(Function):
    keeps_whole_numbers = True
    keeps_float16 = True

    def __init__(self, index: Any) -> None:
        self.index = _with_arrays(index)

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        if self.needs_grad[0]:
            self.index = _copied(self.index)  # the caller may go on to fill its arrays anew
        try:
            return x[self.index]
        except IndexError as error:
            raise IndexError(f"getitem: {error}; x has shape {x.shape}") from None

    def backward(self, grad: Array) -> Array:
        xp = xp_of(grad)
        parts = self.index if isinstance(self.index, tuple) else (self.index,)
        if grad.shape == self.shape and all(type(p) is slice and p.step is None for p in parts):
            return grad  # the slices took everything
        numbers = [part for part in parts if _is_array_of_numbers(part)]
        if not numbers or grad.size == 0:
            # Slices and masks select no element twice.
            return self._assigned(grad)
        length = self.shape[0]
        if len(parts) == 1:
            # One array of row numbers: the gradient is added row by row.
            rows = xp.asarray(numbers[0]).astype(xp.int64).reshape(-1) % length  # -1 is the last
            # On the host assignment is faster if no row is selected twice. On a device the host
            # would have to wait for the answer.
            if xp is np and rows.size <= length and np.bincount(rows).max() == 1:
                return self._assigned(grad)
            values = grad.reshape(rows.size, *self.shape[1:])
            return kernels_of(grad).scatter_add(values, rows, length)
        # In general: number all elements, and see which numbers the index selects.
        size = math.prod(self.shape)
        selected = xp.arange(size).reshape(self.shape)[self.index]
        flat = kernels_of(grad).scatter_add(grad.reshape(-1), selected.reshape(-1), size)
        return flat.reshape(self.shape)

    def _assigned(self, grad: Array) -> Array:
        grad_x = xp_of(grad).zeros(self.shape, grad.dtype)
        grad_x[self.index] = grad
        return grad_x


def getitem(x: Tensor | Array, index: Any) -> Tensor:
    """The elements of x that ``index`` selects; ``x[index]`` calls this.

    Forward: y = x[index] as in NumPy: whole numbers, slices, ``...``, None, boolean masks, arrays
    of whole numbers, and tuples of these. A list, a range, or a tuple inside of the tuple, such as
    ``x[:, (0, 0)]``, is an array of whole numbers or a mask. Gradient: dL/dx is zero, with every
    element of dL/dy added where it was taken from; an element taken k times receives k gradients.

    Shapes: as in NumPy. An empty selection is empty and has gradient zero. Cost: slices give a
    view of x, masks and arrays a copy of what they select; the gradient has the size of x.

    Raises:
        IndexError: the index is out of range, has too many parts, or is no index.
        TypeError: the index is a Tensor; indices are plain arrays.

    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> y = x[[1, 1, 0]]
    >>> y.data.tolist()
    [[3.0, 4.0], [3.0, 4.0], [1.0, 2.0]]
    >>> y.sum().backward()
    >>> x.grad.tolist()
    [[1.0, 1.0], [2.0, 2.0]]
    """
    return GetItem(index)(x)


def _with_arrays(index: Any) -> Any:
    """``index`` with an array in place of each list, range or inner tuple, as NumPy reads it."""
    return tuple(map(_part, index)) if type(index) is tuple else _part(index)


def _part(part: Any) -> Any:
    if isinstance(part, Tensor):
        raise TypeError("getitem: the index is a Tensor; indices are plain arrays, take .data")
    if isinstance(part, (str, float, np.floating)):  # CuPy would take 1.5 as 1
        raise IndexError(
            f"getitem: {part!r} is no index; whole numbers, slices, ..., None, and arrays of whole "
            "numbers or of bools are valid indices"
        )
    if not isinstance(part, Sequence):
        return part  # a number, a slice, an array, None or ...
    if _holds_a_tensor(part):
        raise TypeError("getitem: a list in the index holds Tensors; take their .item()")
    try:
        array = np.asarray(part)
    except ValueError:
        raise IndexError(f"getitem: the rows of the index {part!r} differ in length") from None
    return array.astype(np.intp) if array.size == 0 else array  # an empty list is made of floats


def _copied(index: Any) -> Any:
    if type(index) is tuple:
        return tuple(map(_copied, index))
    return index.copy() if hasattr(index, "dtype") else index


def _holds_a_tensor(part: Sequence[Any]) -> bool:
    return any(
        isinstance(each, Tensor) or (isinstance(each, (list, tuple)) and _holds_a_tensor(each))
        for each in part
    )


def _is_array_of_numbers(part: Any) -> bool:
    """Whether this part of an index can select an element twice."""
    return getattr(part, "ndim", 0) > 0 and part.dtype.kind in "iu"
