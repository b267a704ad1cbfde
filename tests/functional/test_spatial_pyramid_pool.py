"""spatial_pyramid_pool against its twin, numerical slopes, and global max pooling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import gradcheck, strategies

SIZES = strategies.distinct_sizes(4, high=9)
LEVELS = st.lists(st.integers(1, 6), min_size=1, max_size=3)


@given(SIZES, LEVELS, st.data())
def test_equals_the_loops(sizes, levels, data):
    x = data.draw(strategies.arrays(sizes))
    expected = reference.spatial_pyramid_pool(x, levels)
    y = F.spatial_pyramid_pool(data.draw(strategies.layouts(x)), levels)
    np.testing.assert_array_equal(y.data, expected)
    single = F.spatial_pyramid_pool(x.astype(np.float32), levels)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single.data, expected.astype(np.float32))


@given(SIZES, LEVELS, st.data())
def test_gradient(sizes, levels, data):
    x = data.draw(strategies.distinct_arrays(sizes, scale=10.0))
    gradcheck(lambda t: F.spatial_pyramid_pool(t, levels), x)


def test_one_level_of_one_bin_is_global_max_pooling():
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4))
    np.testing.assert_array_equal(F.spatial_pyramid_pool(x, [1]).data, x.max(axis=(2, 3)))


def test_length_does_not_depend_on_the_size_of_the_maps():
    for size in ((13, 13), (10, 17), (1, 2)):
        assert F.spatial_pyramid_pool(np.zeros((2, 3, *size))).shape == (2, 150)


def test_empty_batch():
    x = Tensor(np.zeros((0, 3, 4, 4)), requires_grad=True)
    y = F.spatial_pyramid_pool(x)
    assert y.shape == (0, 150)
    y.backward(np.zeros(y.shape))
    assert x.grad.shape == x.shape


def test_errors():
    with pytest.raises(ValueError, match="spatial_pyramid_pool: x must have 4 axes"):
        F.spatial_pyramid_pool(np.zeros((4, 4)))
    for levels in ([], [0], [1.5]):
        with pytest.raises(ValueError, match="spatial_pyramid_pool: levels must hold"):
            F.spatial_pyramid_pool(np.zeros((1, 1, 4, 4)), levels)
