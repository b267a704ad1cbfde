"""The complementary error function on CUDA: erfc.cu; `minicv.backend.cpu.erfc` documents it."""

from __future__ import annotations

from minicv.backend.cuda.launcher import CudaFile, index_type, one_thread_each
from minicv.backend.device import Array, xp_of

ERFC = CudaFile("erfc.cu")


def erfc(x: Array) -> Array:
    """1 - erf(x), element by element."""
    xp = xp_of(x)
    y = xp.empty(x.shape, x.dtype)
    x = xp.ascontiguousarray(x)  # of an array without axes it makes one with an axis
    index_t = index_type(x.size)
    ERFC.launch("erfc_of", one_thread_each(x.size), x, y, x.size, real=x.dtype, index_t=index_t)
    return y
