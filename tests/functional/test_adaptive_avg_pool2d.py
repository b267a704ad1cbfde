"""adaptive_avg_pool2d against its twin, its adjoint, and plain means."""

import numpy as np
import pytest
from cuda_kernels import cupy
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import adjoint_check, strategies

SIZES = strategies.distinct_sizes(6, high=9)  # N, C, H, W, OH, OW


@given(SIZES, st.data())
def test_equals_the_loops(sizes, data):
    x = data.draw(strategies.arrays(sizes[:4]))
    expected = reference.adaptive_avg_pool2d(x, sizes[4:])
    y = F.adaptive_avg_pool2d(data.draw(strategies.layouts(x)), sizes[4:])
    np.testing.assert_allclose(y.data, expected, atol=1e-12)
    single = F.adaptive_avg_pool2d(x.astype(np.float32), sizes[4:])
    assert single.dtype == np.float32
    np.testing.assert_allclose(single.data, expected, atol=1e-5)


@given(SIZES, st.data())
def test_backward_is_the_transpose(sizes, data):
    x = data.draw(strategies.arrays(sizes[:4]))
    adjoint_check(lambda t: F.adaptive_avg_pool2d(t, sizes[4:]), x)


def test_size_one_is_the_mean_and_same_size_changes_nothing():
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4))
    np.testing.assert_allclose(
        F.adaptive_avg_pool2d(x, 1).data, x.mean(axis=(2, 3), keepdims=True), atol=1e-12
    )
    np.testing.assert_array_equal(F.adaptive_avg_pool2d(x, (5, 4)).data, x)


def test_bins_that_divide_the_map_are_ordinary_windows():
    x = np.random.default_rng(0).normal(size=(2, 3, 6, 8))
    np.testing.assert_allclose(
        F.adaptive_avg_pool2d(x, (3, 2)).data, F.avg_pool2d(x, (2, 4)).data, atol=1e-12
    )


def test_a_nan_stays_in_its_bin():
    x = np.ones((1, 1, 4, 4))
    x[0, 0, 0, 0] = np.nan
    np.testing.assert_array_equal(F.adaptive_avg_pool2d(x, 2).data, [[[[np.nan, 1], [1, 1]]]])


def test_empty_batch():
    x = Tensor(np.zeros((0, 3, 4, 4)), requires_grad=True)
    y = F.adaptive_avg_pool2d(x, 2)
    assert y.shape == (0, 3, 2, 2)
    y.backward(np.zeros(y.shape))
    assert x.grad.shape == x.shape


def test_runs_on_device_arrays():
    data = np.random.default_rng(0).normal(size=(2, 3, 6, 8))
    host, device = Tensor(data, requires_grad=True), Tensor(cupy.asarray(data), requires_grad=True)
    expected, y = F.adaptive_avg_pool2d(host, (4, 3)), F.adaptive_avg_pool2d(device, (4, 3))
    np.testing.assert_allclose(y.data.get(), expected.data, atol=1e-12)
    grad = np.random.default_rng(1).normal(size=y.shape)
    expected.backward(grad)
    y.backward(cupy.asarray(grad))
    np.testing.assert_allclose(device.grad.get(), host.grad, atol=1e-12)


def test_errors():
    with pytest.raises(ValueError, match="adaptive_avg_pool2d: output_size must be"):
        F.adaptive_avg_pool2d(np.zeros((1, 1, 4, 4)), 0)
    with pytest.raises(ValueError, match="adaptive_avg_pool2d: x must have 4 axes"):
        F.adaptive_avg_pool2d(np.zeros((4, 4)), 1)
