"""A convolution algorithm on CUDA, called directly, against float64 arrays from the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cuda_emulator
import cupy_stand_in as cupy
import numpy as np
from numpy.typing import DTypeLike

from minicv.backend import to_numpy
from minicv.backend.device import Array


def on_device(*values: Any, dtype: DTypeLike) -> list[Any]:
    """Arrays in that dtype on the device; what is no array stays."""
    return [cupy.asarray(v.astype(dtype)) if isinstance(v, np.ndarray) else v for v in values]


def between_nan(array: np.ndarray) -> Array:
    """On the device, where who reads beside it finds NaN."""
    memory = cupy.asarray(np.full(array.size + 512, np.nan, array.dtype))
    memory[256:-256] = cupy.asarray(array.ravel())
    return memory[256:-256].reshape(array.shape)


def with_gaps(array: np.ndarray) -> Array:
    """On the device, in another order in memory than in its axes."""
    return cupy.asarray(array.T).T


def check(compute: Callable[[], Array], expected: np.ndarray, dtype: DTypeLike, bound: float):
    """The error is within ``bound`` relative to the largest value (or to 1).

    The threads run in order and in reversed order: a race between them would tell.
    """
    results = [compute()]
    with cuda_emulator.reversed_order():
        results.append(compute())
    for result in results:
        assert isinstance(result, cupy.ndarray)
        assert result.dtype == dtype and result.shape == expected.shape
        error = np.abs(to_numpy(result) - expected).max(initial=0)
        assert error <= bound * np.abs(expected).max(initial=1)
