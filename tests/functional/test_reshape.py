"""reshape and flatten: order of elements, adjoint, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import adjoint_check, strategies


@given(strategies.distinct_sizes(3), st.permutations(range(3)), st.data())
def test_elements_keep_their_row_major_order(sizes, order, data):
    x = data.draw(strategies.arrays(sizes))
    shape = tuple(sizes[i] for i in order)
    y = F.reshape(data.draw(strategies.layouts(x)), shape).data
    assert y.shape == shape
    assert y.ravel().tolist() == x.ravel().tolist()


@given(strategies.distinct_sizes(3), st.data())
def test_backward_is_the_transpose(sizes, data):
    x = data.draw(strategies.layouts(data.draw(strategies.arrays(sizes))))
    adjoint_check(lambda x: F.reshape(x, (sizes[2], -1)), x)


def test_lengths_given_and_computed():
    x = np.zeros((2, 3, 4))
    assert F.reshape(x, 24).shape == (24,)
    assert F.reshape(x, (4, -1)).shape == (4, 6)
    assert F.reshape(np.zeros((0, 3)), (3, 0)).shape == (3, 0)
    assert F.reshape(np.zeros(()), (1, 1)).shape == (1, 1)


@pytest.mark.parametrize(
    ("shape", "new_shape"),
    [((2, 3), (4,)), ((2, 3), (-1, 4)), ((2, 3), (-1, -1)), ((0,), (-1, 0)), ((2, 3), (-2,))],
)
def test_refuses_shapes_that_do_not_hold_the_elements(shape, new_shape):
    with pytest.raises(ValueError, match=r"reshape: x of shape \(.*\) has [06] elements, which do"):
        F.reshape(np.zeros(shape), new_shape)


def test_flatten_joins_the_named_axes():
    x = np.arange(120.0).reshape(2, 3, 4, 5)
    assert F.flatten(x).data.tolist() == list(range(120))
    assert F.flatten(x, start_dim=1).shape == (2, 60)
    assert F.flatten(x, 1, 2).shape == (2, 12, 5)
    assert F.flatten(x, -2, -2).shape == x.shape
    assert F.flatten(np.zeros((0, 3, 4)), 1).shape == (0, 12)
    assert F.flatten(np.float64(7.0)).shape == (1,)
    adjoint_check(lambda x: F.flatten(x, 1, 2), x)


def test_flatten_refuses_axes_in_the_wrong_order():
    with pytest.raises(ValueError, match="flatten: start_dim 2 comes after end_dim 1"):
        F.flatten(np.zeros((2, 3, 4)), 2, 1)
    with pytest.raises(IndexError, match="flatten: dim 3 does not exist"):
        F.flatten(Tensor(np.zeros((2, 3, 4))), 3)
