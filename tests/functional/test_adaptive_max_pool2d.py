"""adaptive_max_pool2d against its twin, numerical slopes, and ordinary max pooling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import gradcheck, strategies

SIZES = strategies.distinct_sizes(6, high=9)  # N, C, H, W, OH, OW


@given(SIZES, st.data())
def test_equals_the_loops(sizes, data):
    x = np.floor(data.draw(strategies.arrays(sizes[:4])))  # many ties
    maxima, indices = reference.adaptive_max_pool2d(x, sizes[4:])
    y, found = F.adaptive_max_pool2d(
        data.draw(strategies.layouts(x)), sizes[4:], return_indices=True
    )
    np.testing.assert_array_equal(y.data, maxima)
    np.testing.assert_array_equal(found, indices)
    assert found.dtype == np.int64


@given(SIZES, st.data())
def test_gradient(sizes, data):
    x = data.draw(strategies.distinct_arrays(sizes[:4], scale=10.0))
    gradcheck(lambda t: F.adaptive_max_pool2d(t, sizes[4:]), x)


def test_overlapping_bins_add_up():
    x = Tensor(np.array([[[[1.0, 9.0, 2.0]]]]), requires_grad=True)
    F.adaptive_max_pool2d(x, (1, 2)).backward(np.array([[[[3.0, 4.0]]]]))
    assert x.grad.tolist() == [[[[0, 7, 0]]]]


def test_bins_that_divide_the_map_are_ordinary_windows():
    x = np.random.default_rng(0).normal(size=(2, 3, 6, 8)).astype(np.float32)
    y, indices = F.adaptive_max_pool2d(x, (3, 2), return_indices=True)
    expected, expected_indices = F.max_pool2d(x, (2, 4), return_indices=True)
    np.testing.assert_array_equal(y.data, expected.data)
    np.testing.assert_array_equal(indices, expected_indices)
    assert y.dtype == np.float32


def test_nan_propagates_and_the_first_one_is_the_maximum():
    x = np.array([[[[1.0, np.nan], [np.nan, 3.0]]]])
    y, indices = F.adaptive_max_pool2d(x, 1, return_indices=True)
    assert np.isnan(y.data).all() and indices.tolist() == [[[[1]]]]


def test_empty_batch():
    x = Tensor(np.zeros((0, 3, 4, 4)), requires_grad=True)
    y = F.adaptive_max_pool2d(x, 2)
    assert y.shape == (0, 3, 2, 2)
    y.backward(np.zeros(y.shape))
    assert x.grad.shape == x.shape


def test_errors():
    with pytest.raises(ValueError, match="adaptive_max_pool2d: output_size must be"):
        F.adaptive_max_pool2d(np.zeros((1, 1, 4, 4)), (2, 2.5))
    with pytest.raises(ValueError, match="adaptive_max_pool2d: x must have 4 axes"):
        F.adaptive_max_pool2d(np.zeros((4, 4)), 1)
