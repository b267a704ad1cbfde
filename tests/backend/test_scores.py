"""Distances to the largest score: finite, infinite and missing, on the host and on a device."""

import cupy_stand_in as cupy
import numpy as np
import pytest

from minicv.backend import to_numpy
from minicv.backend.scores import below_the_largest, beside_the_largest

INF, NAN = np.inf, np.nan
ROWS = {
    "finite": ([1.0, 3.0, -2.0], [-2.0, 0.0, -5.0]),
    "masked": ([1.0, -INF, 0.0], [0.0, -INF, -1.0]),
    "infinite": ([1.0, INF, -INF], [-INF, 0.0, -INF]),
    "two infinite": ([INF, INF, 7.0], [0.0, 0.0, -INF]),
    "none": ([-INF, -INF, -INF], [NAN, NAN, NAN]),
    "unknown": ([1.0, NAN, 2.0], [NAN, NAN, NAN]),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("move", [np.asarray, cupy.asarray])
def test_each_row_on_its_own(move, dtype):
    scores = move(np.array([row for row, _ in ROWS.values()], dtype))
    with cupy.recorded_synchronisations() as reasons:
        result = below_the_largest(scores, axis=1)
    assert reasons == []
    assert result.dtype == dtype
    expected = np.array([row for _, row in ROWS.values()])
    np.testing.assert_array_equal(to_numpy(result), expected)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_any_axis(axis):
    scores = np.random.default_rng(0).normal(size=(3, 4, 5))
    expected = scores - scores.max(axis=axis, keepdims=True)
    np.testing.assert_array_equal(below_the_largest(scores, axis), expected)


def test_complex_steps_stay_small():
    step = below_the_largest(np.array([1.0 + 1e-20j, 0.5]), axis=0)
    assert step.tolist() == [1e-20j, -0.5]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("move", [np.asarray, cupy.asarray])
def test_the_rest_beside_the_largest_keeps_its_digits(move, dtype):
    distances = np.array([[0, -50, -60], [0, 0, -40], [0, -0.5, -1], [0, 0, 0], [0, -INF, -INF]])
    others = [np.exp(-50) + np.exp(-60), 1 + np.exp(-40), np.exp(-0.5) + np.exp(-1), 2, 0]
    with cupy.recorded_synchronisations() as reasons:
        rest = beside_the_largest(move(distances.astype(dtype)), axis=1)
    assert reasons == []
    assert rest.dtype == dtype
    np.testing.assert_allclose(to_numpy(rest)[:, 0], others, rtol=4 * np.finfo(dtype).eps)
