"""elu: twin, gradient, the kink at zero, its limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import gradcheck, strategies

SHAPES = strategies.shapes(min_dims=0, allow_empty=True)
ALPHAS = st.sampled_from([0, 0.3, 1.0, 2.5])
INF, NAN = np.inf, np.nan


@given(strategies.arrays(SHAPES), ALPHAS, st.data())
def test_equals_the_loops(x, alpha, data):
    y = F.elu(data.draw(strategies.layouts(x)), alpha).data
    np.testing.assert_allclose(y, reference.elu(x, alpha), rtol=1e-14)


@given(strategies.distinct_arrays(strategies.shapes()), ALPHAS)
def test_gradient(x, alpha):
    gradcheck(lambda x: F.elu(x, alpha), x, mode="full")


def test_slope_at_zero_is_that_of_the_negative_side():
    x = Tensor([-1.0, 0.0, 1.0], requires_grad=True)
    F.elu(x, 0.25).sum().backward()
    np.testing.assert_allclose(x.grad, [0.25 / np.e, 0.25, 1.0], rtol=1e-6)


def test_float32_keeps_the_digits_of_a_small_negative_number():
    y = F.elu(np.array([-1e-6], np.float32)).data
    np.testing.assert_allclose(y, np.expm1(-1e-6), rtol=1e-6)  # exp(x) - 1 has one digit


def test_infinity_has_its_limits_without_a_warning():
    x = Tensor(np.array([-INF, -3e38, 3e38, INF, NAN], np.float32), requires_grad=True)
    y = F.elu(x, 0.5)
    y.backward(np.array([INF, 1, 1, 1, 0]))
    np.testing.assert_array_equal(y.data, np.float32([-0.5, -0.5, 3e38, INF, NAN]))
    np.testing.assert_array_equal(x.grad, [0, 0, 1, 1, 0])
    assert y.dtype == x.grad.dtype == np.float32


def test_alpha_zero_is_relu():
    x = np.array([-INF, -1.0, 0.0, 2.0], np.float32)
    np.testing.assert_array_equal(F.elu(x, 0).data, F.relu(x).data)


@pytest.mark.parametrize("alpha", [-1, INF, NAN])
def test_refuses_an_alpha_below_zero_or_not_finite(alpha):
    with pytest.raises(ValueError, match=f"elu: alpha must be a finite number .* is {alpha}"):
        F.elu(np.zeros(3), alpha)
