"""exp: values, gradient, overflow."""

import math

import numpy as np
from functions_on_a_device import warns_on_the_host
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import gradcheck, strategies


@given(strategies.arrays(strategies.shapes(min_dims=0, allow_empty=True)), st.data())
def test_values(x, data):
    y = F.exp(data.draw(strategies.layouts(x))).data
    expected = np.reshape([math.exp(value) for value in x.ravel()], x.shape)
    np.testing.assert_allclose(y, expected, rtol=1e-14)


@given(strategies.arrays(strategies.shapes()))
def test_gradient(x):
    gradcheck(F.exp, x, method="complex")


def test_keeps_float32():
    x = Tensor([0.0, 1.0], requires_grad=True)
    y = F.exp(x)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == np.float32


def test_overflow_warns_and_gives_infinity(device):
    with warns_on_the_host(device, match="overflow"):
        assert F.exp(Tensor([89.0])).item() == math.inf
