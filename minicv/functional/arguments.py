"""The arguments of an operation that are no tensors: refused in a sentence where they are wrong."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minicv.autograd import Tensor


def as_number(operation: str, argument: str, value: Any) -> float:
    """``value`` as a Python number, which never widens the dtype of an array beside it.

    Raises:
        TypeError: it is no real number.

    >>> as_number("clip", "min", np.float64(0.5))
    0.5
    >>> as_number("clip", "min", "low")
    Traceback (most recent call last):
    TypeError: clip: min must be a number but is 'low'
    """
    if isinstance(value, (np.integer, np.floating, np.bool_)):
        value = value.item()
    if not isinstance(value, (int, float)):
        raise TypeError(f"{operation}: {argument} must be a number but is {value!r}")
    return value


def as_whole_number(operation: str, argument: str, value: Any) -> int:
    """``value`` as a Python int.

    Raises:
        TypeError: it is no whole number.

    >>> as_whole_number("softmax_cross_entropy", "ignore_index", np.uint8(255))
    255
    """
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(
            f"{operation}: {argument} must be a whole number but is {value!r}"
        ) from None


def as_whole_numbers(operation: str, argument: str, value: Any) -> tuple[int, ...]:
    """A sequence of whole numbers as a tuple.

    Raises:
        TypeError: it is no sequence, or holds something else.

    >>> as_whole_numbers("pad", "pad", [0, 1])
    (0, 1)
    >>> as_whole_numbers("pad", "pad", 1)
    Traceback (most recent call last):
    TypeError: pad: pad must be a tuple of whole numbers but is 1
    """
    try:
        return tuple([operator.index(each) for each in value])
    except TypeError:
        raise TypeError(
            f"{operation}: {argument} must be a tuple of whole numbers but is {value!r}"
        ) from None


def check_constant(operation: str, argument: str, value: Any) -> None:
    """Labels, targets and weights must be plain arrays of numbers.

    Raises:
        TypeError: it is a Tensor, which would seem to get a gradient, or no array of numbers.

    >>> check_constant("multiclass_hinge", "labels", [0, 2])
    Traceback (most recent call last):
    TypeError: multiclass_hinge: labels: expected a NumPy or CuPy array but got a list; convert ...
    """
    if isinstance(value, Tensor):
        raise TypeError(
            f"{operation}: {argument} must be a plain array, for it gets no gradient, but is a "
            "Tensor; take its .data"
        )
    if not hasattr(value, "dtype"):
        raise TypeError(
            f"{operation}: {argument}: expected a NumPy or CuPy array but got a "
            f"{type(value).__name__}; convert it with numpy.asarray"
        )
    if value.dtype.kind not in "biufc":
        raise TypeError(
            f"{operation}: {argument} must be an array of numbers but has dtype {value.dtype}"
        )


def as_inputs(operation: str, tensors: Any) -> Sequence[Any]:
    """Several inputs that come as one list.

    Raises:
        TypeError: it is no list.

    >>> as_inputs("stack", None)
    Traceback (most recent call last):
    TypeError: stack: tensors must be a list of tensors but is a NoneType
    """
    if isinstance(tensors, str) or not hasattr(tensors, "__iter__"):
        raise TypeError(
            f"{operation}: tensors must be a list of tensors but is a {type(tensors).__name__}"
        )
    return list(tensors)


def check_tensor(operation: str, x: Any, argument: str = "x") -> None:
    """Refuse what has no shape, such as a number or None, where an operation asks for the shape.

    >>> check_tensor("flatten", None)
    Traceback (most recent call last):
    TypeError: flatten: x must be a Tensor or an array but is a NoneType
    """
    if not hasattr(x, "shape"):
        raise TypeError(
            f"{operation}: {argument} must be a Tensor or an array but is a {type(x).__name__}"
        )
