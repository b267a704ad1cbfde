"""Maps resized by two matrices: the sum over the weights that are not 0."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.cpu import resize_maps
from minicv.testing import strategies


def by_loops(x, rows, columns):
    y = np.zeros((*x.shape[:2], len(rows), len(columns)), x.dtype)
    for n, c, i, j in np.ndindex(y.shape):
        for h, w in np.ndindex(x.shape[2:]):
            if rows[i, h] > 1e-9 and columns[j, w] > 1e-9:
                y[n, c, i, j] += rows[i, h] * columns[j, w] * x[n, c, h, w]
    return y


@given(
    sizes=strategies.distinct_sizes(6, high=6),
    holes=st.lists(st.sampled_from([np.nan, np.inf, -np.inf]), max_size=3),
    seed=strategies.seeds(),
)
def test_equals_the_loops(sizes, holes, seed):
    n, c, h, w, oh, ow = sizes
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, c, h, w))
    rows, columns = rng.uniform(0.1, 1, (oh, h)), rng.uniform(0.1, 1, (ow, w))
    rows[rng.random(rows.shape) < 0.5] = 0
    columns[rng.random(columns.shape) < 0.5] = 1e-16
    for value in holes:
        x[tuple(rng.integers(0, length) for length in x.shape)] = value
    with np.errstate(invalid="ignore"):
        expected = by_loops(x, rows, columns)
    np.testing.assert_allclose(resize_maps(x, rows, columns), expected, atol=1e-12)


@pytest.mark.parametrize("larger", [True, False])
def test_a_sum_that_overflows_is_no_infinity(larger):
    x = np.full((1, 1, 4, 4), 3e38, np.float32)
    rows = np.repeat(np.eye(4, dtype=np.float32), 2, axis=0)
    rows = rows if larger else rows[::4]
    assert (resize_maps(x, rows, rows) == np.float32(3e38)).all()
