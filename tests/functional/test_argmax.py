"""argmax and argmin: places, ties, NaN, shapes, what they refuse."""

import numpy as np
import pytest
from cuda_kernels import cupy
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import strategies


@given(strategies.distinct_arrays(strategies.shapes()), st.data())
def test_equals_loops(x, data):
    dim = data.draw(st.none() | st.integers(-x.ndim, x.ndim - 1))
    keepdim = data.draw(st.booleans())
    laid_out = Tensor(data.draw(strategies.layouts(x)))
    for operation, better in ((F.argmax, np.greater), (F.argmin, np.less)):
        found = operation(laid_out, dim, keepdim)
        lines = (
            x.reshape(1, -1) if dim is None else np.moveaxis(x, dim, -1).reshape(-1, x.shape[dim])
        )
        places = []
        for line in lines:
            best = 0
            for place, value in enumerate(line):
                best = place if better(value, line[best]) else best
            places.append(best)
        assert found.reshape(-1).tolist() == places
        assert found.dtype == np.int64 and type(found) is np.ndarray
        gone = range(x.ndim) if dim is None else [dim % x.ndim]
        kept = [1 if axis in gone else n for axis, n in enumerate(x.shape)]
        dropped = [n for axis, n in enumerate(x.shape) if axis not in gone]
        assert list(found.shape) == (kept if keepdim else dropped)


def test_the_first_of_equal_elements_and_nan_first_of_all():
    x = np.array([[3.0, 7.0, 7.0], [2.0, 2.0, 5.0], [1.0, np.nan, 9.0]])
    assert F.argmax(x, 1).tolist() == [1, 2, 1]
    assert F.argmin(x, 1).tolist() == [0, 0, 1]


def test_it_is_an_index():
    x = Tensor([[1.0, 5.0], [7.0, 2.0]], requires_grad=True)
    x[np.arange(2), x.argmax(1)].sum().backward()
    assert x.grad.tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert x.argmax().item() == 2 and x.argmin().item() == 0


def test_whole_numbers_and_truth_values_are_compared_as_they_are():
    assert F.argmax(Tensor([2**24, 2**24 + 1])).item() == 1  # the same in float32
    assert F.argmax(np.array([False, True])).item() == 1


def test_on_a_device_it_stays_there():
    x = Tensor(cupy.asarray(np.array([[1.0, 5.0], [7.0, 2.0]])))
    with cupy.recorded_synchronisations() as reasons:
        found = [x.argmax(1), x.argmin(), x.argmax(0, keepdim=True)]
    assert reasons == [] and all(isinstance(each, cupy.ndarray) for each in found)
    assert [each.get().tolist() for each in found] == [[1, 0], 0, [[1, 0]]]


def test_what_is_refused():
    with pytest.raises(
        ValueError, match=r"argmax: x of shape \(2, 0\) has no elements along dim 1"
    ):
        F.argmax(np.zeros((2, 0)), 1)
    with pytest.raises(ValueError, match=r"argmin: x of shape \(0,\) has no elements, so none"):
        F.argmin(np.zeros(0))
    assert F.argmax(np.zeros((0, 2)), 1).shape == (0,)
    with pytest.raises(IndexError, match="argmax: dim 2 does not exist"):
        F.argmax(np.zeros((2, 3)), 2)
    with pytest.raises(TypeError, match=r"argmax: dim must be one whole number but is \(0, 1\)"):
        F.argmax(np.zeros((2, 3)), (0, 1))
    with pytest.raises(TypeError, match="argmin: x must be a Tensor or an array but is a list"):
        F.argmin([1.0, 2.0])
