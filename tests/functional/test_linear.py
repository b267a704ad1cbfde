"""linear: twin, adjoint, gradients of all inputs, leading axes, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import adjoint_check, gradcheck, strategies


@given(strategies.distinct_sizes(3, low=0), st.booleans(), st.data())
def test_equals_the_loops(sizes, with_bias, data):
    N, inputs, outputs = sizes
    x = data.draw(strategies.arrays((N, inputs)))
    weight = data.draw(strategies.arrays((outputs, inputs)))
    bias = data.draw(strategies.arrays((outputs,))) if with_bias else None
    y = F.linear(data.draw(strategies.layouts(x)), data.draw(strategies.layouts(weight)), bias)
    np.testing.assert_allclose(y.data, reference.linear(x, weight, bias), atol=1e-12)


@given(strategies.distinct_sizes(3), strategies.shapes(0, 3, 3, allow_empty=True), st.data())
def test_backward_is_the_transpose_in_x_and_in_weight(sizes, leading, data):
    N, inputs, outputs = sizes
    weight = data.draw(strategies.arrays((outputs, inputs)))
    for shape in ((N, inputs), (*leading, inputs)):
        x = data.draw(strategies.layouts(data.draw(strategies.arrays(shape))))
        adjoint_check(F.linear, x, weight, wrt=0)
        adjoint_check(F.linear, x, weight, wrt=1)


def test_gradients_of_all_three_inputs():
    rng = np.random.default_rng(0)
    for shape in ((4, 3), (3,), (2, 4, 3)):
        inputs = rng.normal(size=shape), rng.normal(size=(5, 3)), rng.normal(size=5)
        gradcheck(F.linear, *inputs, mode="full", method="complex")


def test_no_rows_give_zero_gradients_of_weight_and_bias():
    weight, bias = Tensor(np.ones((2, 3)), requires_grad=True), Tensor(np.ones(2), True)
    y = F.linear(np.zeros((0, 3)), weight, bias)
    y.backward(np.zeros((0, 2)))
    assert y.shape == (0, 2)
    assert weight.grad.tolist() == [[0.0] * 3] * 2
    assert bias.grad.tolist() == [0.0, 0.0]


def test_float32_is_close_to_float64():
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(6, 40)), rng.normal(size=(7, 40)), rng.normal(size=7)]
    grad = rng.normal(size=(6, 7))
    results = []
    for dtype in ("float32", "float64"):
        tensors = [Tensor(array.astype(dtype), requires_grad=True) for array in arrays]
        y = F.linear(*tensors)
        y.backward(grad)
        assert {y.dtype, *(t.grad.dtype for t in tensors)} == {np.dtype(dtype)}
        results.append([y.data, *(t.grad for t in tensors)])
    for single, double in zip(*results, strict=True):
        np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-4)


def test_refusals():
    x, weight = np.zeros((2, 3)), np.zeros((4, 5))
    with pytest.raises(ValueError, match=r"linear: weight expects 5 inputs .* x has 3; x=\(2, 3\)"):
        F.linear(x, weight)
    with pytest.raises(ValueError, match="linear: weight must have 2 axes"):
        F.linear(x, np.zeros(3))
    with pytest.raises(ValueError, match="x has no axis"):
        F.linear(np.zeros(()), weight)
    with pytest.raises(ValueError, match="linear: bias must have one number for each of the 4"):
        F.linear(np.zeros((2, 5)), weight, np.zeros(5))
