"""log_softmax: twin, gradient, agreement with softmax, large scores."""

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
    y = F.log_softmax(data.draw(strategies.layouts(x)), dim).data
    np.testing.assert_allclose(y, reference.log_softmax(x, dim), rtol=1e-12, atol=1e-14)


@given(cases())
def test_gradient(case):
    x, dim = case
    gradcheck(lambda x: F.log_softmax(x, dim), x, method="complex")


@given(cases())
def test_is_the_logarithm_of_softmax(case):
    x, dim = case
    y = F.log_softmax(x, dim).data
    np.testing.assert_allclose(y, np.log(F.softmax(x, dim).data), rtol=1e-12, atol=1e-14)


def test_hand_computed():
    y = F.log_softmax(np.log([[1.0, 3.0]]), dim=1).data
    np.testing.assert_allclose(y, np.log([[0.25, 0.75]]))


def test_large_and_infinite_scores_in_float32():
    x = Tensor([[1e4, 0.0], [0.0, -np.inf]], requires_grad=True)
    y = F.log_softmax(x, dim=1)
    y.backward(np.array([[1.0, 2.0], [1.0, 2.0]]))
    assert y.data.tolist() == [[0.0, -1e4], [0.0, -np.inf]]
    assert x.grad.tolist() == [[-2.0, 2.0], [-2.0, 2.0]]
    assert y.dtype == x.grad.dtype == np.float32


def test_no_classes_and_no_rows_have_an_empty_gradient():
    for shape in ((2, 0), (0, 3)):
        x = Tensor(np.zeros(shape), requires_grad=True)
        F.log_softmax(x, dim=1).backward(np.zeros(shape))
        assert x.grad.shape == shape


def test_refuses_an_axis_that_does_not_exist():
    with pytest.raises(IndexError, match=r"log_softmax: dim 2 does not exist; allowed are -2\.\.1"):
        F.log_softmax(np.zeros((2, 3)), 2)
