"""How exactly a GPU multiplies matrices: true float32, or TF32 on its tensor cores."""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, get_args

import numpy as np

from minicv.backend.device import DeviceError, gpu_status

Precision = Literal["float32", "tf32"]
_current: Precision = "float32"


@contextlib.contextmanager
def matmul_precision(name: Precision) -> Iterator[None]:
    """Within this block, a GPU multiplies float32 matrices in this precision.

    TF32 has the range of float32 and a mantissa of 10 bits in place of 23. The tensor cores of
    Ampere and later GPUs multiply in it about eight times as fast, and add up in float32. A product
    is then exact to about 3e-4 (relative, of norms), where float32 reaches 1e-6: as a rule enough
    for training, too little for checking a gradient. Nothing else changes: arrays stay float32.

    It changes only products of two matrices: `linear`, `matmul` of 2-D arrays, and convolution,
    which under TF32 uses such products, or tensor cores by itself, wherever it can. Stacks of
    matrices (`matmul` of 3-D arrays) stay in float32, and float64 stays float64. The CPU has no
    TF32, and nothing changes there.

    The setting holds for the whole process, other threads included, as it does in CuPy.

    Args:
        name: "tf32", or "float32", which is the usual one.

    Raises:
        ValueError: no precision has this name.
        DeviceError: there is a GPU, but this version of CuPy cannot be told.

    Source: NVIDIA 2020, "A100 Tensor Core GPU Architecture", on TensorFloat-32.

    >>> with matmul_precision("tf32"):
    ...     current_matmul_precision()
    'tf32'
    """
    global _current
    if name not in get_args(Precision):
        raise ValueError(
            f"matmul_precision: there is no precision {name!r}; choose one of "
            f"{', '.join(get_args(Precision))}"
        )
    with _cublas_set_to(name):
        before, _current = _current, name
        try:
            yield
        finally:
            _current = before


def current_matmul_precision() -> Precision:
    """The precision of the innermost `matmul_precision`.

    >>> current_matmul_precision()
    'float32'
    """
    return _current


@contextlib.contextmanager
def _cublas_set_to(name: Precision) -> Iterator[None]:
    if not gpu_status()[0]:
        yield
        return
    switch = _find_switch()
    before = switch.read()
    switch.write(switch.modes[name])
    try:
        yield
    finally:
        switch.write(before)


class _Switch(NamedTuple):
    read: Callable[[], int]
    write: Callable[[int], object]
    modes: dict[Precision, int]


def _find_switch() -> _Switch:
    """CuPy's own setting, which it passes with every product, or else the mode of cuBLAS."""
    core = importlib.import_module("cupy._core")
    if hasattr(core, "set_compute_type"):
        types = importlib.import_module("cupy._core._routines_linalg")
        return _Switch(
            functools.partial(core.get_compute_type, np.float32),
            functools.partial(core.set_compute_type, np.float32),
            {"float32": types.COMPUTE_TYPE_FP32, "tf32": types.COMPUTE_TYPE_TF32},
        )
    cublas = importlib.import_module("cupy_backends.cuda.libs.cublas")
    if hasattr(cublas, "setMathMode"):
        handle = importlib.import_module("cupy").cuda.device.get_cublas_handle()
        return _Switch(
            functools.partial(cublas.getMathMode, handle),
            functools.partial(cublas.setMathMode, handle),
            {"float32": 0, "tf32": 3},  # CUBLAS_DEFAULT_MATH, CUBLAS_TF32_TENSOR_OP_MATH
        )
    version = importlib.import_module("cupy").__version__
    raise DeviceError(
        f"matmul_precision: CuPy {version} has neither cupy._core.set_compute_type nor the math "
        "mode of cuBLAS; install CuPy 13 or 14, or leave the precision as it is"
    )
