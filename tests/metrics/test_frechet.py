"""The Fréchet distance: SciPy's square root of matrices, diagonals by hand, few samples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.metrics.frechet import (
    Gaussian,
    fitted_gaussian,
    frechet_distance,
    frechet_distance_of,
)


def random_gaussian(rng, n):
    factor = rng.normal(size=(n, n))
    return Gaussian(rng.normal(size=n), factor @ factor.T)


@given(st.integers(1, 12), st.integers(0, 10_000))
def test_equals_the_formula_with_scipys_root(n, seed):
    sqrtm = pytest.importorskip("scipy.linalg").sqrtm
    rng = np.random.default_rng(seed)
    a, b = random_gaussian(rng, n), random_gaussian(rng, n)
    root = sqrtm(a.covariance @ b.covariance)
    expected = ((a.mean - b.mean) ** 2).sum() + np.trace(a.covariance + b.covariance - 2 * root)
    np.testing.assert_allclose(frechet_distance(a, b), expected.real, rtol=1e-6, atol=1e-6)


def test_diagonal_covariances_by_hand():
    a = Gaussian(np.array([1.0, 0.0, -1.0]), np.diag([4.0, 9.0, 0.0]))
    b = Gaussian(np.array([1.0, 2.0, 2.0]), np.diag([1.0, 16.0, 25.0]))
    # means 0 + 4 + 9; deviations (2 - 1)², (3 - 4)², (0 - 5)²
    assert frechet_distance(a, b) == pytest.approx(13 + 1 + 1 + 25)


@given(st.integers(1, 8), st.integers(0, 10_000))
def test_it_is_symmetric_nought_for_equals_and_the_same_after_a_rotation(n, seed):
    rng = np.random.default_rng(seed)
    a, b = random_gaussian(rng, n), random_gaussian(rng, n)
    own = frechet_distance(a, b)
    assert own >= 0
    np.testing.assert_allclose(frechet_distance(b, a), own, rtol=1e-6, atol=1e-6)
    assert frechet_distance(a, a) < 1e-6 * max(1.0, np.trace(a.covariance))
    turn, _ = np.linalg.qr(rng.normal(size=(n, n)))
    turned = [Gaussian(turn @ g.mean, turn @ g.covariance @ turn.T) for g in (a, b)]
    np.testing.assert_allclose(frechet_distance(*turned), own, rtol=1e-6, atol=1e-6)


def test_the_fit_is_numpys():
    features = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    fit = fitted_gaussian(features)
    np.testing.assert_allclose(fit.mean, features.astype(float).mean(axis=0))
    np.testing.assert_allclose(fit.covariance, np.cov(features.astype(float), rowvar=False))
    assert fit.mean.dtype == fit.covariance.dtype == np.float64


def test_fewer_samples_than_features():
    """No covariance has full rank; that of points on two lines at a right angle is known."""
    along, across = np.zeros((2, 5)), np.zeros((2, 5))
    along[:, 0], across[:, 1] = [-3, 3], [-4, 4]  # variances 18 and 32, in different directions
    assert frechet_distance_of(along, across) == pytest.approx(18 + 32)
    assert frechet_distance_of(along, along + 1) == pytest.approx(5)


def test_one_sample_is_a_point():
    assert frechet_distance_of(np.array([[1.0, 2.0]]), np.array([[4.0, 6.0]])) == pytest.approx(25)
    many = np.array([[0.0], [2.0]])  # mean 1, variance 2
    assert frechet_distance_of(np.array([[1.0]]), many) == pytest.approx(2)


@pytest.mark.parametrize(
    ("features", "said"),
    [
        (np.zeros((0, 3)), r"\(0, 3\); expected \(N, F\), and at least one"),
        (np.zeros(3), r"shape \(3,\)"),
        (np.array([[np.nan]]), "NaN or infinity"),
    ],
)
def test_what_is_refused(features, said):
    with pytest.raises(ValueError, match=said):
        fitted_gaussian(features)


def test_different_features_are_refused():
    with pytest.raises(ValueError, match="2 features and 3"):
        frechet_distance_of(np.zeros((4, 2)), np.zeros((4, 3)))
