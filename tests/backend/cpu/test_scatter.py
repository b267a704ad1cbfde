"""scatter_add: against a loop, in every dtype, without rows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.cpu import scatter_add
from minicv.testing import strategies


@given(strategies.shapes(0, 2, allow_empty=True), st.integers(0, 9), st.integers(1, 5), st.data())
def test_equals_a_loop(row_shape, count, length, data):
    values = data.draw(strategies.arrays((count, *row_shape)))
    index = np.array(
        data.draw(st.lists(st.integers(0, length - 1), min_size=count, max_size=count)), dtype=int
    )
    expected = np.zeros((length, *row_shape))
    for row, value in zip(index, values, strict=True):
        expected[row] += value
    result = scatter_add(data.draw(strategies.layouts(values)), index, length)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, atol=1e-14)


def test_keeps_the_dtype():
    for dtype in ("float32", "float64"):
        for shape in ((3,), (3, 1), (3, 2), (0, 2)):
            assert scatter_add(np.ones(shape, dtype), np.arange(shape[0]), 4).dtype == dtype


def test_is_the_same_each_time():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(1000, 8)).astype("float32")
    index = rng.integers(0, 5, 1000)
    np.testing.assert_array_equal(scatter_add(values, index, 5), scatter_add(values, index, 5))
