"""The four upsamplings: the lecture's numbers, every size, and one interface."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.models.segmentation.switches import pool
from minicv.models.segmentation.upsampling import Upsampling, make_upsampling
from minicv.testing import adjoint_check

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
