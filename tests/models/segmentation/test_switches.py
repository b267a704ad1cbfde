"""pool and unpool: maxima in place at every size, and the gradient through both."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.models.segmentation.switches import pool, unpool
from minicv.testing import gradcheck, strategies

SHAPES = st.tuples(*[st.integers(1, 3)] * 2, *[st.integers(1, 9)] * 2)


@given(SHAPES, st.data())
def test_maxima_stay_in_place_and_the_rest_is_zero(shape, data):
    x = data.draw(strategies.distinct_arrays(shape))
    pooled, switches = pool(Tensor(x))
    n, c, h, w = shape
    assert pooled.shape == (n, c, -(-h // 2), -(-w // 2))
    back = unpool(pooled, switches).data
    assert back.shape == shape
    for i, j in np.ndindex(pooled.shape[2:]):
        block = np.s_[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        largest = x[block].max(axis=(2, 3), keepdims=True)
        np.testing.assert_array_equal(back[block], np.where(x[block] == largest, largest, 0))


@given(SHAPES, st.data())
def test_other_values_take_the_places_of_the_maxima(shape, data):
    x = data.draw(strategies.distinct_arrays(shape))
    _, switches = pool(Tensor(x))
    values = np.arange(1.0, switches.indices.size + 1).reshape(switches.indices.shape)
    y = unpool(Tensor(values), switches).data
    assert (y != 0).sum() == values.size
    flat = y.reshape(*shape[:2], -1)
    np.testing.assert_array_equal(
        np.take_along_axis(flat, switches.indices.reshape(*shape[:2], -1), axis=2),
        values.reshape(*shape[:2], -1),
    )


def test_gradient_through_both():
    def through(x):
        pooled, switches = pool(x)
        return unpool(F.tanh(pooled), switches)

    gradcheck(
        through, np.random.default_rng(0).permutation(np.linspace(-1, 1, 70)).reshape(2, 1, 5, 7)
    )


def test_float32_stays():
    pooled, switches = pool(Tensor(np.ones((1, 2, 3, 3), np.float32)))
    assert unpool(pooled, switches).dtype == np.float32
