"""where: values, gradients, broadcasting, what a condition may be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import gradcheck, strategies


@st.composite
def cases(draw):
    a, b = draw(strategies.distinct_sizes(2, high=5))
    shapes = st.sampled_from([(a, b), (1, b), (b,), (a, 1), ()])
    condition = draw(strategies.arrays(draw(shapes))) > 0
    return condition, draw(strategies.arrays(draw(shapes))), draw(strategies.arrays(draw(shapes)))


@given(cases())
def test_values(case):
    condition, x, y = np.broadcast_arrays(*case)
    expected = np.empty(x.shape)
    for position in np.ndindex(x.shape):
        expected[position] = x[position] if condition[position] else y[position]
    np.testing.assert_array_equal(F.where(np.asarray(case[0]), *case[1:]).data, expected)


@given(cases())
def test_gradients(case):
    condition = np.asarray(case[0])
    gradcheck(lambda x, y: F.where(condition, x, y), *case[1:], mode="full", method="complex")


def test_a_number_as_one_branch_keeps_float32():
    x = Tensor([1.0, -1.0], requires_grad=True)
    y = F.where(x.data > 0, x, 0)
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 0.0]
    assert y.dtype == x.grad.dtype == np.float32


def test_an_infinite_gradient_does_not_reach_the_branch_not_chosen():
    x, y = Tensor([1.0], requires_grad=True), Tensor([2.0], requires_grad=True)
    F.where(np.array([True]), x, y).backward(np.array([np.inf]))
    assert (x.grad.tolist(), y.grad.tolist()) == ([np.inf], [0.0])


@pytest.mark.parametrize("condition", [np.ones(2), Tensor(np.array([True, False])), [True, False]])
def test_refuses_what_is_no_boolean_array(condition):
    with pytest.raises(TypeError, match="where: condition must be a plain boolean array but is"):
        F.where(condition, np.zeros(2), np.ones(2))


def test_shapes_that_do_not_broadcast_are_named():
    with pytest.raises(ValueError, match=r"where: .* condition=\(3,\), x=\(2,\), y=\(\)"):
        F.where(np.ones(3, bool), np.zeros(2), 0.0)


def test_a_comparison_of_tensors_is_a_condition():
    x = Tensor([1.0, -2.0], requires_grad=True)
    F.where(x > 0, x * 10, x).sum().backward()
    assert x.grad.tolist() == [10.0, 1.0]
