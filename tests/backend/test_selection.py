"""Products in which 0 blocks: those of plain numbers, and no NaN beside infinity."""

import cupy_stand_in as cupy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import (
    kept_where,
    product_or_zero,
    surely_finite,
    to_numpy,
    zero_where_zero,
)
from minicv.testing import strategies


@pytest.mark.parametrize("dtype", ["float32", "float64", "longdouble", "complex128"])
def test_infinity_and_nan_are_masked(dtype):
    values = np.array([np.inf, np.nan, 2, -np.inf, -3, np.nan, 0], dtype)
    mask = np.array([0, 0, 0, 0, 1, 1, 1], bool)
    kept = kept_where(mask, values)
    assert kept.dtype == values.dtype
    np.testing.assert_array_equal(kept, np.array([0, 0, 0, 0, -3, np.nan, 0], dtype))
    into = np.ones_like(values)
    assert np.shares_memory(kept_where(mask, values, out=into), into)
    np.testing.assert_array_equal(into, kept)


@given(strategies.arrays(strategies.shapes(min_dims=0, allow_empty=True)), st.data())
def test_is_the_product_with_the_mask_for_finite_numbers(values, data):
    values = data.draw(strategies.layouts(values))
    mask = np.random.default_rng(values.size).random(values.shape) < 0.5
    np.testing.assert_array_equal(kept_where(mask, values), values * mask)
    np.testing.assert_array_equal(
        kept_where(mask, values.astype(np.float32)), values.astype(np.float32) * mask
    )


def test_values_and_mask_broadcast():
    mask = np.array([[True, False], [False, True]])
    assert kept_where(mask, np.array(3.0)).tolist() == [[3.0, 0.0], [0.0, 3.0]]
    assert kept_where(mask, np.array([[1.0], [2.0]])).tolist() == [[1.0, 0.0], [0.0, 2.0]]
    assert kept_where(np.array(True), np.array(3.0)).shape == ()
    repeated = np.broadcast_to(np.float32(5), (2, 2))  # read-only
    assert kept_where(mask, repeated).tolist() == [[5.0, 0.0], [0.0, 5.0]]
    assert repeated.tolist() == [[5.0, 5.0], [5.0, 5.0]]


def test_on_a_device_nobody_waits():
    with cupy.recorded_synchronisations() as reasons:
        kept = kept_where(cupy.asarray(np.array([True, False])), cupy.asarray([1.0, np.inf]))
    assert reasons == []
    assert to_numpy(kept).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("dtype", ["float32", "float64", "longdouble"])
def test_one_look_sees_every_infinity_and_nan(dtype):
    values = np.ones((30, 40), dtype)
    for view in (values, values.T, values[::-1, ::2], values[:0], values[0, 0], values[0, 0, ...]):
        assert surely_finite(view)
    assert surely_finite(np.broadcast_to(np.ones((), dtype), (3, 4)))
    for bad in (np.inf, -np.inf, np.nan):
        values[17, 30] = bad
        assert not surely_finite(values)
        assert not surely_finite(values[::-1, ::2])
        assert not surely_finite(values[17, 30])
    values[17, 30], values[3, 3] = np.inf, -np.inf
    assert not surely_finite(values)


def test_one_look_leaves_open_what_is_huge_or_on_a_device():
    with np.errstate(all="raise"):
        assert not surely_finite(np.float32([1e30, 1]))
        assert surely_finite(np.float32([1e-30, 1e18]))
    with cupy.recorded_synchronisations() as reasons:
        assert not surely_finite(cupy.asarray(np.ones(3)))
    assert reasons == []


ZERO_AND_MORE = np.array([0.0, 0.0, 0.0, np.inf, np.nan, 2.0, 2.0, -3.0])
MORE_AND_ZERO = np.array([np.inf, np.nan, 5.0, 0.0, 0.0, np.inf, np.nan, 4.0])
PRODUCTS = np.array([0.0, 0.0, 0.0, 0.0, 0.0, np.inf, np.nan, -12.0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("move", [np.asarray, cupy.asarray])
def test_a_factor_of_zero_blocks_infinity_and_nan(move, dtype):
    x, y = move(ZERO_AND_MORE.astype(dtype)), move(MORE_AND_ZERO.astype(dtype))
    for product in (product_or_zero(x, y), product_or_zero(y, x)):
        assert product.dtype == dtype
        np.testing.assert_array_equal(to_numpy(product), PRODUCTS)
    with np.errstate(invalid="ignore"):
        plain = x * y
    np.testing.assert_array_equal(to_numpy(zero_where_zero(plain, x, y)), PRODUCTS)


@pytest.mark.parametrize("factor", [0.0, 2.0, np.inf, np.nan])
def test_one_factor_for_all(factor):
    values = np.array([0.0, np.inf, np.nan, 3.0])
    expected = {0.0: [0, 0, 0, 0], 2.0: [0, np.inf, np.nan, 6.0]}
    expected |= {np.inf: [0, np.inf, np.nan, np.inf]}
    found = product_or_zero(values, np.array(factor))
    np.testing.assert_array_equal(found, expected.get(factor, [0, np.nan, np.nan, np.nan]))


@given(strategies.arrays(strategies.shapes(min_dims=0, allow_empty=True)), st.data())
def test_of_finite_numbers_it_is_the_product(values, data):
    values = data.draw(strategies.layouts(values))
    factor = np.random.default_rng(values.size).normal(size=values.shape).round()
    np.testing.assert_array_equal(product_or_zero(values, factor), values * factor)
