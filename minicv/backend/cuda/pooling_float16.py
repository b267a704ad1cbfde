"""Max pooling on CUDA, of float16 arrays too; see pooling_float16.cu."""

from __future__ import annotations

import numpy as np

from minicv.backend.cuda import pooling
from minicv.backend.cuda.launcher import CudaFile, index_type, one_thread_each
from minicv.backend.device import Array, xp_of
from minicv.backend.storage import FLOAT16
from minicv.backend.windows import Windows

POOLING = CudaFile("pooling_float16.cu")


def max_pool2d_maxima(x: Array, windows: Windows) -> Array:
    """The maximum of each window, in the dtype of ``x``."""
    if x.dtype != FLOAT16:
        return pooling.max_pool2d_maxima(x, windows)
    xp = xp_of(x)
    maxima = xp.empty((*x.shape[:2], *windows.output), FLOAT16)
    POOLING.launch(
        "max_pool2d_float16",
        one_thread_each(maxima.size),
        *(xp.ascontiguousarray(x).view(np.uint16), maxima.view(np.uint16), maxima.size),
        *(*x.shape[2:], *windows.output),
        *(*windows.kernel, *windows.stride, *windows.padding, *windows.dilation),
        index_t=index_type(maxima.size),
    )
    return maxima
