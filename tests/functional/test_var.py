"""var and std: values, the correction, gradients, equal elements, what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import gradcheck, strategies


@st.composite
def cases(draw):
    """x, dim, correction and keepdim, with more elements along dim than the correction."""
    shape = draw(strategies.distinct_sizes(3, low=2, high=6))[: draw(st.integers(1, 3))]
    axes = st.integers(-len(shape), len(shape) - 1)
    several = st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=3, unique=True)
    dim = draw(st.none() | axes | several.map(tuple))
    x = draw(strategies.distinct_arrays(shape, scale=2.0))
    return x, dim, draw(st.sampled_from([0, 1, 1.5])), draw(st.booleans())


@given(cases(), st.data())
def test_values(case, data):
    x, dim, correction, keepdim = case
    dims = range(x.ndim) if dim is None else np.atleast_1d(np.array(dim, int)) % x.ndim
    rest = [axis for axis in range(x.ndim) if axis not in dims]
    lines = x.transpose(*rest, *dims).reshape(int(np.prod([x.shape[a] for a in rest])), -1)
    expected = []
    for line in lines:
        mean = sum(line) / len(line)
        expected.append(sum((value - mean) ** 2 for value in line) / (len(line) - correction))
    shape = [1 if axis in dims else side for axis, side in enumerate(x.shape)]
    shape = shape if keepdim else [x.shape[axis] for axis in rest]
    options = {"correction": correction, "keepdim": keepdim}
    laid_out = data.draw(strategies.layouts(x))
    y = F.var(laid_out, dim, **options).data
    np.testing.assert_allclose(y, np.reshape(expected, shape), rtol=1e-12)
    y = F.std(laid_out, dim, **options).data
    np.testing.assert_allclose(y, np.sqrt(np.reshape(expected, shape)), rtol=1e-12)


@pytest.mark.parametrize("operation", [F.var, F.std])
@given(cases())
def test_gradient(operation, case):
    x, dim, correction, keepdim = case
    gradcheck(lambda x: operation(x, dim, correction=correction, keepdim=keepdim), x, mode="full")


def test_the_default_is_without_bias():
    x = np.array([1.0, 2.0, 6.0])
    assert F.var(x).item() == 7.0 and F.var(x, correction=0).item() == 14 / 3
    np.testing.assert_allclose(F.std(x).item(), np.sqrt(7))


def test_where_all_are_equal_the_deviation_has_no_slope():
    x = Tensor([[2.0, 2.0], [1.0, 3.0]], requires_grad=True)
    y = F.std(x, 1)
    y.sum().backward()
    assert y.data[0] == 0
    np.testing.assert_allclose(x.grad, [[0, 0], [-(0.5**0.5), 0.5**0.5]], rtol=1e-6)


def test_a_spread_whose_square_vanishes_has_no_slope_either():
    x = Tensor(np.float32([0.0, 1e-30]), requires_grad=True)
    y = F.std(x)
    y.backward()
    assert y.item() == 0 and x.grad.tolist() == [0.0, 0.0]


def test_an_infinite_gradient_and_one_of_zero():
    for operation in (F.var, F.std):
        x = Tensor(np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 3.0], [np.nan, 0, 0]]), requires_grad=True)
        operation(x, 1).backward(np.array([np.inf, np.inf, 0.0]))
        np.testing.assert_array_equal(x.grad, [[0, 0, 0], [-np.inf, 0, np.inf], [0, 0, 0]])


def test_far_from_zero_float32_keeps_its_digits():
    x = 10_000 + np.arange(1000, dtype=np.float32) % 2
    assert F.var(x, correction=0).item() == 0.25
    assert F.var(x).dtype == np.float32


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"var: x of shape \(1,\) has 1 elements .*correction=1;"):
        F.var(np.zeros(1))
    with pytest.raises(ValueError, match=r"std: x of shape \(2, 0\) has 0 elements .* \(1,\)"):
        F.std(np.zeros((2, 0)), 1, correction=0)
    assert F.std(np.zeros(1), correction=0).item() == 0
    assert F.var(np.zeros((0, 3)), 1).shape == (0,)
    with pytest.raises(ValueError, match="var: correction must be at least 0 but is -1"):
        F.var(np.zeros(3), correction=-1)
    with pytest.raises(TypeError, match="std: correction must be a number but is 'a'"):
        F.std(np.zeros(3), correction="a")
    with pytest.raises(IndexError, match="var: dim 1 does not exist"):
        F.var(np.zeros(3), 1)
    with pytest.raises(IndexError, match="std: dim 1 does not exist"):
        F.std(np.zeros(3), 1)
