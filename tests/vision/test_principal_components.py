"""PCA against the singular value decomposition, by hand, and where there is nothing to vary."""

import numpy as np
import pytest

from minicv.vision.principal_components import fit_principal_components


@pytest.mark.parametrize(("number", "size"), [(40, 7), (7, 40), (9, 9), (5000, 3)])
def test_equals_the_singular_value_decomposition(number, size):
    rng = np.random.default_rng(number)
    vectors = rng.normal(3, 1, (number, size)) * np.arange(1, size + 1) ** 1.5
    count = min(number, size) // 2 + 1
    found = fit_principal_components(vectors.astype(np.float32), count)
    centred = vectors - vectors.mean(axis=0)
    _, singular, rows = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(found.variances, singular[:count] ** 2 / number, rtol=1e-4)
    np.testing.assert_allclose(np.abs((found.components * rows[:count]).sum(axis=1)), 1, rtol=1e-4)
    np.testing.assert_allclose(found.components @ found.components.T, np.eye(count), atol=1e-6)
    # The error that is left is the variance of the directions that are left.
    left = np.square(found.back(found.project(vectors)) - vectors).sum() / number
    expected = (singular[count:] ** 2).sum() / number
    np.testing.assert_allclose(left, expected, rtol=1e-3, atol=1e-2 * found.variances[0] * 1e-4)


def test_by_hand():
    points = np.array([[0.0, 0.0], [3.0, 4.0], [-3.0, -4.0], [0.4, -0.3], [-0.4, 0.3]])
    found = fit_principal_components(points, 2)
    np.testing.assert_allclose(found.mean, 0, atol=1e-12)
    np.testing.assert_allclose(found.components, [[0.6, 0.8], [0.8, -0.6]], atol=1e-12)
    np.testing.assert_allclose(found.variances, [10, 0.1], rtol=1e-9)
    np.testing.assert_allclose(found.project(points[3:4]), [[0, 0.5]], atol=1e-12)
    one = fit_principal_components(points, 1)
    np.testing.assert_allclose(one.back(one.project(points))[3], [0, 0], atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 4), (6, 4), (3, 8)])
def test_equal_vectors_have_no_variance_and_directions_all_the_same(shape):
    found = fit_principal_components(np.full(shape, 0.25), 1)
    assert found.variances.tolist() == [0.0]
    np.testing.assert_allclose(np.square(found.components).sum(axis=1), 1)
    np.testing.assert_allclose(found.back(found.project(np.full(shape, 0.25))), 0.25)


def test_fewer_directions_that_vary_than_are_asked_for():
    vectors = np.outer([1.0, 2.0, 4.0], np.arange(6.0))  # all on one line
    found = fit_principal_components(vectors, 3)
    np.testing.assert_allclose(found.components @ found.components.T, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(found.back(found.project(vectors)), vectors, atol=1e-9)


@pytest.mark.parametrize(
    ("vectors", "count", "said"),
    [
        (np.zeros((3, 4)), 0, "count is 0"),
        (np.zeros((3, 4)), 4, "smaller of N and P"),
        (np.zeros(4), 1, r"shape \(4,\)"),
        (np.zeros((0, 4)), 1, r"\(0, 4\)"),
        (np.full((3, 4), np.nan), 1, "NaN"),
    ],
)
def test_what_has_no_components_is_refused(vectors, count, said):
    with pytest.raises(ValueError, match=said):
        fit_principal_components(vectors, count)
