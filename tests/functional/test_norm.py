"""norm: values of every p, gradients, zeros, ties, huge and tiny vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import gradcheck, strategies

INF, NAN = np.inf, np.nan
POWERS = st.sampled_from([0.5, 1, 1.5, 2, 3, INF])


@st.composite
def cases(draw):
    shape = draw(strategies.shapes(max_dims=3))
    axes = st.integers(-len(shape), len(shape) - 1)
    several = st.lists(st.integers(0, len(shape) - 1), max_size=3, unique=True).map(tuple)
    x = draw(strategies.distinct_arrays(shape, scale=2.0))
    return x, draw(POWERS), draw(st.none() | axes | several), draw(st.booleans())


@given(cases(), st.data())
def test_values(case, data):
    x, p, dim, keepdim = case
    dims = range(x.ndim) if dim is None else np.atleast_1d(np.array(dim, int)) % x.ndim
    totals = np.zeros([1 if axis in dims else side for axis, side in enumerate(x.shape)])
    for position in np.ndindex(x.shape):
        place = tuple(0 if axis in dims else i for axis, i in enumerate(position))
        size = abs(x[position])
        totals[place] = max(totals[place], size) if p == INF else totals[place] + size**p
    expected = totals if p == INF else totals ** (1 / p)
    if not keepdim:
        expected = expected.reshape([s for axis, s in enumerate(x.shape) if axis not in dims])
    y = F.norm(data.draw(strategies.layouts(x)), p, dim, keepdim).data
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    assert y.shape == expected.shape


@given(cases())
def test_gradient(case):
    x, p, dim, keepdim = case
    if p == INF:  # two sizes that are equal would be a kink
        x = np.sign(x) * (1 + np.arange(x.size).reshape(x.shape))
    gradcheck(lambda x: F.norm(x, p, dim, keepdim), x)


def test_numpy_agrees():
    x = np.random.default_rng(0).normal(size=(4, 7))
    for p in (1, 2, 3.5, INF):
        np.testing.assert_allclose(F.norm(x, p, 1).data, np.linalg.norm(x, p, axis=1), rtol=1e-13)
    np.testing.assert_allclose(F.norm(x).item(), np.linalg.norm(x), rtol=1e-13)


@pytest.mark.parametrize("p", [0.5, 1, 2, 3, INF])
def test_zeros_have_the_gradient_zero(p):
    x = Tensor([[0.0, 0.0], [0.0, -2.0]], requires_grad=True)
    y = F.norm(x, p, dim=1)
    y.backward(np.array([INF, 3.0]))
    assert y.data.tolist() == [0.0, 2.0]
    assert x.grad.tolist() == [[0.0, 0.0], [0.0, -3.0]]
    assert y.dtype == x.grad.dtype == np.float32


def test_the_largest_share_the_gradient_evenly():
    x = Tensor([3.0, -3.0, 1.0, 3.0], requires_grad=True)
    F.norm(x, INF).backward(np.array(6.0))
    assert x.grad.tolist() == [2.0, -2.0, 0.0, 2.0]


@pytest.mark.parametrize("p", [1.5, 2, 7])
def test_neither_huge_nor_tiny_numbers_overflow_or_vanish(p):
    for scale in (1e30, 1e-30):
        x = Tensor(np.float32([3 * scale, -4 * scale]), requires_grad=True)
        y = F.norm(x, p)
        y.backward()
        expected = (3**p + 4**p) ** (1 / p)
        np.testing.assert_allclose(y.item(), expected * scale, rtol=1e-6)
        slopes = [(3 / expected) ** (p - 1), -((4 / expected) ** (p - 1))]
        np.testing.assert_allclose(x.grad, slopes, rtol=1e-5)


@pytest.mark.parametrize("p", [1, 2, 3, INF])
def test_infinity_and_nan(p):
    x = Tensor(np.array([[INF, 1e200], [NAN, 1.0], [3.0, 0.0]]), requires_grad=True)
    y = F.norm(x, p, 1)
    y.backward(np.array([0.0, 0.0, 1.0]))
    np.testing.assert_array_equal(y.data, [INF, NAN, 3.0])
    np.testing.assert_array_equal(x.grad, [[0, 0], [0, 0], [1, 0]])


def test_the_norm_of_nothing_is_zero():
    for p in (1, 2, INF):
        x = Tensor(np.zeros((2, 0)), requires_grad=True)
        y = F.norm(x, p, 1)
        y.backward(np.ones(2))
        assert y.data.tolist() == [0.0, 0.0] and x.grad.shape == (2, 0)
        assert F.norm(np.zeros((0, 3)), p, 1).shape == (0,)


def test_what_is_refused():
    for p in (0, -1, NAN):
        with pytest.raises(ValueError, match="norm: p must be above 0, or infinity"):
            F.norm(np.ones(2), p)
    with pytest.raises(TypeError, match="norm: p must be a number but is 'fro'"):
        F.norm(np.ones(2), "fro")
    with pytest.raises(IndexError, match="norm: dim 3 does not exist"):
        F.norm(np.ones(2), 2, 3)
