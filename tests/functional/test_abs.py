"""abs: values, gradient, the kink at zero."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import gradcheck, strategies


@given(strategies.arrays(strategies.shapes(min_dims=0, allow_empty=True)), st.data())
def test_values(x, data):
    y = F.abs(data.draw(strategies.layouts(x))).data
    expected = np.reshape([-value if value < 0 else value for value in x.ravel()], x.shape)
    np.testing.assert_array_equal(y, expected)


@given(strategies.distinct_arrays(strategies.shapes()))
def test_gradient(x):
    gradcheck(F.abs, x, mode="full")


def test_gradient_at_zero_is_zero():
    x = Tensor([-3.0, 0.0, 3.0], requires_grad=True)
    y = F.abs(x)
    y.sum().backward()
    assert x.grad.tolist() == [-1.0, 0.0, 1.0]
    assert y.dtype == x.grad.dtype == np.float32
