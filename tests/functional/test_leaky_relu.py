"""leaky_relu: twin, gradient, the kink at zero."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import gradcheck, strategies

SHAPES = strategies.shapes(min_dims=0, allow_empty=True)
SLOPES = st.sampled_from([0, 0.01, 0.2, 0.75, 1])


@given(strategies.arrays(SHAPES), SLOPES, st.data())
def test_equals_the_loops(x, slope, data):
    y = F.leaky_relu(data.draw(strategies.layouts(x)), slope).data
    np.testing.assert_array_equal(y, reference.leaky_relu(x, slope))


@given(strategies.distinct_arrays(strategies.shapes()), SLOPES)
def test_gradient(x, slope):
    gradcheck(lambda x: F.leaky_relu(x, slope), x, mode="full")


def test_slope_at_zero_is_that_of_the_negative_side():
    x = Tensor([-1.0, 0.0, 1.0], requires_grad=True)
    F.leaky_relu(x, 0.25).sum().backward()
    assert x.grad.tolist() == [0.25, 0.25, 1.0]


def test_default_slope_in_float32():
    x = Tensor([-2.0], requires_grad=True)
    y = F.leaky_relu(x)
    y.backward()
    assert y.dtype == x.grad.dtype == np.float32
    assert y.data[0] == np.float32(-2.0) * np.float32(0.01)
    assert x.grad[0] == np.float32(0.01)


def test_refuses_a_slope_outside_0_to_1():
    for slope in (-0.1, 1.5):
        with pytest.raises(ValueError, match=f"leaky_relu: negative_slope .* is {slope}"):
            F.leaky_relu(np.zeros(3), slope)
