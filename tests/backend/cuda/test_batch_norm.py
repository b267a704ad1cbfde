"""Batch normalisation on CUDA is batch normalisation on the CPU, forward and backward."""

import math

import cuda_emulator
import numpy as np
import pytest
from cuda_kernels import cupy, needs_compiler
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import cpu, cuda, to_numpy
from minicv.backend.cuda.batch_norm import PART
from minicv.testing import strategies

pytestmark = needs_compiler
DTYPES = st.sampled_from([np.float32, np.float64])
PIXELS = st.sampled_from([(), (1,), (3, 7), (16, 17)])
EPS = 1e-3


def forward_and_backward(kernels, move, x, weight, bias, grad, ceiling, needs_x=True):
    """(y, mean, variance, 1 / deviation) and (dL/dx, dL/dweight, dL/dbias); on the host again.

    There is no ReLU where the ceiling is None.
    """
    x, weight, bias, grad = (None if a is None else move(a) for a in (x, weight, bias, grad))
    relu, limits = ceiling is not None, [] if ceiling is None else [ceiling]
    y, kept, *statistics = kernels.batch_norm_forward(x, weight, bias, EPS, relu, *limits)
    mean, _, inverse_deviation = statistics
    result = y if relu else None
    gradients = kernels.batch_norm_backward(
        grad, kept, result, weight, mean, inverse_deviation, needs_x, *limits
    )
    return [None if a is None else to_numpy(a) for a in (y, *statistics, *gradients)]


def check(x, weight, bias, grad, ceiling, needs_x=True):
    arrays = (x, weight, bias, grad, ceiling, needs_x)
    expected = forward_and_backward(cpu, np.asarray, *arrays)
    results = [forward_and_backward(cuda, cupy.asarray, *arrays)]
    with cuda_emulator.reversed_order():
        results.append(forward_and_backward(cuda, cupy.asarray, *arrays))
    tolerance = 1e-10 if x.dtype == np.float64 else 2e-4
    for ours, theirs in zip(results[0], expected, strict=True):
        if theirs is None:
            assert ours is None
            continue
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        scale = np.abs(theirs).max(initial=1.0)
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * scale)
    for one, other in zip(*results, strict=True):  # bit by bit, whatever runs first
        np.testing.assert_array_equal(one, other)


def arrays_of(shape, dtype, seed=0, center=0.0):
    rng = np.random.default_rng(seed)
    x, grad = rng.normal(size=(2, *shape)).astype(dtype)
    weight, bias = rng.normal(size=(2, shape[1])).astype(dtype)
    return (x + center).astype(dtype), weight, bias, grad


@given(
    samples=st.integers(2, 5),
    channels=st.integers(0, 4),
    pixels=PIXELS,
    dtype=DTYPES,
    seed=strategies.seeds(),
    affine=st.booleans(),
    ceiling=st.sampled_from([None, math.inf, 1.0]),
    needs_x=st.booleans(),
)
def test_equals_the_cpu(samples, channels, pixels, dtype, seed, affine, ceiling, needs_x):
    x, weight, bias, grad = arrays_of((samples, channels, *pixels), dtype, seed)
    if not affine:
        weight = bias = None
    if ceiling is not None:  # where rounding may put y beyond a kink, no gradient shall arrive
        y, *_ = forward_and_backward(cpu, np.asarray, x, weight, bias, grad, None)
        grad[(np.abs(y) < 1e-3) | (np.abs(y - ceiling) < 1e-3)] = 0
    check(x, weight, bias, grad, ceiling, needs_x)


@pytest.mark.parametrize("values", [PART - 1, PART, PART + 1, 3 * PART + 100])
def test_channels_of_several_parts(values):
    x, weight, bias, grad = arrays_of((values, 2), np.float64)
    check(x, weight, bias, grad, math.inf)
    check(*arrays_of((2, 3, values), np.float64), None)


def test_a_mean_far_from_zero_does_not_spoil_the_variance():
    x, weight, bias, _ = arrays_of((3, 2, 40, 50), np.float32, center=1000.0)
    *_, variance, _ = cuda.batch_norm_forward(*map(cupy.asarray, (x, weight, bias)), EPS, False)
    exact = x.astype(np.float64).var(axis=(0, 2, 3))
    np.testing.assert_allclose(to_numpy(variance), exact, rtol=1e-4)


def test_relu_keeps_nan_and_lets_no_gradient_pass_at_zero():
    x = cupy.asarray(np.array([[1.0, np.nan], [1.0, 2.0]]))
    y, kept, mean, _, deviation = cuda.batch_norm_forward(x, None, None, EPS, True)
    assert to_numpy(y[:, 0]).tolist() == [0.0, 0.0]
    assert np.isnan(to_numpy(y[:, 1])).all()
    grad = cupy.asarray(np.ones((2, 2)))
    grad_x, _, grad_bias = cuda.batch_norm_backward(grad, kept, y, None, mean, deviation, True)
    assert to_numpy(grad_x[:, 0]).tolist() == [0.0, 0.0]
    assert to_numpy(grad_bias).tolist() == [0.0, 0.0]


def test_arrays_with_gaps():
    x, weight, bias, grad = arrays_of((6, 4, 3), np.float64)
    x, grad = x.transpose(2, 0, 1), grad.transpose(2, 0, 1)
    check(x, np.repeat(weight, 2)[:6], np.repeat(bias, 2)[:8][2:], grad, False)
    check(x, np.repeat(weight, 4)[2:14:2], None, grad, True)
