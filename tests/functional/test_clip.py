"""clip: values, gradient, the closed interval, open ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import gradcheck, strategies

LIMITS = st.sampled_from([(-0.5, 0.75), (None, 0.5), (-0.25, None), (0.1, 0.1)])


@given(strategies.arrays(strategies.shapes(min_dims=0, allow_empty=True)), LIMITS, st.data())
def test_values(x, limits, data):
    low, high = limits
    y = F.clip(data.draw(strategies.layouts(x)), low, high).data
    expected = x.copy()
    for position in np.ndindex(x.shape):
        if low is not None and x[position] < low:
            expected[position] = low
        if high is not None and x[position] > high:
            expected[position] = high
    np.testing.assert_array_equal(y, expected)


@given(strategies.distinct_arrays(strategies.shapes(), scale=2.0), LIMITS)
def test_gradient(x, limits):
    gradcheck(lambda x: F.clip(x, *limits), x)


def test_gradient_passes_at_both_limits():
    x = Tensor([-1.0, 0.0, 0.5, 1.0, 2.0], requires_grad=True)
    y = F.clip(x, 0, 1)
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 1.0, 0.0]
    assert y.dtype == x.grad.dtype == np.float32


def test_refuses_limits_that_limit_nothing():
    with pytest.raises(ValueError, match="clip: give min, max or both"):
        F.clip(np.zeros(2))
    with pytest.raises(ValueError, match="clip: min must not be greater than max; min=2, max=1"):
        F.clip(np.zeros(2), 2, 1)


def test_nan():
    for limits in ((np.nan, 1), (0, np.nan), (None, np.float32(np.nan))):
        with pytest.raises(ValueError, match=r"clip: (min|max) is NaN, which limits nothing"):
            F.clip(np.zeros(2), *limits)
    x = Tensor([np.nan, 0.5], requires_grad=True)
    y = F.clip(x, 0, 1)
    y.sum().backward()
    np.testing.assert_array_equal(y.data, np.float32([np.nan, 0.5]))
    assert x.grad.tolist() == [0.0, 1.0]


def test_infinite_limits_limit_nothing():
    x = np.array([-np.inf, 0.0, np.inf])
    np.testing.assert_array_equal(F.clip(x, -np.inf, np.inf).data, x)
