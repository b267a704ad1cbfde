"""Matrix products of all images in one launch of cuBLAS, with nothing copied.

CuPy's ``matmul`` multiplies a stack of matrices in one launch too. But where one of the operands is
a single matrix for the whole stack, it first builds lists of pointers on the device, and TF32 it
does not know there. cuBLAS itself needs neither: it takes the distance from one matrix to the next,
which for a single matrix is 0.
"""

from __future__ import annotations

import functools
import importlib
from types import ModuleType

import numpy as np

from minicv.backend.device import Array, xp_of
from minicv.backend.precision import current_matmul_precision

NORMAL, TRANSPOSED = 0, 1  # CUBLAS_OP_N and CUBLAS_OP_T: how cuBLAS reads a matrix
FLOAT, DOUBLE = 0, 1  # CUDA_R_32F and CUDA_R_64F


def strided_products(a: Array, b: Array, out: Array) -> None:
    """out[n] = a[n] @ b[n] for each n, in one launch where CuPy lets us ask cuBLAS.

    Args:
        a: (N, M, K), or (M, K) for one matrix that all products share.
        b: (N, K, P).
        out: (N, M, P) in C order, written to.

    The matrices of ``a`` and ``b`` are in C order or transposed, and those of a stack stand one
    after the other. All are float32, or all float64.

    >>> y = np.empty((2, 1, 2))
    >>> strided_products(np.ones((1, 3)), np.arange(12.0).reshape(2, 3, 2), y)
    >>> y.tolist()
    [[[6.0, 9.0]], [[24.0, 27.0]]]
    """
    cublas = _cublas() if type(out).__module__.split(".")[0] == "cupy" else None
    if cublas is None or 0 in (a.size, b.size):
        xp = xp_of(a, b, out)
        for n, result in enumerate(out):
            xp.matmul(a if a.ndim == 2 else a[n], b[n], out=result)
        return
    (count, k, p), m = b.shape, a.shape[-2]
    double = out.dtype == np.float64
    number = DOUBLE if double else FLOAT
    one, zero = np.ones(1, out.dtype), np.zeros(1, out.dtype)
    handle = importlib.import_module("cupy").cuda.device.get_cublas_handle()
    # cuBLAS thinks in columns: what it takes for a matrix is the transpose of ours. So it is asked
    # for the transpose of the result, bᵀ @ aᵀ.
    (turn_b, row_b), (turn_a, row_a) = _how_it_lies(b), _how_it_lies(a)
    cublas.gemmStridedBatchedEx(
        *(handle, turn_b, turn_a, p, m, k, one.ctypes.data),
        *(b.data.ptr, number, row_b, k * p),
        *(a.data.ptr, number, row_a, 0 if a.ndim == 2 else m * k),
        *(zero.ctypes.data, out.data.ptr, number, p, m * p, count),
        *(_compute_type(cublas, double), cublas.CUBLAS_GEMM_DEFAULT),
    )


def _how_it_lies(matrices: Array) -> tuple[int, int]:
    """Whether in C order or transposed, and the numbers from one row, or column, to the next."""
    rows, columns = matrices.shape[-2:]
    down, across = (stride // matrices.itemsize for stride in matrices.strides[-2:])
    if across == 1 or columns == 1:
        return NORMAL, columns
    assert down == 1 or rows == 1, f"{matrices.shape} with the strides {matrices.strides}"
    return TRANSPOSED, rows


def _compute_type(cublas: ModuleType, double: bool) -> int:
    if double:
        return int(cublas.CUBLAS_COMPUTE_64F)
    tf32 = current_matmul_precision() == "tf32"
    return int(cublas.CUBLAS_COMPUTE_32F_FAST_TF32 if tf32 else cublas.CUBLAS_COMPUTE_32F)


@functools.cache
def _cublas() -> ModuleType | None:
    """CuPy's door to cuBLAS, if it still has the function and the names that are used here."""
    try:
        cublas = importlib.import_module("cupy_backends.cuda.libs.cublas")
    except ImportError:
        return None
    used = (
        *("gemmStridedBatchedEx", "CUBLAS_GEMM_DEFAULT", "CUBLAS_COMPUTE_32F"),
        *("CUBLAS_COMPUTE_32F_FAST_TF32", "CUBLAS_COMPUTE_64F"),
    )
    return cublas if all(hasattr(cublas, name) for name in used) else None
