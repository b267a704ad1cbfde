"""relu6: twin, gradient, the kinks at zero and six."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import gradcheck, strategies

SHAPES = strategies.shapes(min_dims=0, allow_empty=True)


@given(strategies.arrays(SHAPES, low=-4, high=10), st.data())
def test_equals_the_loops(x, data):
    y = F.relu6(data.draw(strategies.layouts(x))).data
    np.testing.assert_array_equal(y, reference.relu6(x))


@given(strategies.distinct_arrays(strategies.shapes(), scale=9.0))
def test_gradient(x):
    x = x + 0.01 * (np.abs(x - 6) < 1e-3)  # away from the kink at 6
    gradcheck(F.relu6, x, mode="full")


def test_gradient_at_both_ends_is_zero():
    x = Tensor([0.0, 3.0, 6.0, 7.0], requires_grad=True)
    F.relu6(x).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.0, 0.0]


def test_keeps_the_dtype():
    for dtype in ("float32", "float64"):
        x = Tensor(np.array([-1.0, 2.0, 9.0], dtype), requires_grad=True)
        y = F.relu6(x)
        y.sum().backward()
        assert y.dtype == x.grad.dtype == dtype
