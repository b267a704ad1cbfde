"""The three kernels of a convolution case on CUDA, against those of the CPU."""

from __future__ import annotations

import contextlib

import numpy as np
from convolution_cases import Case
from cuda_kernels import check_kernel

from minicv.backend import use_conv_algorithm
from minicv.backend.cuda.convolution_choice import possible_algorithms

DIRECTIONS = ("forward", "grad_input", "grad_weight")


def check_on_cuda(case: Case, dtype=np.float64, algorithm=None) -> None:
    """All three, with ``algorithm`` where it can and the usual one elsewhere."""
    x, weight, grad = (a.astype(dtype) for a in (case.x, case.weight, case.grad))
    bias = np.linspace(-1, 1, weight.shape[0]).astype(dtype)
    exact = np.dtype(dtype) == np.float64
    tolerance = {"rtol": 1e-10, "atol": 1e-10} if exact else {"rtol": 1e-3, "atol": 1e-3}
    with use_conv_algorithm(algorithm) if algorithm else contextlib.nullcontext():
        check_kernel("conv2d_forward", x, weight, bias, *case.options, **tolerance)
        check_kernel("conv2d_grad_input", grad, weight, x.shape, *case.options, **tolerance)
        check_kernel("conv2d_grad_weight", grad, x, weight.shape, *case.options, **tolerance)


def algorithms_of(case: Case, dtype=np.float32, direction="forward") -> set[str]:
    """Those that can compute it on a GPU."""
    return set(possible_algorithms(case.layer._replace(dtype=np.dtype(dtype)), direction))
