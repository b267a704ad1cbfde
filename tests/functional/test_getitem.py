"""Indexing: values, adjoint for every kind of index, repeated indices, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.testing import adjoint_check, strategies

MASK = np.arange(60).reshape(3, 4, 5) % 7 < 3
INDICES = {
    "whole number": 1,
    "negative number": -1,
    "NumPy number": np.int64(2),
    "number on each axis": (1, 2, 3),
    "slice": slice(1, None),
    "slices with steps": (slice(None, None, -1), slice(0, 4, 2)),
    "empty slice": slice(2, 2),
    "ellipsis": (..., 2),
    "new axis": (None, 1, None, slice(2)),
    "nothing": (),
    "unique rows": np.array([2, 0]),
    "unique rows from the end": np.array([-1, 1]),
    "list of rows": [0, 2],
    "empty list": [],
    "list of truths": [True, False, True],
    "repeated rows": np.array([1, 1, -2, 0, 1]),
    "repeated rows, small dtype": np.array([2, 2, 0], dtype=np.uint8),
    "table of rows": np.array([[0, 1], [1, 2], [1, 1]]),
    "rows in a tuple": (np.array([1, 1]),),
    "no rows": np.zeros(0, dtype=int),
    "mask of elements": MASK,
    "mask of rows": np.array([True, False, True]),
    "mask of nothing": np.zeros(3, dtype=bool),
    "mask of pairs": (slice(None), MASK[0]),
    "mask and numbers": (np.array([True, False, True]), np.array([3, 3])),
    "pairs": (np.array([0, 0, 2]), np.array([1, 1, 3])),
    "columns": (slice(None), np.array([3, 3, 0])),
    "columns of one row": (1, np.array([3, 3, 0])),
    "separated arrays": (np.array([0, 0]), slice(None), np.array([4, 4])),
    "arrays that broadcast": (np.array([[0], [0]]), np.array([1, 2, 1])),
    "scalar array": np.array(1),
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_selects_as_numpy_and_backward_is_the_transpose(index):
    x = np.random.default_rng(0).normal(size=(3, 4, 5))
    np.testing.assert_array_equal(F.getitem(x, index).data, x[index])
    adjoint_check(lambda x: x[index], x)


@given(strategies.arrays(strategies.shapes(min_dims=1)), st.integers(0, 12), st.data())
def test_repeated_rows_add_up(x, count, data):
    rows = data.draw(st.lists(st.integers(-len(x), len(x) - 1), min_size=count, max_size=count))
    grad = np.random.default_rng(0).normal(size=(count, *x.shape[1:]))
    tensor = Tensor(data.draw(strategies.layouts(x)), requires_grad=True)
    tensor[np.array(rows, dtype=int)].backward(grad)
    expected = np.zeros_like(x)
    for row, part in zip(rows, grad, strict=True):
        expected[row] += part
    np.testing.assert_allclose(tensor.grad, expected, atol=1e-14)


def test_gradient_in_float32():
    for index in ([1, 1, 0], [1, 0], slice(1), (np.array([0, 0]), np.array([1, 1]))):
        x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        y = x[index]
        y.sum().backward()
        assert y.dtype == x.grad.dtype == np.float32
        assert x.grad.sum() == y.size


def test_rows_can_be_unpacked():
    first, second = Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert (first.data.tolist(), second.data.tolist()) == ([1.0, 2.0], [3.0, 4.0])


def test_no_elements_to_select_from():
    x = Tensor(np.zeros((0, 3)), requires_grad=True)
    y = x[np.zeros(0, dtype=int)]
    y.backward(np.zeros((0, 3)))
    assert y.shape == x.grad.shape == (0, 3)
    wide = Tensor(np.zeros((2, 0)), requires_grad=True)
    wide[np.array([1, 1, 1])].backward(np.zeros((3, 0)))
    assert wide.grad.shape == (2, 0)


def test_refusals(device):
    x = Tensor(np.zeros((2, 3)))
    with pytest.raises(IndexError, match=r"getitem: [iI]ndex 2 is out of bounds .* shape \(2, 3\)"):
        x[2]
    if device.__name__ != "cupy":  # which does not look at the numbers of an array
        with pytest.raises(IndexError, match=r"getitem: .*out of bounds"):
            x[np.array([0, 5])]
    with pytest.raises(IndexError, match="getitem: too many indices"):
        x[0, 0, 0]
    with pytest.raises(IndexError, match=r"getitem: .*valid indices"):
        x[1.5]
    with pytest.raises(TypeError, match="getitem: the index is a Tensor"):
        x[Tensor(np.array([0]))]
    with pytest.raises(TypeError, match="getitem: the index is a Tensor"):
        x[:, Tensor(np.array([0]))]


AS_ARRAYS = {
    "tuple as columns": ((slice(None), (0, 0)), (slice(None), [0, 0])),
    "negative repeats": ((slice(None), (0, -4, 3)), (slice(None), [0, 0, 3])),
    "tuple as rows": (((0, 0, -3),), ([0, 0, 0],)),
    "nested tuple": ((((0, 0), (1, 1)),), ([[0, 0], [1, 1]],)),
    "tuples as pairs": (((0, 0), (1, -3)), ([0, 0], [1, 1])),
    "tuple and list": (((0, 0), [1, 1]), ([0, 0], [1, 1])),
    "tuple and number": ((1, (2, 2)), (1, [2, 2])),
    "tuple and NumPy number": ((np.int64(1), (2, 2)), (1, [2, 2])),
    "tuple and scalar array": ((np.array(1), (2, 2)), (1, [2, 2])),
    "tuple of NumPy numbers": (((np.int64(1), np.uint8(1)),), ([1, 1],)),
    "tuple behind ...": ((..., (4, 4)), (..., [4, 4])),
    "tuple behind None": ((None, (1, 1)), (None, [1, 1])),
    "separated tuples": (((0, 0), slice(None), (4, 4)), ([0, 0], slice(None), [4, 4])),
    "truths": (((True, False, True),), ([True, False, True],)),
    "truths of columns": ((slice(None), (True, False, True, True)), (slice(None), [0, 2, 3])),
    "truth and repeats": ((True, (0, 0)), (True, [0, 0])),
    "range": (range(2), [0, 1]),
    "range of columns": ((slice(None), range(1, 3)), (slice(None), [1, 2])),
    "two ranges": ((range(2), range(2)), ([0, 1], [0, 1])),
    "empty tuple": (((),), ([],)),
    "empty range": ((range(0),), ([],)),
    "list of tuples": ([(0, 0), (1, 1)], [[0, 0], [1, 1]]),
    "tuple and column of numbers": (((0, 0), np.array([[1], [1]])), ([0, 0], [[1], [1]])),
}


@pytest.mark.parametrize(("index", "plain"), AS_ARRAYS.values(), ids=AS_ARRAYS)
def test_a_sequence_inside_of_an_index_counts_its_repeats(index, plain):
    x = np.random.default_rng(0).normal(size=(3, 4, 5))
    tensor = Tensor(x, requires_grad=True)
    y = tensor[index]
    np.testing.assert_array_equal(y.data, x[plain])
    grad = np.random.default_rng(1).normal(size=y.shape)
    y.backward(grad)
    expected = np.zeros_like(x)
    parts = plain if isinstance(plain, tuple) else (plain,)
    np.add.at(expected, tuple(p if p != [] else np.zeros(0, int) for p in parts), grad)
    np.testing.assert_allclose(tensor.grad, expected, atol=1e-14)


def test_a_column_taken_twice_gets_two_gradients():
    m = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    m[:, (0, 0)].sum().backward()
    assert m.grad.tolist() == [[2.0, 0.0], [2.0, 0.0]]


def test_sequences_that_are_no_index_are_refused():
    x = Tensor(np.zeros((2, 3)))
    with pytest.raises(IndexError, match=r"getitem: the rows of the index .* differ in length"):
        x[:, ((0,), (0, 1))]
    with pytest.raises(IndexError, match="getitem: arrays used as indices must be of integer"):
        x[:, (0.0, 1.0)]
    with pytest.raises(IndexError, match="getitem"):
        x["a"]
    with pytest.raises(TypeError, match="getitem: a list in the index holds Tensors"):
        x[[Tensor(0), Tensor(1)]]
    with pytest.raises(TypeError, match="getitem: a list in the index holds Tensors"):
        x[:, (0, Tensor(1))]
