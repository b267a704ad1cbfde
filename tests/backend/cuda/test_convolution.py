"""Convolution on CUDA: every algorithm gives the result of the CPU, with every epilogue."""

import itertools
import math

import numpy as np
import pytest
from convolution_cases import Case
from convolution_on_cuda import algorithms_of, check_on_cuda
from cuda_kernels import check_kernel, cupy, needs_compiler

from minicv.backend import cuda, to_numpy, use_conv_algorithm
from minicv.backend.cuda.convolution import possible_algorithms

pytestmark = needs_compiler
# Between them, layers that each algorithm can compute.
CASES = {
    "1x1": Case((3, 5, 4, 7), (6, 5, 1, 1)),
    "1x1, stride 2": Case((2, 5, 7, 9), (6, 5, 1, 1), stride=(2, 3)),
    "3x3": Case((2, 5, 7, 8), (6, 5, 3, 3), padding=(1, 1)),
    "3x3, odd size and padding": Case((3, 4, 6, 9), (7, 4, 3, 3), padding=(2, 0)),
    "3x2, stride 2": Case((2, 4, 9, 8), (6, 4, 3, 2), stride=(2, 1), padding=(1, 2)),
    "dilation": Case((2, 3, 9, 10), (5, 3, 3, 2), dilation=(2, 3)),
    "groups": Case((2, 6, 7, 8), (9, 2, 3, 3), padding=(1, 0), groups=3),
    "depthwise": Case((2, 4, 7, 8), (4, 1, 3, 3), stride=(2, 2), padding=(1, 1), groups=4),
    "one number": Case((1, 1, 1, 1), (1, 1, 1, 1)),
}
PAIRS = [
    (name, algorithm)
    for name, case in CASES.items()
    for algorithm in sorted(algorithms_of(case, np.float32))
]


@pytest.mark.parametrize(("name", "algorithm"), PAIRS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_algorithm_that_can(name, algorithm, dtype):
    check_on_cuda(CASES[name], dtype, algorithm)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_usual_algorithm(case):
    check_on_cuda(case, np.float32)


@pytest.mark.parametrize(("name", "algorithm"), PAIRS)
def test_every_epilogue(name, algorithm):
    case = CASES[name]
    rng = np.random.default_rng(1)
    scale, shift = rng.normal(size=(2, case.weight.shape[0])).astype(np.float32)
    shortcut = rng.normal(size=case.y_shape).astype(np.float32)
    x, weight = case.x.astype(np.float32), case.weight.astype(np.float32)
    steps = itertools.product([None, scale], [None, shift], [None, shortcut], [None, math.inf, 1.5])
    with use_conv_algorithm(algorithm):
        for one in steps:
            check_kernel(
                *("conv2d_norm_relu_forward", x, weight, *one, *case.options), rtol=1e-4, atol=1e-4
            )


@pytest.mark.parametrize(("name", "algorithm"), PAIRS)
def test_nan_and_infinity_pass_through_the_relu(name, algorithm):
    case = CASES[name]
    x = cupy.asarray(np.full(case.x.shape, np.nan, np.float32))
    weight = cupy.asarray(np.ones(case.weight.shape, np.float32))
    with use_conv_algorithm(algorithm):
        y = cuda.conv2d_norm_relu_forward(x, weight, None, None, None, 6.0, *case.options)
    row, column = (size // 2 for size in case.y_shape[2:])
    assert np.isnan(to_numpy(y)[:, :, row, column]).all()


def test_arrays_with_gaps_and_of_two_dtypes():
    case = CASES["3x2, stride 2"]
    x = case.x.transpose(3, 1, 0, 2).copy().transpose(2, 1, 3, 0)
    weight, grad = case.weight.astype(np.float32)[:, ::-1], case.grad[..., ::-1]
    assert not any(array.flags.c_contiguous for array in (x, weight, grad))
    bias = np.arange(6, dtype=np.float32)
    check_kernel("conv2d_forward", x, weight, bias, *case.options)
    check_kernel("conv2d_grad_input", grad, weight, x.shape, *case.options)
    check_kernel("conv2d_grad_weight", grad.astype(np.float32), x, weight.shape, *case.options)


@pytest.mark.launches_nothing
@pytest.mark.host_only
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_batch_of_no_images(case):
    for algorithm in possible_algorithms(case.layer, "forward"):
        empty = Case((0, *case.x.shape[1:]), case.weight.shape, *case.options)
        check_on_cuda(empty, np.float32, algorithm)


@pytest.mark.launches_nothing
@pytest.mark.host_only
def test_gradients_of_maps_without_a_window():
    """As transposed convolution meets them: an image without rows still has pixels to reach."""
    grad, weight = np.zeros((2, 3, 0, 4)), np.ones((3, 5, 3, 2))
    options = ((1, 1), (0, 0), (1, 1), 1)
    check_kernel("conv2d_grad_input", grad, weight, (2, 5, 2, 5), *options)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_host_never_waits(case):
    x, weight, grad = (cupy.asarray(a) for a in (case.x, case.weight, case.grad))
    with cupy.recorded_synchronisations() as reasons:
        cuda.conv2d_forward(x, weight, None, *case.options)
        cuda.conv2d_grad_input(grad, weight, x.shape, *case.options)
        cuda.conv2d_grad_weight(grad, x, weight.shape, *case.options)
    assert reasons == []


@pytest.mark.launches_nothing
@pytest.mark.host_only
def test_other_dtypes_are_refused_with_a_way_out():
    case = CASES["3x3"]
    x, weight = cupy.asarray(case.x + 0j), cupy.asarray(case.weight + 0j)
    with pytest.raises(TypeError, match="do not compute in complex128; convert to one of float32"):
        cuda.conv2d_forward(x, weight, None, *case.options)
