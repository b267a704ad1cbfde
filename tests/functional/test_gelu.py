"""gelu: twin, gradient, both forms, far out, infinity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import gradcheck, strategies

SHAPES = strategies.shapes(min_dims=0, allow_empty=True)
FORMS = st.sampled_from(["none", "tanh"])
INF, NAN = np.inf, np.nan


@given(strategies.arrays(SHAPES, low=-5, high=5), FORMS, st.data())
def test_equals_the_loops(x, form, data):
    y = F.gelu(data.draw(strategies.layouts(x)), form).data
    # 1 + erf and 1 + tanh have an absolute error of a rounding, which the operation has not.
    np.testing.assert_allclose(y, reference.gelu(x, form), rtol=1e-12, atol=1e-15)


@given(strategies.arrays(strategies.shapes(), low=-4, high=4), FORMS)
def test_gradient(x, form):
    gradcheck(lambda x: F.gelu(x, form), x, method="complex")


def test_the_forms_differ_by_little_but_they_differ():
    x = np.linspace(-6, 6, 2001)
    distance = np.abs(F.gelu(x).data - F.gelu(x, "tanh").data).max()
    assert 4e-4 < distance < 5e-4


def test_known_values():
    """Φ(1) = 0.841344746, from a table of the normal distribution."""
    y = F.gelu(np.array([-1.0, 0.0, 1.0])).data
    np.testing.assert_allclose(y, [0.841344746 - 1, 0, 0.841344746], atol=1e-9)
    # tanh(√(2/π) 1.044715) = 0.682384...
    np.testing.assert_allclose(F.gelu(np.array([1.0]), "tanh").data, 0.8411919906, atol=1e-9)


def test_float32_keeps_its_digits_where_little_is_left():
    x = np.array([-10.0, -7.5, -5.0, -3.0, -1.0, -1e-3, 1e-3, 2.0, 9.0], np.float32)
    exact = x.astype(float)
    tensor = Tensor(x, requires_grad=True)
    y = F.gelu(tensor)
    y.sum().backward()
    np.testing.assert_allclose(y.data, exact * ndtr(exact), rtol=1e-5)
    slope = ndtr(exact) + exact * np.exp(-0.5 * exact**2) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(tensor.grad, slope, rtol=1e-5)
    assert y.dtype == tensor.grad.dtype == np.float32


@pytest.mark.parametrize("form", ["none", "tanh"])
def test_infinity_has_its_limits_without_a_warning(form):
    x = Tensor(np.array([-INF, -3e38, 0.0, 3e38, INF, NAN], np.float32), requires_grad=True)
    y = F.gelu(x, form)
    y.backward(np.array([1.0, 1, 1, 1, 1, 0]))
    np.testing.assert_array_equal(y.data, np.float32([0, 0, 0, 3e38, INF, NAN]))
    np.testing.assert_array_equal(x.grad, [0, 0, 0.5, 1, 1, 0])


def test_another_form_is_refused():
    with pytest.raises(ValueError, match=r"gelu: approximate must be .* is 'erf'"):
        F.gelu(np.zeros(2), "erf")
