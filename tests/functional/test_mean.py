"""mean: values, adjoint, the mean of nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import adjoint_check, strategies


@st.composite
def cases(draw):
    shape = draw(strategies.shapes(min_dims=1))
    axes = st.integers(-len(shape), len(shape) - 1)
    pairs = st.lists(st.integers(0, len(shape) - 1), max_size=3, unique=True).map(tuple)
    return draw(strategies.arrays(shape)), draw(st.none() | axes | pairs), draw(st.booleans())


@given(cases(), st.data())
def test_is_the_sum_over_the_number_of_summands(case, data):
    x, dim, keepdim = case
    y = F.mean(data.draw(strategies.layouts(x)), dim, keepdim).data
    total = F.sum(x, dim, keepdim).data
    np.testing.assert_allclose(y, total / (x.size / total.size), atol=1e-12)
    assert y.shape == total.shape


def test_hand_computed():
    x = np.array([[1.0, 2.0, 6.0], [4.0, 5.0, 12.0]])
    assert F.mean(x).item() == 5
    assert F.mean(x, dim=0, keepdim=True).data.tolist() == [[2.5, 3.5, 9.0]]


@given(cases())
def test_backward_is_the_transpose(case):
    x, dim, keepdim = case
    adjoint_check(lambda x: F.mean(x, dim, keepdim), x)


def test_keeps_float32():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = F.mean(x)
    y.backward()
    assert x.grad.tolist() == [[0.25, 0.25], [0.25, 0.25]]
    assert y.dtype == x.grad.dtype == np.float32


def test_the_mean_of_nothing_is_refused_and_no_means_are_fine():
    with pytest.raises(ValueError, match=r"mean: x of shape \(0, 3\) has no elements along dim"):
        F.mean(np.zeros((0, 3)))
    with pytest.raises(ValueError, match=r"along dim \(0,\)"):
        F.mean(np.zeros((0, 3)), dim=0)
    assert F.mean(np.zeros((0, 3)), dim=1).shape == (0,)


def test_over_no_axis_it_is_x():
    x = Tensor([[1.0, 5.0], [5.0, 2.0]], requires_grad=True)
    for dim in ((), []):
        y = F.mean(x, dim)
        assert y.data.tolist() == x.data.tolist()
    y.backward(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert x.grad.tolist() == [[1.0, 2.0], [3.0, 4.0]]
