"""A strict stand-in for CuPy on NumPy: the device path of minicv, run and tested without a GPU.

    import cupy_stand_in as cupy
    x = cupy.asarray(numpy_array)

Where CuPy refuses, this refuses: host arrays that meet device arrays, implicit conversion, names
and keywords that CuPy lacks. Where CuPy is silent but wrong, it refuses as well: NumPy's functions
called on device arrays, an index out of range, an assignment whose index occurs twice. And it
counts the moments at which the host would wait for the device, and the arrays sent to it.

`xp_of` answers this module for its arrays, and `kernels_of` gives those of `minicv.backend.cuda`.
Its `RawModule` is the emulator: kernels run, slowly, where there is a C++ compiler.
"""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from cupy_stand_in import cuda
from cupy_stand_in.array import host_values, ndarray
from cupy_stand_in.functions import look_up
from cupy_stand_in.raw_module import RawModule
from cupy_stand_in.synchronisation import recorded_places, recorded_synchronisations, send
from minicv.backend import register_array_module

__all__ = [
    "RawModule",
    "array",
    "asarray",
    "ascontiguousarray",
    "asnumpy",
    "cuda",
    "get_array_module",
    "get_default_pinned_memory_pool",
    "ndarray",
    "recorded_places",
    "recorded_synchronisations",
]

register_array_module("cupy_stand_in", "cupy_stand_in")


def array(values: Any, dtype: Any = None, copy: bool = True) -> ndarray:
    """A new device array; the one way on which values of the host may come."""
    if isinstance(values, (ndarray, list, tuple)) and not _holds_host_array(values):
        values = host_values(values, "array")
    else:
        send(np.shape(values))
        if np.shape(values):
            cuda.take_from_host(np.asarray(values).nbytes)
    return ndarray(np.array(values, dtype=dtype) if copy else np.asarray(values, dtype=dtype))


def asarray(values: Any, dtype: Any = None) -> ndarray:
    """As `array`, without a copy where the values are on the device already."""
    if isinstance(values, ndarray):
        return values if dtype is None or dtype == values.dtype else values.astype(dtype)
    return array(values, dtype)


def ascontiguousarray(values: Any, dtype: Any = None) -> ndarray:
    """As `asarray`, in C order; an array without axes gets one, as NumPy's function has it."""
    values = asarray(values, dtype)
    values = values.reshape(1) if values.ndim == 0 else values
    return values if values.flags.c_contiguous else values.copy(order="C")


def asnumpy(values: Any) -> np.ndarray:
    """The values on the host."""
    return values.get() if isinstance(values, ndarray) else np.asarray(values)


def get_array_module(*arrays: Any) -> ModuleType:
    """This module if one of the arrays is of it, else NumPy."""
    return sys.modules[__name__] if any(isinstance(array, ndarray) for array in arrays) else np


def get_default_pinned_memory_pool() -> SimpleNamespace:
    """Where arrays that travel usually get their memory."""
    return SimpleNamespace(malloc=bool)


def _holds_host_array(values: Any) -> bool:
    return isinstance(values, (list, tuple)) and any(
        isinstance(value, np.ndarray) or _holds_host_array(value) for value in values
    )


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return look_up(name)
