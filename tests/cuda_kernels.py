"""Run a kernel of the table on both backends: NumPy, and CUDA, emulated or real."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import cuda_emulator
import cupy_stand_in
import fake_cuda
import numpy as np
import pytest

from minicv.backend import cpu, cuda, to_numpy, use_deterministic

needs_compiler = pytest.mark.skipif(
    cuda_emulator.compiler() is None, reason="no C++ compiler to run CUDA kernels without a GPU"
)
# How much a real GPU may differ: it contracts a * b + c to one rounding, and its exp is its own.
ROUNDING = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-10}
_in_use: ModuleType = cupy_stand_in  # or CuPy, within `kernels_on`


def cupy_in_use() -> ModuleType:
    """The stand-in, or CuPy."""
    return _in_use


@contextlib.contextmanager
def kernels_on(module: ModuleType) -> Iterator[None]:
    """Within this block kernels run on the arrays of ``module``."""
    global _in_use
    before, _in_use = _in_use, module
    try:
        yield
    finally:
        _in_use = before


class _InUse:
    """What a test imports as ``cupy``: all that the module in use has."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_in_use, name)

    @contextlib.contextmanager
    def recorded_synchronisations(self) -> Iterator[list[Any]]:
        """As of the stand-in. A fake CUDA tells the same of CuPy; a GPU tells nothing."""
        if _in_use is cupy_stand_in:
            with cupy_stand_in.recorded_synchronisations() as reasons:
                yield reasons
            return
        places: list[Any] = []
        with fake_cuda.counted() if fake_cuda.installed() else contextlib.nullcontext() as counts:
            yield places
        places += counts.places("wait") if counts else []


cupy = _InUse()


def check_kernel(name: str, *arguments: Any, rtol: float = 1e-12, atol: float = 1e-12) -> None:
    """Both backends give the same arrays: equal dtypes and shapes, and values within the tolerance.

    The threads run in order and in reversed order, which shows a race between them.
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
            least = 0.0 if _in_use is cupy_stand_in else ROUNDING.get(theirs.dtype, 0.0)
            np.testing.assert_allclose(
                to_numpy(ours), theirs, rtol=max(rtol, least), atol=max(atol, least)
            )


def check_in_order(name: str, *arguments: Any, **tolerance: float) -> np.ndarray:
    """As `check_kernel`, but without atomics; the result has the same bits in either order."""
    moved = [cupy.asarray(a) if isinstance(a, np.ndarray) else a for a in arguments]
    with use_deterministic():
        check_kernel(name, *arguments, **tolerance)
        result = to_numpy(getattr(cuda, name)(*moved))
        with cuda_emulator.reversed_order():
            np.testing.assert_array_equal(to_numpy(getattr(cuda, name)(*moved)), result)
    return result


def _as_tuple(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)
