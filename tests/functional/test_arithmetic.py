"""Sum, difference, product, quotient, sign: values, gradients, broadcasting, dtypes."""

import operator

import numpy as np
import pytest
from functions_on_a_device import warns_on_the_host
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import gradcheck, strategies

OPERATIONS = [
    (F.add, operator.add),
    (F.subtract, operator.sub),
    (F.multiply, operator.mul),
    (F.divide, operator.truediv),
]


@st.composite
def pairs(draw, low=0.5, high=2.0):
    """Two arrays of different shapes that broadcast; away from zero, for the quotient."""
    a, b, c = draw(strategies.distinct_sizes(3, low=1, high=5))
    shapes = st.sampled_from([(a, b, c), (b, c), (1, b, 1), (a, 1, c), (c,), (1,), ()])
    sign = draw(st.sampled_from([-1.0, 1.0]))
    arrays = [draw(strategies.arrays(draw(shapes), low, high)) for _ in range(2)]
    return tuple(np.asarray(sign * array) for array in arrays)


@pytest.mark.parametrize(("operation", "on_numbers"), OPERATIONS)
@given(pairs(), st.data())
def test_values(operation, on_numbers, pair, data):
    x, y = np.broadcast_arrays(*pair)
    expected = np.empty(x.shape)
    for position in np.ndindex(x.shape):
        expected[position] = on_numbers(float(x[position]), float(y[position]))
    result = operation(*[data.draw(strategies.layouts(array)) for array in pair]).data
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("operation", [F.add, F.subtract, F.multiply, F.divide])
@given(pairs())
def test_gradients(operation, pair):
    gradcheck(operation, *pair, mode="full", method="complex")


@given(strategies.arrays(strategies.shapes(min_dims=0, allow_empty=True)))
def test_negative(x):
    np.testing.assert_array_equal(F.negative(x).data, 0 - x)
    gradcheck(F.negative, x, method="complex")


@pytest.mark.parametrize(("operation", "on_numbers"), OPERATIONS)
def test_numbers_beside_float32_do_not_widen_it(operation, on_numbers):
    for number in (2, 2.0, np.float64(2.0), np.int64(2)):
        x = Tensor([1.0, 4.0], requires_grad=True)
        for result in (operation(x, number), operation(number, x)):
            result.sum().backward()
            assert result.dtype == x.grad.dtype == np.float32
        assert operation(x, number).data.tolist() == [on_numbers(1.0, 2.0), on_numbers(4.0, 2.0)]


@pytest.mark.parametrize(("operation", "_"), OPERATIONS)
def test_empty_arrays(operation, _):
    x = Tensor(np.zeros((0, 3)), requires_grad=True)
    y = Tensor(np.ones(3), requires_grad=True)
    operation(x, y).backward(np.zeros((0, 3)))
    assert x.grad.shape == (0, 3)
    assert y.grad.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("operation", [F.subtract, F.multiply, F.divide])
def test_only_the_gradient_that_is_needed(operation):
    for which in (0, 1):
        tensors = [Tensor(np.array([3.0]), requires_grad=i == which) for i in range(2)]
        operation(*tensors).backward()
        assert tensors[which].grad is not None
        assert tensors[1 - which].grad is None


def test_division_by_zero_warns(device):
    with warns_on_the_host(device, match="divide by zero"):
        assert F.divide(Tensor([1.0]), 0).item() == np.inf


def test_mixed_dtypes_are_refused():
    with pytest.raises(TypeError, match=r"Add: inputs have different dtypes \(float32, float64\)"):
        F.add(np.zeros(2), np.zeros(2, dtype="float32"))


@pytest.mark.parametrize("turned", [False, True])
def test_beside_an_infinite_constant_no_gradient_leaves_where_none_arrives(turned):
    x = Tensor([1.0, 2.0], requires_grad=True)
    constant = np.float32([np.inf, 3.0])
    product = F.multiply(constant, x) if turned else F.multiply(x, constant)
    product.backward(np.float32([0.0, 1.0]))
    assert x.grad.tolist() == [0.0, 3.0]
