"""resize_bilinear against its twin, its adjoint, and what bilinear interpolation must keep."""

import math

import numpy as np
import pytest
from cuda_kernels import cupy, needs_compiler
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


@pytest.mark.parametrize(("place", "count"), [((0, 0), 9), ((0, 2), 12), ((2, 2), 16)])
def test_one_nan_reaches_its_neighbours_alone(place, count):
    """5 x 5 -> 10 x 10: a pixel inside weighs in 4 x 4 new ones, one in a corner in 3 x 3."""
    x = np.ones((1, 1, 5, 5))
    x[(0, 0, *place)] = np.nan
    assert np.isnan(F.resize_bilinear(x, 10).data).sum() == count


@given(
    SIZES,
    st.booleans(),
    st.sampled_from([[np.nan], [np.inf], [-np.inf], [np.inf, -np.inf], [np.nan, np.inf, -np.inf]]),
    st.sampled_from([np.float32, np.float64]),
    strategies.seeds(),
)
def test_infinity_and_nan_reach_what_they_reach_in_the_loops(sizes, align, values, dtype, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=sizes[:4])
    x.flat[rng.choice(x.size, min(3, x.size), replace=False)] = rng.choice(values, min(3, x.size))
    with np.errstate(invalid="ignore"):
        expected = reference.resize_bilinear(x, sizes[4:], align)
    y = F.resize_bilinear(x.astype(dtype), sizes[4:], align).data
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)  # where NaN and infinity are


@given(SIZES, st.booleans(), st.sampled_from([np.nan, np.inf, -np.inf]), strategies.seeds())
def test_infinity_and_nan_in_the_gradient_reach_the_pixels_of_their_result(
    sizes, align, value, seed
):
    """dL/dx is not finite exactly where a change of x moves the result with that gradient."""
    rng = np.random.default_rng(seed)
    x = Tensor(rng.normal(size=sizes[:4]), requires_grad=True)
    y = F.resize_bilinear(x, sizes[4:], align)
    place = tuple(int(rng.integers(0, length)) for length in y.shape)
    grad = rng.normal(size=y.shape)
    grad[place] = value
    y.backward(grad)
    reached = np.zeros(x.shape, bool)
    for pixel in np.ndindex(x.shape[2:]):
        one = np.zeros((1, 1, *x.shape[2:]))
        one[(0, 0, *pixel)] = np.inf
        with np.errstate(invalid="ignore"):
            result = reference.resize_bilinear(one, sizes[4:], align)
        reached[(*place[:2], *pixel)] = result[(0, 0, *place[2:])] == np.inf
    np.testing.assert_array_equal(~np.isfinite(x.grad), reached)
    np.testing.assert_array_equal(x.grad[reached], value)


def test_finite_pixels_beside_nan_keep_their_bits():
    x = np.random.default_rng(0).normal(size=(2, 3, 20, 30)).astype(np.float32)
    clean = F.resize_bilinear(x, (47, 55)).data
    x[1, 2, 7, 9] = np.nan
    y = F.resize_bilinear(x, (47, 55)).data
    finite = np.isfinite(y)
    assert 0 < (~finite).sum() < 40
    np.testing.assert_array_equal(y[finite], clean[finite])


@given(
    strategies.distinct_sizes(4, low=2, high=9),
    st.tuples(st.floats(0.6, 4), st.floats(0.6, 4)),
    st.booleans(),
    strategies.seeds(),
)
def test_a_scale_factor_equals_the_loops_and_its_adjoint(sizes, factors, align, seed):
    x = np.random.default_rng(seed).normal(size=sizes)
    size = tuple(math.floor(n * factor) for n, factor in zip(sizes[2:], factors, strict=True))
    expected = reference.resize_bilinear(x, size, align, factors)
    y = F.resize_bilinear(x, size, align, scale_factor=factors)
    np.testing.assert_allclose(y.data, expected, atol=1e-12)
    adjoint_check(lambda t: F.resize_bilinear(t, size, align, factors), x)
    x[0, 0, 0, 0] = np.nan
    y = F.resize_bilinear(x, size, align, scale_factor=factors).data
    expected = reference.resize_bilinear(x, size, align, factors)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(expected))


def test_pixels_keep_the_size_of_the_scale_factor():
    """5 x 1.7 = 8.5, rounded to 8; PyTorch's numbers for the squares 0, 1, 4, 9, 16."""
    x = np.arange(5.0).reshape(1, 1, 1, 5) ** 2
    y = F.resize_bilinear(x, (1, 8), scale_factor=(1.0, 1.7)).data[0, 0, 0]
    places = (np.arange(8) + 0.5) / 1.7 - 0.5
    np.testing.assert_allclose(y, np.interp(places, np.arange(5), np.arange(5) ** 2), atol=1e-12)
    stretched = F.resize_bilinear(x, (1, 8)).data[0, 0, 0]
    assert abs(y - stretched).max() > 0.4


def test_empty_batch():
    x = Tensor(np.zeros((0, 3, 4, 4)), requires_grad=True)
    y = F.resize_bilinear(x, 2)
    assert y.shape == (0, 3, 2, 2)
    y.backward(np.zeros(y.shape))
    assert x.grad.shape == x.shape


@needs_compiler
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
    for wrong in ((0.0, 1.0), (1.0, -2.0), (float("nan"), 1.0), (1.0, float("inf"))):
        with pytest.raises(ValueError, match="resize_bilinear: scale_factor must be two numbers"):
            F.resize_bilinear(np.zeros((1, 1, 4, 4)), 3, scale_factor=wrong)
    with pytest.raises(ValueError, match="resize_bilinear: size must be"):
        F.resize_bilinear(np.zeros((1, 1, 4, 4)), (0, 3))
    with pytest.raises(ValueError, match="resize_bilinear: the maps of x must not be empty"):
        F.resize_bilinear(np.zeros((1, 1, 0, 4)), 3)
