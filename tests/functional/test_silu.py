"""silu: twin, gradient, far out, infinity."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import gradcheck, strategies

SHAPES = strategies.shapes(min_dims=0, allow_empty=True)
INF, NAN = np.inf, np.nan


@given(strategies.arrays(SHAPES, low=-30, high=30), st.data())
def test_equals_the_loops(x, data):
    y = F.silu(data.draw(strategies.layouts(x))).data
    np.testing.assert_allclose(y, reference.silu(x), rtol=1e-13)


@given(strategies.arrays(strategies.shapes(), low=-5, high=5))
def test_gradient(x):
    gradcheck(F.silu, x, method="complex")


def test_float32_keeps_its_digits_far_out():
    x = np.array([-80.0, -30.0, -15.0, -1.0, 0.0, 1e-3, 5.0, 80.0], np.float32)
    exact = x.astype(float)
    tensor = Tensor(x, requires_grad=True)
    y = F.silu(tensor)
    y.sum().backward()
    np.testing.assert_allclose(y.data, exact * expit(exact), rtol=1e-6)
    slope = expit(exact) * (1 + exact * expit(-exact))
    np.testing.assert_allclose(tensor.grad, slope, rtol=1e-6)
    assert y.dtype == tensor.grad.dtype == np.float32


def test_infinity_has_its_limits_without_a_warning():
    x = Tensor(np.array([-INF, -3e38, 0.0, 3e38, INF, NAN], np.float32), requires_grad=True)
    y = F.silu(x)
    y.backward(np.array([1.0, 1, 1, 1, 1, 0]))
    np.testing.assert_array_equal(y.data, np.float32([0, 0, 0, 3e38, INF, NAN]))
    np.testing.assert_array_equal(x.grad, [0, 0, 0.5, 1, 1, 0])
