"""concatenate: values, adjoint, lengths of zero, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import adjoint_check, strategies


@st.composite
def cases(draw):
    """Up to four arrays that differ along one axis, and the number of that axis."""
    shape = list(draw(strategies.distinct_sizes(3, high=5)))
    dim = draw(st.integers(-3, 2))
    arrays = []
    for length in draw(st.lists(st.integers(0, 4), min_size=1, max_size=4)):
        shape[dim] = length
        arrays.append(draw(strategies.arrays(tuple(shape))))
    return arrays, dim


@given(cases(), st.data())
def test_every_part_stands_in_its_place(case, data):
    arrays, dim = case
    y = F.concatenate([data.draw(strategies.layouts(a)) for a in arrays], dim).data
    start = 0
    for array in arrays:
        end = start + array.shape[dim]
        np.testing.assert_array_equal(np.moveaxis(y, dim, 0)[start:end], np.moveaxis(array, dim, 0))
        start = end
    assert y.shape[dim] == start


@given(cases())
def test_backward_is_the_transpose(case):
    arrays, dim = case
    # Linear in all inputs together, so one input is checked beside zeros.
    for wrt in range(len(arrays)):
        inputs = [a if i == wrt else np.zeros_like(a) for i, a in enumerate(arrays)]
        adjoint_check(lambda *tensors: F.concatenate(tensors, dim), *inputs, wrt=wrt)


def test_one_tensor_twice_and_a_constant_between():
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = F.concatenate([x, np.zeros(1, "float32"), x])
    y.backward(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert x.grad.tolist() == [5.0, 7.0]
    assert y.dtype == x.grad.dtype == np.float32


def test_refusals():
    with pytest.raises(ValueError, match="concatenate: expected at least one tensor"):
        F.concatenate([])
    expected = r"concatenate: tensors\[1\] of shape \(3, 2\) does not fit tensors\[0\] of shape \(2"
    with pytest.raises(ValueError, match=expected):
        F.concatenate([np.zeros((2, 3)), np.zeros((3, 2))], dim=1)
    with pytest.raises(ValueError, match="does not fit"):
        F.concatenate([np.zeros((2, 3)), np.zeros(3)])
    with pytest.raises(ValueError, match=r"tensors\[1\] of shape \(\) does not fit"):
        F.concatenate([np.zeros(3), 1.0])
    with pytest.raises(IndexError, match="concatenate: dim 1 does not exist"):
        F.concatenate([np.zeros(3)], dim=1)
    with pytest.raises(TypeError, match="Concatenate: inputs have different dtypes"):
        F.concatenate([np.zeros(3), np.zeros(3, "float32")])
