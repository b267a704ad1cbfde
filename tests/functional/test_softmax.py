"""softmax: twin, gradient, invariance to a shift, large scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import gradcheck, strategies


@st.composite
def cases(draw, allow_empty=False):
    shape = draw(strategies.shapes(max_dims=4, allow_empty=allow_empty))
    return draw(strategies.arrays(shape, low=-4, high=4)), draw(
        st.integers(-len(shape), len(shape) - 1)
    )


@given(cases(allow_empty=True), st.data())
def test_equals_the_loops(case, data):
    x, dim = case
    y = F.softmax(data.draw(strategies.layouts(x)), dim).data
    np.testing.assert_allclose(y, reference.softmax(x, dim), rtol=1e-13)


@given(cases())
def test_gradient(case):
    x, dim = case
    gradcheck(lambda x: F.softmax(x, dim), x, method="complex")


@given(cases(), st.floats(-1e3, 1e3))
def test_a_shift_of_all_scores_changes_nothing(case, shift):
    x, dim = case
    y = F.softmax(x, dim).data
    np.testing.assert_allclose(F.softmax(x + shift, dim).data, y, rtol=1e-11)
    np.testing.assert_allclose(y.sum(axis=dim), 1)


def test_hand_computed():
    y = F.softmax(np.log([[1.0, 3.0], [1.0, 1.0]]), dim=1).data
    np.testing.assert_allclose(y, [[0.25, 0.75], [0.5, 0.5]])


def test_large_and_infinite_scores_in_float32():
    x = Tensor([[1e30, 0.0, -1e30], [0.0, 0.0, -np.inf]], requires_grad=True)
    y = F.softmax(x, dim=1)
    y.backward(np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]))
    assert y.data.tolist() == [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]]
    assert x.grad.tolist() == [[0.0, 0.0, 0.0], [-0.25, 0.25, 0.0]]
    assert y.dtype == x.grad.dtype == np.float32


def test_no_classes_and_no_rows_have_an_empty_gradient():
    for shape in ((2, 0), (0, 3)):
        x = Tensor(np.zeros(shape), requires_grad=True)
        F.softmax(x, dim=1).backward(np.zeros(shape))
        assert x.grad.shape == shape


def test_refuses_an_axis_that_does_not_exist():
    with pytest.raises(IndexError, match=r"softmax: dim 2 does not exist; allowed are -2\.\.1"):
        F.softmax(np.zeros((2, 3)), 2)
