"""Which algorithm is taken, how exact it is, and that threads change nothing."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from convolution_cases import Case

from minicv.backend.cpu import conv2d_forward, conv2d_grad_input, conv2d_grad_weight

# One typical layer for each algorithm, with different sizes on every axis.
TYPICAL = {
    "pointwise": Case((2, 24, 13, 17), (40, 24, 1, 1)),
    "depthwise": Case((2, 24, 13, 17), (24, 1, 3, 3), stride=(2, 2), padding=(1, 1), groups=24),
    "winograd_4x4": Case((2, 128, 26, 33), (96, 128, 3, 3), padding=(1, 1)),
    "winograd_2x2": Case((2, 256, 13, 14), (300, 256, 3, 3), padding=(1, 1)),
    "cells": Case((1, 21, 64, 62), (20, 21, 8, 8), stride=(4, 4), padding=(2, 2)),
    "im2col": Case((2, 3, 33, 46), (32, 3, 3, 3), stride=(2, 2), padding=(1, 1)),
}


@pytest.mark.parametrize("direction", ["forward", "grad_input", "grad_weight"])
@pytest.mark.parametrize("algorithm", TYPICAL)
def test_choice_by_shape(algorithm, direction):
    case = TYPICAL[algorithm]
    assert case.algorithm("float32", direction) == algorithm
    for dtype in ("float64", "complex128"):
        assert case.algorithm(dtype, direction) == "im2col"


@pytest.mark.parametrize(
    "case",
    [
        Case((2, 24, 8, 9), (40, 24, 1, 1), padding=(1, 1)),  # padding makes a border of bias
        Case((2, 24, 8, 9), (40, 12, 1, 1), groups=2),
        Case((2, 24, 8, 9), (48, 1, 3, 3), groups=24),  # two filters for each channel
        Case((2, 96, 32, 32), (80, 96, 3, 3), dilation=(2, 2)),
        Case((2, 96, 32, 32), (80, 96, 3, 3), stride=(2, 1)),
        Case((2, 96, 32, 32), (80, 96, 3, 3), padding=(3, 3)),
        Case((2, 96, 32, 32), (80, 96, 3, 5)),
        Case((2, 96, 32, 32), (80, 48, 3, 3), groups=2),
        Case((40, 24, 7, 7), (40, 24, 1, 1)),  # many small images
    ],
)
def test_what_the_short_cuts_cannot_do_goes_the_general_way(case):
    assert case.algorithm() == "im2col"
    assert max(case.errors()) < 2e-6


@pytest.mark.parametrize("algorithm", TYPICAL)
def test_float32_is_as_exact_as_promised(algorithm):
    assert max(TYPICAL[algorithm].errors()) < (2e-5 if algorithm == "winograd_4x4" else 2e-6)


def test_complex_numbers_pass_through_all_three():
    """The complex step of gradcheck: A (x + i h) = A x + i A h, and no conjugate anywhere."""
    case = Case((2, 4, 7, 8), (6, 2, 3, 2), stride=(2, 1), padding=(1, 2), groups=2)
    x, weight, grad = case.x, case.weight, case.grad
    both = (
        (lambda a: conv2d_forward(a, weight + 0j, None, *case.options), x),
        (lambda a: conv2d_grad_input(a, weight + 0j, x.shape, *case.options), grad),
        (lambda a: conv2d_grad_weight(a, x + 0j, weight.shape, *case.options), grad),
    )
    for kernel, a in both:
        np.testing.assert_allclose(kernel(2j * a), 2j * kernel(a + 0j), rtol=1e-12)


def test_bias_is_added_once():
    case = TYPICAL["pointwise"]
    x, weight = case.x.astype(np.float32), case.weight.astype(np.float32)
    bias = np.arange(40, dtype=np.float32)
    with_bias = conv2d_forward(x, weight, bias, *case.options)
    without = conv2d_forward(x, weight, None, *case.options)
    np.testing.assert_array_equal(with_bias, without + bias[:, None, None])


@pytest.mark.parametrize("algorithm", TYPICAL)
def test_inputs_are_left_alone_and_results_do_not_share_memory(algorithm):
    """Scratch memory is used again by the next call; no result may live in it."""
    case = TYPICAL[algorithm]
    first = case.run(np.float32)
    copies = [array.copy() for array in first]
    x, weight, grad = (a.astype(np.float32) for a in (case.x, case.weight, case.grad))
    for array in (x, weight, grad):
        array.flags.writeable = False
    conv2d_forward(-x, weight, None, *case.options)
    conv2d_grad_input(-grad, weight, x.shape, *case.options)
    conv2d_grad_weight(grad, -x, weight.shape, *case.options)
    for array, copy in zip(first, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("algorithm", TYPICAL)
def test_a_batch_of_no_images(algorithm, dtype):
    case = TYPICAL[algorithm]
    empty = Case((0, *case.x.shape[1:]), case.weight.shape, *case.options)
    y, grad_x, grad_weight = empty.run(dtype)
    assert y.shape == empty.y_shape and grad_x.shape == empty.x.shape
    assert grad_weight.shape == case.weight.shape and not grad_weight.any()


def digest() -> str:
    """Of every bit of every result of the typical layers, and of the same with one image."""
    results = hashlib.sha256()
    for case in TYPICAL.values():
        for array in case.run(np.float32):
            results.update(np.ascontiguousarray(array).tobytes())
    return results.hexdigest()


def test_results_do_not_depend_on_the_number_of_threads():
    digests = set()
    for threads in ("1", "2", "3"):
        environment = dict(
            os.environ,
            MINICV_NUM_THREADS=threads,
            PYTHONPATH=os.pathsep.join(p for p in sys.path if p),
        )
        command = [sys.executable, __file__]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        digests.add(run.stdout.strip())
    assert len(digests) == 1 and len(digests.pop()) == 64


if __name__ == "__main__":
    print(digest())
