"""Normalised rows: mean 0 and variance 1, and a gradient that neither shift nor scale reach."""

import numpy as np
from hypothesis import given

from minicv.functional.normalized_rows import gradient_of_rows, normalized_rows
from minicv.testing import strategies

MATRICES = strategies.arrays(strategies.distinct_sizes(2, low=2))


@given(MATRICES)
def test_every_row_has_mean_zero_and_variance_one(rows):
    normalized, inverse_deviation = normalized_rows(rows, eps=0.0)
    np.testing.assert_allclose(normalized.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(normalized.var(axis=1), 1, rtol=1e-9)
    np.testing.assert_allclose(inverse_deviation[:, 0], 1 / rows.std(axis=1), rtol=1e-9)


@given(MATRICES)
def test_eps_stands_beside_the_variance(rows):
    normalized, _ = normalized_rows(rows, eps=0.5)
    expected = (rows - rows.mean(1, keepdims=True)) / np.sqrt(rows.var(1, keepdims=True) + 0.5)
    np.testing.assert_allclose(normalized, expected, rtol=1e-12)


@given(MATRICES)
def test_the_gradient_is_the_sum_of_its_parts_by_loops(rows):
    grad = np.random.default_rng(0).normal(size=rows.shape)
    normalized, inverse = normalized_rows(rows, eps=0.1)
    result = gradient_of_rows(grad, normalized, inverse)
    # d x̂_i / d x_j = ([i = j] - 1/D - x̂_i x̂_j / D) / deviation
    count = rows.shape[1]
    for r in range(len(rows)):
        x = normalized[r]
        slopes = (np.eye(count) - 1 / count - np.outer(x, x) / count) * inverse[r]
        np.testing.assert_allclose(result[r], grad[r] @ slopes, rtol=1e-9, atol=1e-12)


def test_no_rows():
    normalized, inverse = normalized_rows(np.zeros((0, 3)), eps=1e-5)
    assert normalized.shape == (0, 3) and inverse.shape == (0, 1)
    assert gradient_of_rows(normalized, normalized, inverse).shape == (0, 3)
