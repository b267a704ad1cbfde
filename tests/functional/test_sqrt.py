"""sqrt: values, gradient, zero and negative numbers."""

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
    y = F.sqrt(data.draw(strategies.layouts(x))).data
    expected = np.reshape([math.sqrt(value) for value in x.ravel()], x.shape)
    np.testing.assert_allclose(y, expected, rtol=1e-15)


@given(strategies.arrays(strategies.shapes(), **POSITIVE))
def test_gradient(x):
    gradcheck(F.sqrt, x, method="complex")


def test_keeps_float32():
    x = Tensor([4.0, 16.0], requires_grad=True)
    y = F.sqrt(x)
    y.sum().backward()
    assert x.grad.tolist() == [0.25, 0.125]
    assert y.dtype == x.grad.dtype == np.float32


def test_gradient_at_zero_is_infinite(device):
    x = Tensor([0.0], requires_grad=True)
    y = F.sqrt(x)
    assert y.item() == 0
    with warns_on_the_host(device, match="divide by zero"):
        y.backward()
    assert x.grad.tolist() == [math.inf]


def test_negative_numbers_warn(device):
    with warns_on_the_host(device, match="invalid value"):
        assert math.isnan(F.sqrt(Tensor([-1.0])).item())
