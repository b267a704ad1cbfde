"""Max and sum pooling on CUDA: pooling.cu; `minicv.backend.cpu.pooling` documents it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minicv.backend.cuda.launcher import CudaFile, index_type, one_thread_each
from minicv.backend.device import Array, xp_of
from minicv.backend.windows import Windows

POOLING = CudaFile("pooling.cu")


def max_pool2d(x: Array, windows: Windows) -> tuple[Array, Array]:
    """The maximum of each window, and the number of the tap that holds it."""
    xp, x_shape = xp_of(x), x.shape
    maxima = xp.empty((*x_shape[:2], *windows.output), x.dtype)
    switches = xp.empty(maxima.shape, np.min_scalar_type(math.prod(windows.kernel) - 1))
    _launch("max_pool2d", maxima, (x,), (maxima, switches), x_shape, windows)
    return maxima, switches


def max_pool2d_maxima(x: Array, windows: Windows) -> Array:
    """The maxima of `max_pool2d` alone."""
    maxima = xp_of(x).empty((*x.shape[:2], *windows.output), x.dtype)
    _launch("max_pool2d_maxima", maxima, (x,), (maxima,), x.shape, windows)
    return maxima


def max_pool2d_indices(switches: Array, windows: Windows, width: int) -> Array:
    """From the tap that holds each maximum to its flat position h·W + w on the map, as int64."""
    xp = xp_of(switches)
    indices = xp.empty(switches.shape, np.int64)
    geometry = (*windows.stride, *windows.padding, *windows.dilation)
    POOLING.launch(
        "max_pool2d_indices",
        one_thread_each(indices.size),
        *(xp.ascontiguousarray(switches), indices, indices.size),
        *(width, *windows.output, windows.kernel[1], *geometry),
        real=np.float32,  # not used
        index_t=index_type(indices.size),
        switch_t=switches.dtype,
    )
    return indices


def max_pool2d_backward(
    grad: Array, switches: Array, windows: Windows, x_shape: tuple[int, ...]
) -> Array:
    """Pass the gradient of each maximum to the position that held it."""
    grad_x = xp_of(grad).empty(x_shape, grad.dtype)
    _launch("max_pool2d_backward", grad_x, (grad, switches), (grad_x,), x_shape, windows)
    return grad_x


def sum_pool2d(x: Array, windows: Windows) -> Array:
    """The sum of each window."""
    sums = xp_of(x).empty((*x.shape[:2], *windows.output), x.dtype)
    _launch("sum_pool2d", sums, (x,), (sums,), x.shape, windows)
    return sums


def sum_pool2d_backward(grad: Array, windows: Windows, x_shape: tuple[int, ...]) -> Array:
    """Every position collects from all windows that cover it."""
    grad_x = xp_of(grad).empty(x_shape, grad.dtype)
    _launch("sum_pool2d_backward", grad_x, (grad,), (grad_x,), x_shape, windows)
    return grad_x


def _launch(
    kernel: str,
    result: Array,
    inputs: tuple[Array, ...],
    outputs: tuple[Array, ...],
    x_shape: tuple[int, ...],
    windows: Windows,
) -> None:
    """One thread for each number of ``result``."""
    xp = xp_of(result)
    switches: dict[str, Any] = {"switch_t": np.uint8}  # where the kernel has none
    for array in (*inputs, *outputs):
        if array.dtype.kind == "u":
            switches["switch_t"] = array.dtype
    POOLING.launch(
        kernel,
        one_thread_each(result.size),
        *map(xp.ascontiguousarray, inputs),
        *outputs,
        *(result.size, *x_shape[2:], *windows.output),
        *(*windows.kernel, *windows.stride, *windows.padding, *windows.dilation),
        real=result.dtype,
        index_t=index_type(result.size),
        **switches,
    )
