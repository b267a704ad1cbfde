"""kept_where: what a product with a mask gives, and no NaN where infinity is masked."""

import cupy_stand_in as cupy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import kept_where, to_numpy
from minicv.testing import strategies


@pytest.mark.parametrize("dtype", ["float32", "float64", "longdouble", "complex128"])
def test_infinity_and_nan_are_masked(dtype):
    values = np.array([np.inf, np.nan, 2, -np.inf, -3, np.nan, 0], dtype)
    mask = np.array([0, 0, 0, 0, 1, 1, 1], bool)
    kept = kept_where(mask, values)
    assert kept.dtype == values.dtype
    np.testing.assert_array_equal(kept, np.array([0, 0, 0, 0, -3, np.nan, 0], dtype))


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
