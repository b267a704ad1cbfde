"""relu: twin, gradient, the kink at zero."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import gradcheck, strategies

SHAPES = strategies.shapes(min_dims=0, allow_empty=True)


@given(strategies.arrays(SHAPES), st.data())
def test_equals_the_loops(x, data):
    y = F.relu(data.draw(strategies.layouts(x))).data
    np.testing.assert_array_equal(y, reference.relu(x))


@given(strategies.distinct_arrays(strategies.shapes()))
def test_gradient(x):
    gradcheck(F.relu, x, mode="full")


def test_gradient_at_zero_is_zero():
    x = Tensor([0.0, -0.0, 1.0], requires_grad=True)
    F.relu(x).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 1.0]


def test_keeps_the_dtype():
    for dtype in ("float32", "float64"):
        x = Tensor(np.array([-1.0, 2.0], dtype), requires_grad=True)
        y = F.relu(x)
        y.sum().backward()
        assert y.dtype == x.grad.dtype == dtype


def test_nan_and_infinity_stay():
    y = F.relu(np.array([np.nan, np.inf, -np.inf])).data
    np.testing.assert_array_equal(y, [np.nan, np.inf, 0.0])
