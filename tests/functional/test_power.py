"""power: number and tensor exponents, values, gradients, zero bases."""

import math

import numpy as np
from functions_on_a_device import warns_on_the_host
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import gradcheck, strategies

EXPONENTS = st.sampled_from([-2, -0.5, 0, 0.5, 1, 1.5, 2, 3])


@given(strategies.arrays(strategies.shapes(min_dims=0, allow_empty=True), 0.2, 3.0), EXPONENTS)
def test_values(x, exponent):
    expected = np.reshape([math.pow(value, exponent) for value in x.ravel()], x.shape)
    np.testing.assert_allclose(F.power(x, exponent).data, expected, rtol=1e-14)
    as_tensor = F.power(x, np.full_like(x, exponent)).data
    np.testing.assert_allclose(as_tensor, expected, rtol=1e-14)


@given(strategies.arrays(strategies.shapes(), 0.2, 3.0), EXPONENTS)
def test_gradient_with_a_number_as_exponent(x, exponent):
    gradcheck(lambda x: F.power(x, exponent), x, mode="full")


def test_gradient_of_whole_powers_of_negative_numbers():
    for exponent in (-1, 0, 1, 2, 3):
        gradcheck(lambda x, p=exponent: F.power(x, p), np.array([-2.0, -0.5, 1.5]), mode="full")


@given(st.data())
def test_gradients_with_a_tensor_as_exponent(data):
    a, b = data.draw(strategies.distinct_sizes(2, high=5))
    shapes = st.sampled_from([(a, b), (1, b), (b,), (a, 1), ()])
    x = data.draw(strategies.arrays(data.draw(shapes), 0.2, 3.0))
    exponent = data.draw(strategies.arrays(data.draw(shapes)))
    gradcheck(F.power, x, exponent, mode="full")


def test_a_number_to_the_power_of_a_tensor():
    gradcheck(lambda p: F.power(2.0, p), np.array([0.0, 1.0, -1.5]), mode="full")
    assert F.power(2, Tensor([3.0])).data.tolist() == [8.0]


def test_zero_exponents_and_zero_bases():
    x = Tensor([0.0, 2.0], requires_grad=True)
    F.power(x, 0).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]
    x, exponent = Tensor([0.0, 0.0], requires_grad=True), Tensor([0.0, 2.0], requires_grad=True)
    y = F.power(x, exponent)
    y.sum().backward()
    assert y.data.tolist() == [1.0, 0.0]
    assert x.grad.tolist() == [0.0, 0.0]
    assert exponent.grad.tolist() == [0.0, 0.0]


def test_square_root_as_power_has_an_infinite_slope_at_zero(device):
    x = Tensor([0.0], requires_grad=True)
    y = F.power(x, 0.5)
    with warns_on_the_host(device, match="divide by zero"):
        y.backward()
    assert x.grad.tolist() == [math.inf]


def test_float32_stays_with_every_kind_of_exponent():
    for exponent in (2, 2.0, np.float64(2.0), np.int64(2), Tensor([2.0, 2.0])):
        x = Tensor([1.0, 3.0], requires_grad=True)
        y = F.power(x, exponent)
        y.sum().backward()
        assert y.dtype == x.grad.dtype == np.float32
        assert (y.data.tolist(), x.grad.tolist()) == ([1.0, 9.0], [2.0, 6.0])
