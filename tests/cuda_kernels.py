"""Run a kernel of the table on both backends: NumPy, and CUDA through the emulator."""

from __future__ import annotations

from typing import Any

import cuda_emulator
import cupy_stand_in as cupy
import numpy as np
import pytest

from minicv.backend import cpu, cuda, to_numpy, use_deterministic

needs_compiler = pytest.mark.skipif(
    cuda_emulator.compiler() is None, reason="no C++ compiler to run CUDA kernels without a GPU"
)


def check_kernel(name: str, *arguments: Any, rtol: float = 1e-12, atol: float = 1e-12) -> None:
    """Both backends give the same arrays: equal dtypes and shapes, and values within the tolerance.

    The threads run in order and in reversed order: a race between them would tell.
    """
    expected = _as_tuple(getattr(cpu, name)(*arguments))
    moved = [cupy.asarray(a) if isinstance(a, np.ndarray) else a for a in arguments]
    results = [_as_tuple(getattr(cuda, name)(*moved))]
    with cuda_emulator.reversed_order():
        results.append(_as_tuple(getattr(cuda, name)(*moved)))
    for result in results:
        for ours, theirs in zip(result, expected, strict=True):
            assert isinstance(ours, cupy.ndarray)
            assert ours.dtype == theirs.dtype
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(to_numpy(ours), theirs, rtol=rtol, atol=atol)


def check_in_order(name: str, *arguments: Any, **tolerance: float) -> np.ndarray:
    """As `check_kernel`, in the form without atomics, which gives the same bits in either order."""
    moved = [cupy.asarray(a) if isinstance(a, np.ndarray) else a for a in arguments]
    with use_deterministic():
        check_kernel(name, *arguments, **tolerance)
        result = to_numpy(getattr(cuda, name)(*moved))
        with cuda_emulator.reversed_order():
            np.testing.assert_array_equal(to_numpy(getattr(cuda, name)(*moved)), result)
    return result


def _as_tuple(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)
