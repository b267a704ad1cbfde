"""transpose and permute: places of elements, adjoint, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import functional as F
from minicv.testing import adjoint_check, strategies


@given(strategies.distinct_sizes(4, high=5), st.permutations(range(4)), st.data())
def test_permute(sizes, dims, data):
    x = data.draw(strategies.arrays(sizes))
    y = F.permute(data.draw(strategies.layouts(x)), tuple(dims)).data
    assert y.shape == tuple(sizes[d] for d in dims)
    for position in np.ndindex(x.shape):
        assert y[tuple(position[d] for d in dims)] == x[position]
    adjoint_check(lambda x: F.permute(x, tuple(d - 4 for d in dims)), x)


@given(strategies.distinct_sizes(3), st.integers(-3, 2), st.integers(-3, 2), st.data())
def test_transpose_exchanges_two_axes(sizes, dim0, dim1, data):
    x = data.draw(strategies.arrays(sizes))
    y = F.transpose(x, dim0, dim1)
    np.testing.assert_array_equal(y.data, np.swapaxes(x, dim0, dim1))
    adjoint_check(lambda x: F.transpose(x, dim0, dim1), x)


def test_empty_and_single_numbers():
    assert F.transpose(np.zeros((0, 3)), 0, 1).shape == (3, 0)
    assert F.permute(np.zeros(()), ()).shape == ()


def test_refusals():
    with pytest.raises(ValueError, match=r"permute: dims must name each of the 3 axes .* \(0, 1\)"):
        F.permute(np.zeros((2, 3, 4)), (0, 1))
    with pytest.raises(ValueError, match="permute: dim names an axis twice"):
        F.permute(np.zeros((2, 3)), (1, 1))
    with pytest.raises(IndexError, match="transpose: dim 2 does not exist"):
        F.transpose(np.zeros((2, 3)), 0, 2)
