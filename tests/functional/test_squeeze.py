"""squeeze and unsqueeze: shapes as PyTorch's, gradients, what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import adjoint_check, strategies

X = np.arange(6.0).reshape(1, 2, 1, 3)


@pytest.mark.parametrize(
    ("dim", "shape"),
    [
        (None, (2, 3)),
        (0, (2, 1, 3)),
        (-2, (1, 2, 3)),
        (1, (1, 2, 1, 3)),
        ((0, 1), (2, 1, 3)),
        ([0, 2], (2, 3)),
        ((), (1, 2, 1, 3)),
    ],
)
def test_axes_of_length_one_go(dim, shape):
    y = F.squeeze(X, dim)
    assert y.shape == shape
    np.testing.assert_array_equal(y.data.reshape(-1), X.reshape(-1))


@given(strategies.arrays(strategies.shapes(min_dims=0, allow_empty=True)), st.data())
def test_unsqueeze_is_the_index_none(x, data):
    dim = data.draw(st.integers(-x.ndim - 1, x.ndim))
    y = F.unsqueeze(data.draw(strategies.layouts(x)), dim)
    np.testing.assert_array_equal(y.data, np.expand_dims(x, dim))
    np.testing.assert_array_equal(F.squeeze(y, dim).data, x)


def test_gradients():
    adjoint_check(F.squeeze, X)
    adjoint_check(lambda x: F.unsqueeze(x, -2), X)


def test_whole_numbers_stay_whole():
    assert F.squeeze(Tensor([[1, 2]])).dtype.kind == "i"
    assert F.unsqueeze(Tensor([True]), 0).dtype == bool


def test_a_number():
    assert F.squeeze(np.array(3.0)).shape == () and F.unsqueeze(np.array(3.0), 0).shape == (1,)


def test_what_is_refused():
    with pytest.raises(IndexError, match="squeeze: dim 4 does not exist"):
        F.squeeze(X, 4)
    with pytest.raises(ValueError, match="squeeze: dim names an axis twice"):
        F.squeeze(X, (0, -4))
    with pytest.raises(IndexError, match=r"unsqueeze: dim 5 does not exist; allowed are -5\.\.4"):
        F.unsqueeze(X, 5)
    with pytest.raises(TypeError, match="unsqueeze: dim must be one whole number but is None"):
        F.unsqueeze(X, None)
    with pytest.raises(TypeError, match="squeeze: x must be a Tensor or an array"):
        F.squeeze(None)
