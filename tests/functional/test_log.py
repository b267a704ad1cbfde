"""log: values, gradient, zero and negative numbers."""

import math

import numpy as np
from functions_on_a_device import warns_on_the_host
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import gradcheck, strategies

POSITIVE = {"low": 0.1, "high": 9.0}


@given(strategies.arrays(strategies.shapes(min_dims=0, allow_empty=True), **POSITIVE), st.data())
def test_values(x, data):
    y = F.log(data.draw(strategies.layouts(x))).data
    expected = np.reshape([math.log(value) for value in x.ravel()], x.shape)
    np.testing.assert_allclose(y, expected, rtol=1e-13, atol=1e-15)


@given(strategies.arrays(strategies.shapes(), **POSITIVE))
def test_gradient(x):
    gradcheck(F.log, x, method="complex")


def test_keeps_float32():
    x = Tensor([0.5, 4.0], requires_grad=True)
    y = F.log(x)
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 0.25]
    assert y.dtype == x.grad.dtype == np.float32


def test_zero_and_negative_numbers_warn(device):
    with warns_on_the_host(device, match="divide by zero"):
        assert F.log(Tensor([0.0])).item() == -math.inf
    with warns_on_the_host(device, match="invalid value"):
        assert math.isnan(F.log(Tensor([-1.0])).item())
