"""Pooling with switches, the four upsamplings, and what is cut off: sizes, places, gradients."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.models.segmentation.upsampling import Upsampling, cut, make_upsampling, pool, unpool
from minicv.testing import adjoint_check, gradcheck, strategies

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


# What is cut off


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (4, 2), (4, 5)])
def test_first_rows_and_columns(size):
    x = np.arange(40.0).reshape(1, 2, 4, 5)
    np.testing.assert_array_equal(cut(Tensor(x), size).data, x[:, :, : size[0], : size[1]])


def test_gradient_of_what_is_cut_off_is_zero():
    x = Tensor(np.ones((1, 1, 2, 3)), requires_grad=True)
    cut(x, (2, 2)).backward(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]))
    assert x.grad.tolist() == [[[[1, 2, 0], [3, 4, 0]]]]


def test_a_map_of_the_right_size_is_not_copied():
    x = Tensor(np.ones((1, 1, 2, 3)), requires_grad=True)
    y = cut(x, (2, 3))
    assert np.shares_memory(x.data, y.data)
    gradient = np.ones((1, 1, 2, 3))
    ((_, of_x),) = y.creator.input_gradients(gradient)
    assert of_x is gradient


# The four ways

BEFORE = [[1, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]]  # pooled to 5 6 / 7 8
EXPECTED = {
    "nearest": [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]],
    "bed_of_nails": [[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]],
    "max_unpool": [[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]],
}


def make(name, channels=1):
    return make_upsampling(name, channels, rng=np.random.default_rng(0)).astype("float64")


@pytest.mark.parametrize("name", EXPECTED)
def test_lecture_example(name):
    _, switches = pool(Tensor(np.array([[BEFORE]], float)))
    y = make(name)(Tensor(np.array([[[[1.0, 2.0], [3.0, 4.0]]]])), switches)
    assert y.data.tolist() == [[EXPECTED[name]]]


def test_transposed_convolution_stamps_its_weights_two_pixels_apart():
    layer = make("transposed")
    stamp = layer.conv.weight.data[0, 0]
    _, switches = pool(Tensor(np.zeros((1, 1, 4, 4))))
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    expected = np.zeros((6, 6))
    for i, j in np.ndindex(2, 2):
        expected[2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += values[i, j] * stamp
    y = layer(Tensor(values[None, None]), switches).data[0, 0]
    np.testing.assert_allclose(y, expected[1:5, 1:5] + layer.conv.bias.data, rtol=1e-12)


@pytest.mark.parametrize("name", get_args(Upsampling))
@given(height=st.integers(1, 9), width=st.integers(1, 9))
def test_back_to_the_size_before_the_pooling(name, height, width):
    x = np.random.default_rng(height * 10 + width).normal(size=(2, 3, height, width))
    pooled, switches = pool(Tensor(x))
    upsample = make(name, 3)
    assert upsample(pooled, switches).shape == x.shape
    if name != "transposed":  # which has a bias
        adjoint_check(lambda t: upsample(t, switches), pooled.data)


def test_nearest_of_an_odd_map_is_the_map_repeated_and_cut():
    _, switches = pool(Tensor(np.zeros((1, 1, 3, 5))))
    x = np.random.default_rng(0).normal(size=(1, 1, 2, 3))
    y = make("nearest")(Tensor(x), switches).data
    np.testing.assert_array_equal(y, F.unpool_nearest(x, 2).data[:, :, :3, :5])


def test_unknown_name_is_refused():
    with pytest.raises(ValueError, match="make_upsampling: name is 'bilinear', expected one of"):
        make("bilinear")
