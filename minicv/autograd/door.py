"""The door of every operation: what it lets in, and in which dtype.

The engine computes in float32 and in float64 (and in complex numbers, for a gradient check). What
is narrower is widened here, before an operation sees it, because small dtypes cannot hold what
operations make of them: float16 ends at 65,504, which a count of pixels passes; a negated uint8
wraps around; exp of a uint8 would be computed in float16. (float32 holds every whole number up to
2**24; larger ones are rounded. Whoever needs their digits computes in float64, or on raw arrays.)
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from minicv.autograd.tensor import (
    DEFAULT,
    DType,
    Tensor,
    gradient_dtype,
    is_narrow,
    numeric_array,
)
from minicv.backend import Array, xp_of
from minicv.backend.storage import FLOAT16, current_storage

_DOUBLE = np.dtype(np.float64)
Admitted = tuple[tuple[Tensor | None, ...], Sequence[Array | None], tuple[bool, ...]]


def plain(inputs: tuple[Any, ...]) -> Admitted | None:
    """What `admit` gives, for tensors of one dtype on the host, and numbers beside them; else None.

    That is the most frequent case by far, and a small operation costs little more than the door. So
    one and two inputs are looked at without a loop.

    >>> _, arrays, _ = plain((Tensor([0.5]), 3))
    >>> [array.tolist() for array in arrays], {array.dtype.name for array in arrays}
    ([[0.5], 3.0], {'float32'})
    >>> plain((Tensor([0.5]), np.array([200], "uint8"))) is None
    True
    """
    x = inputs[0] if inputs else None
    if not isinstance(x, Tensor):
        if type(x) in (float, int) and len(inputs) == 2 and isinstance(inputs[1], Tensor):
            turned = plain(inputs[::-1])
            return turned and (turned[0][::-1], turned[1][::-1], turned[2][::-1])
        return None
    array = x.data
    if type(array) is not np.ndarray:
        return None
    dtype = array.dtype
    if dtype is not DEFAULT and dtype is not _DOUBLE:
        return None
    if len(inputs) == 1:
        return inputs, (array,), (x.requires_grad,)
    if len(inputs) == 2:
        y = inputs[1]
        if (type(y) is float or type(y) is int) and y != 0:  # as keys 0.0 and -0.0 are the same
            y = _number(y, dtype)
            return (x, y), (array, y.data), (x.requires_grad, False)
        if isinstance(y, Tensor) and type(y.data) is np.ndarray and y.data.dtype is dtype:
            return inputs, (array, y.data), (x.requires_grad, y.requires_grad)
        return None
    for value in inputs:
        if value is not None and not (
            isinstance(value, Tensor)
            and type(value.data) is np.ndarray
            and value.data.dtype is dtype
        ):
            return None
    arrays = [None if value is None else value.data for value in inputs]
    return inputs, arrays, _which_require_grad(inputs)


@functools.lru_cache(maxsize=256)
def _number(value: float, dtype: DType) -> Tensor:
    """A number of a program, which meets it again and again."""
    array = np.asarray(value, dtype)
    array.flags.writeable = False
    return Tensor(array)


def _which_require_grad(tensors: Sequence[Tensor | None]) -> tuple[bool, ...]:
    # A list within, not a generator, which costs as much as a small operation.
    return tuple([tensor is not None and tensor.requires_grad for tensor in tensors])


def admit(
    operation: str,
    inputs: tuple[Any, ...],
    keeps_whole_numbers: bool = False,
    keeps_float16: bool = False,
) -> Admitted:
    """The inputs of an operation as tensors, the arrays that its forward computes with, and whether
    each requires a gradient.

    All arrays get the floating dtype of the inputs, float64 or float32; float32 if no input is as
    wide. Numbers and lists follow the arrays beside them.

    Args:
        operation: its name, for messages.
        inputs: tensors, arrays, numbers, lists, or None for an input that is left out.
        keeps_whole_numbers: leave whole numbers and truth values as they are where no input is
            floating. For operations that only move numbers, such as an index.
        keeps_float16: leave float16 as it is within ``use_storage("float16")``.

    Raises:
        TypeError: an input holds no numbers, or the inputs differ in device or floating dtype.

    >>> _, arrays, _ = admit("add", (Tensor([0.5]), np.array([200], "uint8"), 3))
    >>> [array.tolist() for array in arrays], {array.dtype.name for array in arrays}
    ([[0.5], [200.0], 3.0], {'float32'})
    """
    xp, dtype = _common(operation, inputs)
    if dtype is None and not keeps_whole_numbers:
        dtype = DEFAULT
    narrow = keeps_float16 and dtype == DEFAULT and current_storage() == "float16"
    kept = FLOAT16 if narrow else dtype
    tensors: list[Tensor | None] = []
    arrays: list[Array | None] = []
    for index, value in enumerate(inputs):
        tensor = array = None
        if isinstance(value, Tensor):
            tensor, array = value, value.data
            if dtype is not None and array.dtype not in (dtype, kept):
                array = array.astype(dtype)
        elif value is not None:
            array = _as_array(operation, index, value, xp, dtype)
            tensor = Tensor(array)
        tensors.append(tensor)
        arrays.append(array)
    return tuple(tensors), arrays, _which_require_grad(tensors)


def _common(operation: str, inputs: tuple[Any, ...]) -> tuple[ModuleType, DType | None]:
    """The array module of the inputs, and the dtype in which to compute.

    The dtype is None where all inputs are whole numbers or truth values.
    """
    first: Array | None = None
    wide: DType | None = None
    any_floating = False
    for value in inputs:
        array = value.data if isinstance(value, Tensor) else value
        if not hasattr(array, "dtype") or isinstance(array, np.generic):
            continue  # a number or a list
        if first is None:
            first = array
        elif type(array) is not type(first):
            try:
                xp_of(first, array)
            except TypeError as error:
                raise TypeError(f"{operation}: {error}") from None
        if array.dtype.kind not in "fc":
            continue
        any_floating = True
        dtype = array.dtype.newbyteorder("=")
        if is_narrow(dtype):
            continue
        if wide is None:
            wide = dtype
        elif dtype != wide:
            names = sorted((str(wide), str(dtype)))
            raise TypeError(
                f"{operation}: inputs have different dtypes ({', '.join(names)}); convert the "
                "array of one with .astype before it becomes a Tensor"
            )
    if wide is None:
        wide = DEFAULT if any_floating else _of_numbers(operation, inputs, first is None)
    return np if first is None else xp_of(first), wide


def _of_numbers(operation: str, inputs: tuple[Any, ...], alone: bool) -> DType | None:
    """The dtype that numbers and lists ask for where no array is floating; None if all are whole.

    Only where they are alone does a NumPy scalar keep its own, such as float64.
    """
    for index, value in enumerate(inputs):
        if isinstance(value, Tensor) or value is None:
            continue
        dtype = _numbers(operation, index, value).dtype
        if dtype.kind in "fc":
            keeps_its_own = alone and (isinstance(value, np.generic) or dtype.kind == "c")
            return gradient_dtype(dtype) if keeps_its_own else DEFAULT
    return None


def _as_array(operation: str, index: int, value: Any, xp: ModuleType, dtype: DType | None) -> Array:
    """A plain input as an array of ``dtype``; of its own where that is None."""
    array = _numbers(operation, index, value)
    if dtype is None:
        return xp.asarray(array)
    if array.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError(f"{operation}: input {index} is complex but is used as {dtype}")
    return xp.asarray(array, dtype=dtype)


def _numbers(operation: str, index: int, value: Any) -> Array:
    try:
        return numeric_array(value)
    except (TypeError, ValueError) as error:
        reason = str(error).removeprefix("Tensor: ")
        raise TypeError(f"{operation}: input {index} is no tensor: {reason}") from None
