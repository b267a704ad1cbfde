"""stack: values, adjoint, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import adjoint_check, strategies


@given(strategies.shapes(min_dims=0, max_dims=3, allow_empty=True), st.integers(1, 4), st.data())
def test_every_part_stands_in_its_place(shape, count, data):
    arrays = [data.draw(strategies.arrays(shape)) for _ in range(count)]
    dim = data.draw(st.integers(-len(shape) - 1, len(shape)))
    y = F.stack(arrays, dim).data
    assert y.shape[dim] == count
    for index, array in enumerate(arrays):
        np.testing.assert_array_equal(np.moveaxis(y, dim, 0)[index], array)


@given(strategies.distinct_sizes(2), st.integers(-3, 2), st.data())
def test_backward_is_the_transpose(shape, dim, data):
    x = data.draw(strategies.arrays(shape))
    zeros = np.zeros(shape)
    adjoint_check(lambda *t: F.stack(t, dim), x, zeros, zeros, wrt=0)
    adjoint_check(lambda *t: F.stack(t, dim), zeros, zeros, x, wrt=2)


def test_one_tensor_twice_and_a_constant_between():
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = F.stack([x, np.zeros(2, "float32"), x], dim=1)
    y.backward(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    assert x.grad.tolist() == [4.0, 10.0]
    assert y.dtype == x.grad.dtype == np.float32


def test_refusals():
    with pytest.raises(ValueError, match="stack: expected at least one tensor"):
        F.stack([])
    with pytest.raises(ValueError, match=r"stack: tensors\[1\] has shape \(2,\) but tensors\[0\]"):
        F.stack([np.zeros(3), np.zeros(2)])
    with pytest.raises(IndexError, match="stack: dim 2 does not exist"):
        F.stack([np.zeros(3)], dim=2)
