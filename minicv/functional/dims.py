"""The argument ``dim``: which axes an operation works along."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

Dims = int | Sequence[int] | None


def normalized_dims(operation: str, dim: Dims, ndim: int) -> tuple[int, ...]:
    """``dim`` as a tuple of axis numbers from 0; negative numbers count from the last axis.

    None means all axes. An empty tuple means none, as in NumPy: a sum over no axis is x itself.

    Raises:
        IndexError: there is no such axis.
        ValueError: an axis is named twice.
        TypeError: an axis is not a whole number.

    >>> normalized_dims("sum", -1, 4), normalized_dims("sum", (0, -2), 4)
    ((3,), (0, 2))
    >>> normalized_dims("sum", None, 2)
    (0, 1)
    """
    if dim is None:
        return tuple(range(ndim))
    dims = tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)
    normalized = []
    for each in dims:
        axis = _whole_number(each)
        if axis is None:
            raise TypeError(
                f"{operation}: dim must be a whole number, a tuple of them or None but is {dim!r}"
            )
        if not -ndim <= axis < ndim:
            allowed = f"{-ndim}..{ndim - 1}" if ndim else "none, for x is a single number"
            raise IndexError(f"{operation}: dim {axis} does not exist; allowed are {allowed}")
        normalized.append(axis % ndim)
    if len(set(normalized)) != len(normalized):
        raise ValueError(f"{operation}: dim names an axis twice: {dim!r} with {ndim} axes")
    return tuple(normalized)


def normalized_dim(operation: str, dim: int, ndim: int, argument: str = "dim") -> int:
    """One axis, counted from 0.

    Raises:
        IndexError: there is no such axis.
        TypeError: ``dim`` is not one whole number.

    >>> normalized_dim("softmax", -1, 4)
    3
    """
    axis = _whole_number(dim)
    if axis is None:
        raise TypeError(f"{operation}: {argument} must be one whole number but is {dim!r}")
    return normalized_dims(operation, axis, ndim)[0]


def _whole_number(value: Any) -> int | None:
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def kept_shape(shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple[int, ...]:
    """``shape`` with length 1 along ``dims``: what a reduction with ``keepdim=True`` leaves.

    >>> kept_shape((2, 3, 4), (1,))
    (2, 1, 4)
    """
    return tuple(1 if axis in dims else length for axis, length in enumerate(shape))


def count_along(shape: tuple[int, ...], dims: tuple[int, ...]) -> int:
    """How many elements go into each result of a reduction along ``dims``.

    >>> count_along((2, 3, 4), (0, 2))
    8
    """
    count = 1
    for axis in dims:
        count *= shape[axis]
    return count
