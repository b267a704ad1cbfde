"""max and min over axes: values, gradient, ties, the maximum of nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import gradcheck, strategies


@st.composite
def cases(draw):
    shape = draw(strategies.shapes(min_dims=1))
    axes = st.integers(-len(shape), len(shape) - 1)
    pairs = st.lists(st.integers(0, len(shape) - 1), max_size=3, unique=True).map(tuple)
    x = draw(strategies.distinct_arrays(shape))
    return x, draw(st.none() | axes | pairs), draw(st.booleans())


@given(cases(), st.data())
def test_values(case, data):
    x, dim, keepdim = case
    y = F.max(data.draw(strategies.layouts(x)), dim, keepdim).data
    dims = range(x.ndim) if dim is None else np.atleast_1d(np.array(dim, int)) % x.ndim
    expected = np.full([1 if a in dims else side for a, side in enumerate(x.shape)], -np.inf)
    for position in np.ndindex(x.shape):
        place = tuple(0 if axis in dims else i for axis, i in enumerate(position))
        if x[position] > expected[place]:
            expected[place] = x[position]
    if not keepdim:
        expected = expected.reshape([s for axis, s in enumerate(x.shape) if axis not in dims])
    np.testing.assert_array_equal(y, expected)
    assert y.shape == expected.shape


@given(cases())
def test_gradient(case):
    x, dim, keepdim = case
    gradcheck(lambda x: F.max(x, dim, keepdim), x, mode="full")


def test_ties_share_the_gradient_evenly():
    x = Tensor([[2.0, 2.0, 1.0, 2.0], [0.0, 3.0, 1.0, 2.0]], requires_grad=True)
    F.max(x, dim=1).backward(np.array([6.0, 5.0]))
    assert x.grad.tolist() == [[2.0, 2.0, 0.0, 2.0], [0.0, 5.0, 0.0, 0.0]]
    assert x.grad.dtype == np.float32


def test_nan_is_the_largest():
    assert np.isnan(F.max(np.array([1.0, np.nan, 2.0])).item())


def test_a_single_number():
    x = Tensor(np.array(3.0), requires_grad=True)
    F.max(x).backward()
    assert float(x.grad) == 1


def test_the_maximum_of_nothing_is_refused_and_no_maxima_are_fine():
    with pytest.raises(ValueError, match=r"max: x of shape \(2, 0\) has no elements along dim \(1"):
        F.max(np.zeros((2, 0)), dim=1)
    assert F.max(np.zeros((2, 0)), dim=0).shape == (0,)


def test_over_no_axis_it_is_x():
    x = Tensor([[1.0, 5.0], [5.0, 2.0]], requires_grad=True)
    for dim in ((), []):
        y = F.max(x, dim)
        assert y.data.tolist() == x.data.tolist()
    y.backward(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert x.grad.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_the_gradient_at_nan_is_nan_without_a_warning():
    x = Tensor([[1.0, np.nan], [3.0, 2.0]], requires_grad=True)
    F.max(x, 1).sum().backward()
    np.testing.assert_array_equal(x.grad, [[np.nan, np.nan], [1, 0]])


@given(cases(), st.data())
def test_min_is_max_of_the_negative(case, data):
    x, dim, keepdim = case
    y = F.min(data.draw(strategies.layouts(x)), dim, keepdim).data
    np.testing.assert_array_equal(y, -F.max(-x, dim, keepdim).data)
    assert y.shape == F.max(x, dim, keepdim).shape
    if dim is None:
        assert y.reshape(-1).tolist() == [sorted(x.reshape(-1).tolist())[0]]


@given(cases())
def test_gradient_of_min(case):
    x, dim, keepdim = case
    gradcheck(lambda x: F.min(x, dim, keepdim), x, mode="full")


def test_min_shares_among_ties_and_keeps_nan():
    x = Tensor([[2.0, 2.0, 3.0, 2.0], [4.0, 3.0, 1.0, 2.0]], requires_grad=True)
    F.min(x, dim=1).backward(np.array([6.0, 5.0]))
    assert x.grad.tolist() == [[2.0, 2.0, 0.0, 2.0], [0.0, 0.0, 5.0, 0.0]]
    x = Tensor([[1.0, np.nan], [3.0, 2.0]], requires_grad=True)
    F.min(x, 1).sum().backward()
    np.testing.assert_array_equal(x.grad, [[np.nan, np.nan], [0, 1]])


def test_the_minimum_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"min: x of shape \(0,\) .* the minimum of nothing does"):
        F.min(np.zeros(0))
