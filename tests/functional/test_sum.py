"""sum: values, adjoint, the sum of nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import adjoint_check, strategies


@st.composite
def cases(draw, allow_empty=False):
    shape = draw(strategies.shapes(min_dims=1, allow_empty=allow_empty))
    axes = st.integers(-len(shape), len(shape) - 1)
    pairs = st.lists(st.integers(0, len(shape) - 1), max_size=3, unique=True).map(tuple)
    return draw(strategies.arrays(shape)), draw(st.none() | axes | pairs), draw(st.booleans())


@given(cases(allow_empty=True), st.data())
def test_values(case, data):
    x, dim, keepdim = case
    y = F.sum(data.draw(strategies.layouts(x)), dim, keepdim).data
    dims = range(x.ndim) if dim is None else np.atleast_1d(np.array(dim, int)) % x.ndim
    expected = np.zeros([1 if axis in dims else side for axis, side in enumerate(x.shape)])
    for position in np.ndindex(x.shape):
        expected[tuple(0 if axis in dims else i for axis, i in enumerate(position))] += x[position]
    if not keepdim:
        expected = expected.reshape([s for axis, s in enumerate(x.shape) if axis not in dims])
    assert y.shape == expected.shape
    np.testing.assert_allclose(y, expected, atol=1e-12)


@given(cases())
def test_backward_is_the_transpose(case):
    x, dim, keepdim = case
    adjoint_check(lambda x: F.sum(x, dim, keepdim), x)


def test_the_sum_of_nothing_is_zero():
    assert F.sum(np.zeros((0, 3))).item() == 0
    assert F.sum(np.zeros((0, 3)), dim=0).data.tolist() == [0.0, 0.0, 0.0]


def test_gradient_in_float32_is_a_plain_array_of_its_own():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    F.sum(x).backward()
    assert x.grad.dtype == np.float32
    x.grad[0, 0] = 5  # a repeated view would change everywhere, or refuse
    assert x.grad.tolist() == [[5.0, 1.0], [1.0, 1.0]]


def test_refuses_an_axis_that_does_not_exist():
    with pytest.raises(IndexError, match=r"sum: dim 2 does not exist; allowed are -2\.\.1"):
        F.sum(np.zeros((2, 3)), dim=2)


def test_over_no_axis_it_is_x():
    x = Tensor([[1.0, 5.0], [5.0, 2.0]], requires_grad=True)
    for dim in ((), []):
        y = F.sum(x, dim)
        assert y.data.tolist() == x.data.tolist()
    y.backward(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert x.grad.tolist() == [[1.0, 2.0], [3.0, 4.0]]
