"""descending: the greatest first, equal scores in their order, for every dtype and device."""

import cupy_stand_in as cupy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import to_numpy
from minicv.backend.ranking import best_first, descending

INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


@pytest.mark.parametrize("device", [np, cupy])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_least_and_greatest_of_every_integer(dtype, device):
    least, greatest = np.iinfo(dtype).min, np.iinfo(dtype).max
    scores = device.asarray(np.array([least, greatest, 1, least, greatest], dtype))
    order = descending(scores)
    assert isinstance(order, device.ndarray)
    assert to_numpy(order).tolist()[:2] == [1, 4]
    assert to_numpy(order).tolist() == ([1, 4, 2, 0, 3])


@given(
    st.lists(st.integers(0, 5), max_size=30),
    st.sampled_from([*INTEGERS, "float16", "float32", "float64"]),
)
def test_is_a_stable_sort_by_falling_score(scores, dtype):
    expected = sorted(range(len(scores)), key=lambda index: -scores[index])
    assert descending(np.array(scores, dtype)).tolist() == expected


def test_bools_infinity_and_nan():
    assert descending(np.array([False, True, False, True])).tolist() == [1, 3, 0, 2]
    scores = np.array([np.nan, 1, np.inf, -np.inf, np.nan])
    assert descending(scores).tolist() == [2, 1, 3, 0, 4]


@pytest.mark.parametrize("device", [np, cupy])
@given(
    st.integers(0, 3),
    st.integers(0, 60),
    st.sampled_from([0, 1, 5, 15, 100]),
    st.integers(0, 100),
    st.booleans(),
)
def test_the_best_of_each_row(device, rows, length, count, seed, with_nan):
    """A part of the order of all, wherever it is cut: scores often tie."""
    values = [0.0, 1.0, 2.0, -1.0, *[np.nan] * with_nan]
    scores = np.random.default_rng(seed).choice(values, (rows, length))
    best = best_first(device.asarray(scores), count)
    assert isinstance(best, device.ndarray) and best.shape == (rows, min(count, length))
    expected = [descending(row)[:count].tolist() for row in scores]
    assert to_numpy(best).tolist() == expected
