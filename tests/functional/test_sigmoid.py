"""sigmoid: twin, gradient, large scores."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import gradcheck, strategies

SHAPES = strategies.shapes(min_dims=0, allow_empty=True)


@given(strategies.arrays(SHAPES, low=-30, high=30), st.data())
def test_equals_the_loops(x, data):
    y = F.sigmoid(data.draw(strategies.layouts(x))).data
    np.testing.assert_allclose(y, reference.sigmoid(x), rtol=1e-14)


@given(strategies.arrays(strategies.shapes(), low=-5, high=5))
def test_gradient(x):
    gradcheck(F.sigmoid, x, method="complex")


def test_no_overflow_and_full_relative_accuracy():
    for dtype, rtol in (("float32", 1e-6), ("float64", 1e-15)):
        x = np.array([-1e4, -80.0, -20.0, 0.0, 20.0, 80.0, 1e4, np.inf, -np.inf], dtype)
        tensor = Tensor(x, requires_grad=True)
        y = F.sigmoid(tensor)
        y.sum().backward()
        assert y.dtype == dtype
        np.testing.assert_allclose(y.data, expit(x.astype("float64")), rtol=rtol, atol=0)
        assert np.isfinite(tensor.grad).all()


def test_nan_stays():
    assert np.isnan(F.sigmoid(np.array([np.nan])).item())
