"""The argument dim: negative numbers, tuples, and what is refused."""

import numpy as np
import pytest

from minicv.functional.dims import count_along, kept_shape, normalized_dim, normalized_dims


def test_normal_form():
    assert normalized_dims("sum", None, 3) == (0, 1, 2)
    assert normalized_dims("sum", None, 0) == ()
    assert normalized_dims("sum", -1, 3) == (2,)
    assert normalized_dims("sum", [2, -3], 3) == (2, 0)


def test_refusals_name_the_operation():
    with pytest.raises(IndexError, match=r"sum: dim 3 does not exist; allowed are -3\.\.2"):
        normalized_dims("sum", 3, 3)
    with pytest.raises(IndexError, match=r"sum: dim 0 does not exist; .* x is a single number"):
        normalized_dims("sum", 0, 0)
    with pytest.raises(ValueError, match=r"sum: dim names an axis twice: \(0, -2\) with 2 axes"):
        normalized_dims("sum", (0, -2), 2)
    with pytest.raises(TypeError, match=r"sum: dim must be a whole number, .* but is 1\.5"):
        normalized_dims("sum", 1.5, 2)


def test_shape_and_count_of_a_reduction():
    assert kept_shape((2, 3, 4), (0, 2)) == (1, 3, 1)
    assert count_along((2, 3, 4), (0, 2)) == 8
    assert count_along((2, 3, 4), ()) == 1
    assert count_along((2, 0, 4), (1,)) == 0


def test_an_empty_tuple_names_no_axis():
    assert normalized_dims("sum", (), 3) == normalized_dims("sum", [], 3) == ()


def test_one_axis():
    assert normalized_dim("softmax", -1, 3) == normalized_dim("softmax", np.int64(2), 3) == 2
    with pytest.raises(IndexError, match=r"softmax: dim 3 does not exist"):
        normalized_dim("softmax", 3, 3)
    for wrong in (None, (0,), 1.0, "a", True, np.True_):
        with pytest.raises(TypeError, match="flatten: start_dim must be one whole number but is"):
            normalized_dim("flatten", wrong, 3, "start_dim")
