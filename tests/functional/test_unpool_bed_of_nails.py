"""unpool_bed_of_nails against its twin, its adjoint, and the lecture's example."""

import numpy as np
import pytest
from cuda_kernels import cupy
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import adjoint_check, strategies

SIZES = strategies.distinct_sizes(6, high=7)  # N, C, H, W, SH, SW


@given(SIZES, st.data())
def test_equals_the_loops(sizes, data):
    x = data.draw(strategies.arrays(sizes[:4]))
    expected = reference.unpool_bed_of_nails(x, sizes[4:])
    y = F.unpool_bed_of_nails(data.draw(strategies.layouts(x)), sizes[4:])
    np.testing.assert_array_equal(y.data, expected)
    single = F.unpool_bed_of_nails(x.astype(np.float32), sizes[4:])
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single.data, expected.astype(np.float32))


@given(SIZES, st.data())
def test_backward_is_the_transpose(sizes, data):
    x = data.draw(strategies.arrays(sizes[:4]))
    adjoint_check(lambda t: F.unpool_bed_of_nails(t, sizes[4:]), x)


def test_lecture_example():
    y = F.unpool_bed_of_nails(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), 2)
    assert y.data.tolist() == [[[[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]]]


def test_empty_batch():
    x = Tensor(np.zeros((0, 3, 4, 4)), requires_grad=True)
    y = F.unpool_bed_of_nails(x, 2)
    assert y.shape == (0, 3, 8, 8)
    y.backward(np.zeros(y.shape))
    assert x.grad.shape == x.shape


def test_runs_on_device_arrays():
    data = np.random.default_rng(0).normal(size=(2, 3, 6, 8))
    host, device = Tensor(data, requires_grad=True), Tensor(cupy.asarray(data), requires_grad=True)
    expected, y = F.unpool_bed_of_nails(host, (3, 2)), F.unpool_bed_of_nails(device, (3, 2))
    np.testing.assert_allclose(y.data.get(), expected.data, atol=1e-12)
    grad = np.random.default_rng(1).normal(size=y.shape)
    expected.backward(grad)
    y.backward(cupy.asarray(grad))
    np.testing.assert_allclose(device.grad.get(), host.grad, atol=1e-12)


def test_errors():
    with pytest.raises(ValueError, match="unpool_bed_of_nails: scale_factor must be"):
        F.unpool_bed_of_nails(np.zeros((1, 1, 4, 4)), 0)
    with pytest.raises(ValueError, match="unpool_bed_of_nails: x must have 4 axes"):
        F.unpool_bed_of_nails(np.zeros((4, 4)), 2)
