"""prelu: twin, both gradients, the kink at zero, one slope or one a channel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import gradcheck, strategies

INF, NAN = np.inf, np.nan


@st.composite
def cases(draw, allow_empty=False):
    """x, and a slope for each channel or one for all."""
    shape = draw(strategies.shapes(min_dims=0, allow_empty=allow_empty))
    x = draw(strategies.distinct_arrays(shape))
    slopes = shape[1] if len(shape) > 1 and draw(st.booleans()) else 1
    return x, draw(strategies.arrays(slopes))


@given(cases(allow_empty=True), st.data())
def test_equals_the_loops(case, data):
    x, weight = case
    y = F.prelu(data.draw(strategies.layouts(x)), weight).data
    np.testing.assert_array_equal(y, reference.prelu(x, weight))


@given(cases())
def test_gradients(case):
    gradcheck(F.prelu, *case, mode="full")


def test_with_a_fixed_slope_it_is_leaky_relu():
    x = np.linspace(-2, 2, 9).reshape(3, 3)
    np.testing.assert_array_equal(F.prelu(x, np.array([0.1])).data, F.leaky_relu(x, 0.1).data)


def test_gradients_by_hand():
    x = Tensor([[-2.0, 0.0], [1.0, -3.0]], requires_grad=True)
    weight = Tensor([0.5, 0.25], requires_grad=True)
    F.prelu(x, weight).backward(np.array([[1.0, 10.0], [100.0, 1000.0]]))
    assert x.grad.tolist() == [[0.5, 2.5], [100.0, 250.0]]
    assert weight.grad.tolist() == [-2.0, -3000.0]
    assert x.grad.dtype == weight.grad.dtype == np.float32


def test_a_slope_of_zero_and_a_gradient_of_zero_block():
    x = Tensor(np.array([-INF, INF, NAN], np.float32), requires_grad=True)
    weight = Tensor(np.zeros(1, np.float32), requires_grad=True)
    y = F.prelu(x, weight)
    y.backward(np.array([0.0, 1.0, 0.0]))
    np.testing.assert_array_equal(y.data, [0, INF, NAN])
    assert x.grad.tolist() == [0.0, 1.0, 0.0] and weight.grad.tolist() == [0.0]


def test_a_slope_of_another_shape_is_refused():
    x = np.zeros((2, 3, 4, 5))
    for shape in ((2,), (4,), (1, 3), (3, 1, 1), ()):
        with pytest.raises(ValueError, match=r"prelu: weight must have shape \(1,\).* or \(3,\)"):
            F.prelu(x, np.zeros(shape))
    with pytest.raises(ValueError, match=r"one slope for all, but has shape \(3,\); x=\(3,\)"):
        F.prelu(np.zeros(3), np.zeros(3))
    with pytest.raises(TypeError, match="prelu: weight must be a Tensor or an array"):
        F.prelu(x, 0.25)
