"""roi_pool against its twin, numerical slopes, and adaptive max pooling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import gradcheck, strategies

WHOLE = np.array([[0.0, 0.0, 6.0, 4.0]])  # of a 5 x 7 map: RoIPool counts both corners


@st.composite
def regions(draw):
    """Sizes N, C, H, W, R, PH, PW all different, boxes in a map scaled by 1/4, and their images."""
    n, c, h, w, r, ph, pw = draw(strategies.distinct_sizes(7, high=9))
    boxes = draw(strategies.boxes(r, 4.0 * w, 4.0 * h))
    images = draw(strategies.arrays((r,), 0, n)).astype(np.int64)
    return (n, c, h, w), boxes, images, (ph, pw)


@given(regions(), st.data())
def test_equals_the_loops(case, data):
    shape, boxes, images, size = case
    x = np.floor(3 * data.draw(strategies.arrays(shape)))  # many ties
    expected, positions = reference.roi_pool(x, boxes, images, size, 0.25)
    tensor = Tensor(data.draw(strategies.layouts(x)), requires_grad=True)
    y = F.roi_pool(tensor, boxes, images, size, 0.25)
    np.testing.assert_array_equal(y.data, expected)
    np.testing.assert_array_equal(y.creator.positions, positions)
    # Without a gradient only the maxima are computed.
    np.testing.assert_array_equal(F.roi_pool(tensor.data, boxes, images, size, 0.25).data, expected)
    single = F.roi_pool(x.astype(np.float32), boxes.astype(np.float32), images, size, 0.25)
    assert single.dtype == np.float32 and single.shape == expected.shape


@given(regions(), st.data())
def test_float32_has_the_same_maxima_at_the_same_places(case, data):
    """By keys, where float64 goes by ranks: with ties, zeros of both signs, infinities and NaN."""
    shape, boxes, images, size = case
    x = np.floor(3 * data.draw(strategies.arrays(shape)))
    special = st.sampled_from([0.0, -0.0, 1e-40, -1e-40, np.inf, -np.inf, np.nan, -np.nan])
    for place in data.draw(st.lists(st.integers(0, x.size - 1), max_size=20)):
        x.flat[place] = np.float32(data.draw(special))
    double, single = (
        F.roi_pool(Tensor(x.astype(dtype), requires_grad=True), boxes, images, size, 0.25)
        for dtype in (np.float64, np.float32)
    )
    np.testing.assert_array_equal(single.data, double.data)
    np.testing.assert_array_equal(single.creator.positions, double.creator.positions)


@given(regions(), st.data())
def test_gradient(case, data):
    shape, boxes, images, size = case
    x = data.draw(strategies.distinct_arrays(shape, scale=10.0))
    gradcheck(lambda t: F.roi_pool(t, boxes, images, size, 0.25), x)


@given(regions(), st.data())
def test_with_frozen_positions_backward_is_the_transpose(case, data):
    shape, boxes, images, size = case
    x = Tensor(data.draw(strategies.arrays(shape)), requires_grad=True)
    y = F.roi_pool(x, boxes, images, size, 0.25)
    u = data.draw(strategies.arrays(y.shape))
    y.backward(u)
    np.testing.assert_allclose((y.data * u).sum(), (x.data * x.grad).sum(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 7), (6, 9)])
def test_the_whole_map_is_adaptive_max_pooling(size):
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 7))
    y = F.roi_pool(x, np.repeat(WHOLE, 2, axis=0), np.array([1, 0]), size)
    np.testing.assert_array_equal(y.data, F.adaptive_max_pool2d(x[::-1], size).data)


def test_one_bin_is_the_maximum_of_the_box():
    x = np.random.default_rng(0).normal(size=(1, 3, 8, 9))
    y = F.roi_pool(x, np.array([[2.0, 1.0, 5.0, 6.0]]), np.array([0]), 1)
    np.testing.assert_array_equal(y.data[0, :, 0, 0], x[0, :, 1:7, 2:6].max(axis=(1, 2)))


def test_halves_round_up():
    x = np.arange(5.0).reshape(1, 1, 1, 5)
    # 8 / 16 = 0.5 and 40 / 16 = 2.5 round to 1 and 3; to even would be 0 and 2.
    y = F.roi_pool(x, np.array([[8.0, 0.0, 40.0, 0.0]]), np.array([0]), (1, 3), 1 / 16)
    assert y.data.tolist() == [[[[1, 2, 3]]]]


def test_bins_outside_of_the_map_are_zero_and_get_no_gradient():
    x = Tensor(np.full((1, 1, 2, 2), -3.0), requires_grad=True)
    boxes = np.array([[50.0, 50.0, 60.0, 60.0], [-1.0, 0.0, 0.0, 0.0]])
    y = F.roi_pool(x, boxes, np.array([0, 0]), (1, 2))
    assert y.data.tolist() == [[[[0, 0]]], [[[0, -3]]]]
    y.backward(np.array([[[[1.0, 2.0]]], [[[4.0, 8.0]]]]))
    assert x.grad.tolist() == [[[[8, 0], [0, 0]]]]
    far = F.roi_pool(x, np.array([[-1e30, -1e30, 1e30, 1e30]]), np.array([0]), 1)
    assert far.data.tolist() == [[[[-3]]]]


def test_inverted_boxes_are_one_position():
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    y = F.roi_pool(x, np.array([[2.0, 1.0, 0.0, 0.0]]), np.array([0]), 2)
    assert y.data.tolist() == [[[[6, 6], [6, 6]]]]


def test_nan_propagates():
    x = np.ones((1, 1, 2, 4))
    x[0, 0, 0, 1] = np.nan
    y = F.roi_pool(x, np.array([[0.0, 0.0, 3.0, 1.0]]), np.array([0]), (1, 2))
    np.testing.assert_array_equal(y.data, [[[[np.nan, 1]]]])


def test_many_channels_and_regions_cut_into_blocks():
    rng = np.random.default_rng(0)
    x = Tensor(rng.normal(size=(3, 70, 9, 11)), requires_grad=True)
    boxes = np.sort(rng.uniform(-2, 12, (150, 2, 2)), axis=1).reshape(150, 4)
    images = rng.integers(0, 3, 150)
    y = F.roi_pool(x, boxes, images, (2, 3))
    for c in (0, 31, 32, 69):
        single = F.roi_pool(x.data[:, c : c + 1], boxes, images, (2, 3))
        np.testing.assert_array_equal(y.data[:, c : c + 1], single.data)
    for r in (0, 63, 64, 149):
        single = F.roi_pool(x.data, boxes[r : r + 1], images[r : r + 1], (2, 3))
        np.testing.assert_array_equal(y.data[r : r + 1], single.data)


def test_no_regions():
    x = Tensor(np.ones((2, 3, 5, 7)), requires_grad=True)
    y = F.roi_pool(x, np.zeros((0, 4)), np.zeros(0, np.int64), (2, 4))
    assert y.shape == (0, 3, 2, 4)
    y.backward(np.zeros(y.shape))
    assert not x.grad.any()
