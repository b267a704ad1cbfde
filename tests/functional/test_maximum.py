"""maximum and minimum: values, gradients, ties, broadcasting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import gradcheck, strategies


@st.composite
def pairs(draw):
    """Two arrays without ties, the second of them broadcast along one axis or two."""
    a, b = draw(strategies.distinct_sizes(2, high=5))
    values = draw(strategies.distinct_arrays((a * b + a * b,)))
    y_shape = draw(st.sampled_from([(a, b), (1, b), (b,), (a, 1), ()]))
    x = values[: a * b].reshape(a, b)
    y = values[a * b : a * b + int(np.prod(y_shape))].reshape(y_shape)
    return (x, y) if draw(st.booleans()) else (y, x)


@given(pairs())
def test_values(pair):
    x, y = np.broadcast_arrays(*pair)
    larger, smaller = np.empty_like(x), np.empty_like(x)
    for position in np.ndindex(x.shape):
        larger[position] = max(x[position], y[position])
        smaller[position] = min(x[position], y[position])
    np.testing.assert_array_equal(F.maximum(*pair).data, larger)
    np.testing.assert_array_equal(F.minimum(*pair).data, smaller)


@given(pairs())
def test_gradients(pair):
    gradcheck(F.maximum, *pair, mode="full")
    gradcheck(F.minimum, *pair, mode="full")


@pytest.mark.parametrize("operation", [F.maximum, F.minimum])
def test_ties_share_the_gradient_evenly(operation):
    x = Tensor([1.0, 5.0], requires_grad=True)
    y = Tensor([1.0, 5.0], requires_grad=True)
    operation(x, y).backward(np.array([4.0, 6.0]))
    assert x.grad.tolist() == y.grad.tolist() == [2.0, 3.0]
    assert x.grad.dtype == np.float32


def test_a_tensor_against_itself_receives_the_whole_gradient():
    x = Tensor([1.0, 2.0], requires_grad=True)
    F.maximum(x, x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_numbers_nan_and_empty_input():
    assert F.maximum(Tensor([1.0, 3.0]), 2).data.tolist() == [2.0, 3.0]
    assert F.minimum(2, Tensor([1.0, 3.0])).data.tolist() == [1.0, 2.0]
    assert np.isnan(F.maximum(np.array([np.nan]), 1.0).item())
    assert F.maximum(np.zeros((0, 3)), np.zeros(3)).shape == (0, 3)
