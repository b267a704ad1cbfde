"""What the tests of convolution on CUDA share.

`check_on_cuda` holds the three kernels of the table against those of the CPU; `check` holds one
algorithm, called directly, against a float64 array.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import cuda_emulator
import numpy as np
from convolution_cases import Case
from cuda_kernels import check_kernel, cupy
from hypothesis import strategies as st
from numpy.typing import DTypeLike

from minicv.backend import to_numpy, use_conv_algorithm
from minicv.backend.cuda.convolution import possible_algorithms
from minicv.backend.device import Array

DIRECTIONS = ("forward", "grad_input", "grad_weight")


def check_on_cuda(case: Case, dtype=np.float64, algorithm=None) -> None:
    """All three kernels, with ``algorithm`` where it is possible and the usual one elsewhere."""
    x, weight, grad = (a.astype(dtype) for a in (case.x, case.weight, case.grad))
    bias = np.linspace(-1, 1, weight.shape[0]).astype(dtype)
    exact = np.dtype(dtype) == np.float64
    tolerance = {"rtol": 1e-10, "atol": 1e-10} if exact else {"rtol": 1e-3, "atol": 1e-3}
    with use_conv_algorithm(algorithm) if algorithm else contextlib.nullcontext():
        check_kernel("conv2d_forward", x, weight, bias, *case.options, **tolerance)
        check_kernel("conv2d_grad_input", grad, weight, x.shape, *case.options, **tolerance)
        check_kernel("conv2d_grad_weight", grad, x, weight.shape, *case.options, **tolerance)


def algorithms_of(case: Case, dtype=np.float32, direction="forward") -> set[str]:
    """The algorithms that can compute the case on a GPU."""
    return set(possible_algorithms(case.layer._replace(dtype=np.dtype(dtype)), direction))


@st.composite
def cases(draw, largest_stride: int) -> Case:
    """Any geometry, small: up to three groups of five by four channels."""
    groups = draw(st.integers(1, 3))
    n, c, o = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 5))
    kernel, strides, dilation, padding = (
        draw(st.tuples(sizes, sizes))
        for sizes in (
            st.integers(1, 4),
            st.integers(1, largest_stride),
            st.integers(1, 2),
            st.integers(0, 3),
        )
    )
    least = (d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True))
    size = tuple(
        draw(st.integers(max(1, m - 2 * p), m + 6)) for m, p in zip(least, padding, strict=True)
    )
    shapes = (n, groups * c, *size), (groups * o, c, *kernel)
    return Case(*shapes, strides, padding, dilation, groups)


def on_device(*values: Any, dtype: DTypeLike) -> list[Any]:
    """Arrays in that dtype on the device; other values unchanged."""
    return [cupy.asarray(v.astype(dtype)) if isinstance(v, np.ndarray) else v for v in values]


def between_nan(array: np.ndarray) -> Array:
    """The array on the device, with NaN in the memory before and after it."""
    memory = cupy.asarray(np.full(array.size + 512, np.nan, array.dtype))
    memory[256:-256] = cupy.asarray(array.ravel())
    return memory[256:-256].reshape(array.shape)


def with_gaps(array: np.ndarray) -> Array:
    """The array on the device, with its axes in another order in memory."""
    return cupy.asarray(array.T).T


def check(compute: Callable[[], Array], expected: np.ndarray, dtype: DTypeLike, bound: float):
    """The error is within ``bound`` relative to the largest value (or to 1).

    The threads run in order and in reversed order, which shows a race between them.
    """
    results = [compute()]
    with cuda_emulator.reversed_order():
        results.append(compute())
    for result in results:
        assert isinstance(result, cupy.ndarray)
        assert result.dtype == dtype and result.shape == expected.shape
        error = np.abs(to_numpy(result) - expected).max(initial=0)
        assert error <= bound * np.abs(expected).max(initial=1)
