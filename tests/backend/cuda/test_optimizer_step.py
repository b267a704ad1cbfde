"""A step of SGD or Adam on CUDA is that step on the CPU."""

import numpy as np
import pytest
from cuda_kernels import cupy, needs_compiler
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import cpu, cuda, to_numpy
from minicv.testing import strategies

pytestmark = needs_compiler
DTYPES = st.sampled_from([np.float32, np.float64])
SIZES = st.sampled_from([0, 1, 255, 600])


def check(name, arrays, *options):
    """``arrays`` are changed in place; the second, the gradient, is not."""
    expected = [None if a is None else a.copy() for a in arrays]
    moved = [None if a is None else cupy.asarray(a) for a in arrays]
    for step in (1, 2):
        numbers = [step if option == "step" else option for option in options]
        getattr(cpu, name)(*expected, *numbers)
        with cupy.recorded_synchronisations() as reasons:
            getattr(cuda, name)(*moved, *numbers)
        assert reasons == []
    for ours, theirs in zip(moved, expected, strict=True):
        if theirs is not None:
            tolerance = 1e-12 if theirs.dtype == np.float64 else 1e-5
            np.testing.assert_allclose(to_numpy(ours), theirs, rtol=tolerance, atol=tolerance)
    assert np.array_equal(to_numpy(moved[1]), arrays[1])


@given(
    size=SIZES,
    dtype=DTYPES,
    seed=strategies.seeds(),
    momentum=st.sampled_from([0.5, 0.9]),
    dampening=st.sampled_from([0.0, 0.3]),
    weight_decay=st.sampled_from([0.0, 0.1]),
    nesterov=st.booleans(),
    with_velocity=st.booleans(),
)
def test_sgd(size, dtype, seed, momentum, dampening, weight_decay, nesterov, with_velocity):
    data, grad, velocity = np.random.default_rng(seed).normal(size=(3, size)).astype(dtype)
    arrays = (data, grad, velocity if with_velocity else None)
    check("sgd_step", arrays, 0.1, momentum, dampening, weight_decay, nesterov)


@given(
    size=SIZES,
    dtype=DTYPES,
    seed=strategies.seeds(),
    betas=st.sampled_from([(0.9, 0.999), (0.5, 0.9), (0.0, 0.0)]),
    eps=st.sampled_from([1e-8, 0.1]),
    weight_decay=st.sampled_from([0.0, 0.1]),
)
def test_adam(size, dtype, seed, betas, eps, weight_decay):
    data, grad, mean, square = np.random.default_rng(seed).normal(size=(4, size)).astype(dtype)
    check("adam_step", (data, grad, mean, square**2), 0.1, betas, eps, weight_decay, "step")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_adam_where_squares_overflow(dtype):
    large = {np.float32: 1e30, np.float64: 1e200}[dtype]
    grad = np.array([large, -large, 1, large / 1e3], dtype)
    data, mean, square = (np.zeros(4, dtype) for _ in range(3))
    check("adam_step", (data, grad, mean, square), 0.1, (0.9, 0.5), 1e-8, 0.0, "step")
