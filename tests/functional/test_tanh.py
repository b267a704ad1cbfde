"""tanh: twin, gradient, large values."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import gradcheck, strategies

SHAPES = strategies.shapes(min_dims=0, allow_empty=True)


@given(strategies.arrays(SHAPES, low=-20, high=20), st.data())
def test_equals_the_loops(x, data):
    y = F.tanh(data.draw(strategies.layouts(x))).data
    np.testing.assert_allclose(y, reference.tanh(x), rtol=1e-12, atol=1e-15)


@given(strategies.arrays(strategies.shapes()))
def test_gradient(x):
    gradcheck(F.tanh, x, method="complex")


def test_large_values_in_float32():
    x = Tensor([-1e30, 0.0, 1e30], requires_grad=True)
    y = F.tanh(x)
    y.sum().backward()
    assert y.data.tolist() == [-1.0, 0.0, 1.0]
    assert x.grad.tolist() == [0.0, 1.0, 0.0]
    assert y.dtype == x.grad.dtype == np.float32
