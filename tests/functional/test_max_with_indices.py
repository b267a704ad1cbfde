"""max_with_indices and min_with_indices: the pair, the gradient at one place, ties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import gradcheck, strategies

BOTH = [(F.max_with_indices, F.max, F.argmax), (F.min_with_indices, F.min, F.argmin)]


@st.composite
def cases(draw):
    x = draw(strategies.distinct_arrays(strategies.shapes()))
    return x, draw(st.integers(-x.ndim, x.ndim - 1)), draw(st.booleans())


@pytest.mark.parametrize(("operation", "values", "places"), BOTH)
@given(cases(), st.data())
def test_they_are_the_values_and_the_places(operation, values, places, case, data):
    x, dim, keepdim = case
    found = operation(data.draw(strategies.layouts(x)), dim, keepdim)
    np.testing.assert_array_equal(found.values.data, values(x, dim, keepdim).data)
    np.testing.assert_array_equal(found.indices, places(x, dim, keepdim))
    assert found.values.shape == found.indices.shape
    again = np.take_along_axis(x, F.argmax(x, dim, True), dim)
    if operation is F.max_with_indices:
        np.testing.assert_array_equal(found.values.data.reshape(-1), again.reshape(-1))


@pytest.mark.parametrize("operation", [F.max_with_indices, F.min_with_indices])
@given(cases())
def test_gradient(operation, case):
    x, dim, keepdim = case
    gradcheck(lambda x: operation(x, dim, keepdim).values, x, mode="full")


def test_of_equal_elements_the_first_gets_the_gradient():
    x = Tensor([[2.0, 2.0, 1.0], [1.0, 3.0, 1.0]], requires_grad=True)
    values, indices = x.max_with_indices(1)
    values.backward(np.array([6.0, 5.0]))
    assert indices.tolist() == [0, 1]
    assert x.grad.tolist() == [[6.0, 0.0, 0.0], [0.0, 5.0, 0.0]]
    assert x.min_with_indices(1).indices.tolist() == [2, 0]
    assert values.dtype == x.grad.dtype == np.float32


def test_nan_is_found_and_an_infinite_gradient_stays_at_its_place():
    x = Tensor(np.array([1.0, np.nan, 2.0]), requires_grad=True)
    values, indices = F.max_with_indices(x, 0)
    values.backward(np.array(np.inf))
    assert np.isnan(values.item()) and indices.item() == 1
    assert x.grad.tolist() == [0.0, np.inf, 0.0]


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"max_with_indices: x of shape \(2, 0\) has no elements"):
        F.max_with_indices(np.zeros((2, 0)), 1)
    with pytest.raises(IndexError, match="min_with_indices: dim 1 does not exist"):
        F.min_with_indices(np.zeros(3), 1)
    with pytest.raises(TypeError, match="max_with_indices: dim must be one whole number"):
        F.max_with_indices(np.zeros(3), None)
    assert F.max_with_indices(np.zeros((0, 2)), 1).indices.shape == (0,)
