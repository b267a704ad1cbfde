"""resize_bilinear against its twin, its adjoint, and what bilinear interpolation must keep."""

import cupy_stand_in as cupy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import adjoint_check, strategies

SIZES = strategies.distinct_sizes(6, high=9)  # N, C, H, W, OH, OW


@given(SIZES, st.booleans(), st.data())
def test_equals_the_loops(sizes, align_corners, data):
    x = data.draw(strategies.arrays(sizes[:4]))
    expected = reference.resize_bilinear(x, sizes[4:], align_corners)
    y = F.resize_bilinear(data.draw(strategies.layouts(x)), sizes[4:], align_corners)
    np.testing.assert_allclose(y.data, expected, atol=1e-12)
    single = F.resize_bilinear(x.astype(np.float32), sizes[4:], align_corners)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single.data, expected, atol=1e-5)


@given(SIZES, st.booleans(), st.data())
def test_backward_is_the_transpose(sizes, align_corners, data):
    x = data.draw(strategies.arrays(sizes[:4]))
    adjoint_check(lambda t: F.resize_bilinear(t, sizes[4:], align_corners), x)


@pytest.mark.parametrize("align_corners", [False, True])
def test_same_size_and_constants_are_kept(align_corners):
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4))
    np.testing.assert_allclose(F.resize_bilinear(x, (5, 4), align_corners).data, x, atol=1e-12)
    flat = F.resize_bilinear(np.full((1, 1, 3, 5), 7.0), (8, 2), align_corners)
    np.testing.assert_allclose(flat.data, np.full((1, 1, 8, 2), 7.0), atol=1e-12)


def test_halving_averages_pairs_and_a_pixel_spreads():
    x = np.random.default_rng(0).normal(size=(1, 2, 6, 8))
    np.testing.assert_allclose(
        F.resize_bilinear(x, (3, 4)).data, F.avg_pool2d(x, 2).data, atol=1e-12
    )
    assert F.resize_bilinear(np.array([[[[5.0]]]]), (2, 3)).data.tolist() == [[[[5.0] * 3] * 2]]


def test_aligned_corners_stay_in_the_corners():
    x = np.random.default_rng(0).normal(size=(1, 1, 3, 4))
    y = F.resize_bilinear(x, (7, 9), align_corners=True).data
    np.testing.assert_allclose(y[..., ::6, ::8], x[..., ::2, ::3], atol=1e-12)


def test_empty_batch():
    x = Tensor(np.zeros((0, 3, 4, 4)), requires_grad=True)
    y = F.resize_bilinear(x, 2)
    assert y.shape == (0, 3, 2, 2)
    y.backward(np.zeros(y.shape))
    assert x.grad.shape == x.shape


def test_runs_on_device_arrays():
    data = np.random.default_rng(0).normal(size=(2, 3, 6, 8))
    host, device = Tensor(data, requires_grad=True), Tensor(cupy.asarray(data), requires_grad=True)
    expected, y = F.resize_bilinear(host, (4, 11)), F.resize_bilinear(device, (4, 11))
    np.testing.assert_allclose(y.data.get(), expected.data, atol=1e-12)
    grad = np.random.default_rng(1).normal(size=y.shape)
    expected.backward(grad)
    y.backward(cupy.asarray(grad))
    np.testing.assert_allclose(device.grad.get(), host.grad, atol=1e-12)


def test_errors():
    with pytest.raises(ValueError, match="resize_bilinear: size must be"):
        F.resize_bilinear(np.zeros((1, 1, 4, 4)), (0, 3))
    with pytest.raises(ValueError, match="resize_bilinear: the maps of x must not be empty"):
        F.resize_bilinear(np.zeros((1, 1, 0, 4)), 3)
