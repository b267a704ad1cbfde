"""Ridge regression is the closed form, whichever of its two sides is computed."""

import numpy as np
import pytest

from minicv.vision.linear_models import fit_ridge_regression


def example(count, size, targets=4, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, size))
    mixed = features @ rng.normal(size=(size, targets)) + rng.normal(size=(count, targets))
    return features, mixed @ rng.normal(size=(targets, targets)) + rng.normal(size=targets)


@pytest.mark.parametrize(("count", "size"), [(50, 7), (7, 50), (8, 7), (7, 7), (1, 3)])
@pytest.mark.parametrize("penalty", [0.1, 1000.0])
def test_is_the_closed_form(count, size, penalty):
    features, targets = example(count, size)
    # As published: whiten the targets, solve the normal equations by an inverse, undo it.
    mean = targets.mean(axis=0)
    variances, axes = np.linalg.eigh((targets - mean).T @ (targets - mean) / count)
    whiten = axes @ np.diag(1 / np.sqrt(variances + 1e-3)) @ axes.T
    x = np.concatenate([features, np.ones((count, 1))], axis=1)
    inverse = np.linalg.inv(x.T @ x + penalty * np.eye(size + 1))
    weights = inverse @ x.T @ ((targets - mean) @ whiten)
    expected = x @ weights @ np.linalg.inv(whiten) + mean
    fitted = fit_ridge_regression(features, targets, penalty)
    np.testing.assert_allclose(fitted.predict(features), expected, rtol=1e-8, atol=1e-8)


def test_gradient_of_the_objective_vanishes_at_the_weights():
    """With one target whitening only scales, so the optimum is that of the plain objective."""
    features, targets = example(40, 5, targets=1)
    fitted = fit_ridge_regression(features, targets, 3.0)
    bias = fitted.bias - targets.mean(axis=0)  # the mean itself costs nothing
    missing = targets - targets.mean(axis=0) - features @ fitted.weight - bias
    np.testing.assert_allclose(features.T @ missing, 3.0 * fitted.weight, atol=1e-8)
    np.testing.assert_allclose(missing.sum(axis=0), 3.0 * bias, atol=1e-8)


def test_small_penalty_recovers_a_line_and_a_large_one_the_mean():
    features, _ = example(30, 3)
    targets = features @ np.arange(6.0).reshape(3, 2) + np.array([5.0, -2.0])
    exact = fit_ridge_regression(features, targets, 1e-9)
    np.testing.assert_allclose(exact.weight, np.arange(6.0).reshape(3, 2), atol=1e-6)
    np.testing.assert_allclose(exact.bias, [5, -2], atol=1e-6)
    held = fit_ridge_regression(features, targets, 1e12)
    np.testing.assert_allclose(held.predict(features), targets.mean(axis=0)[None] + 0 * targets)


def test_no_examples_predict_nothing_and_a_constant_target_is_met():
    nothing = fit_ridge_regression(np.zeros((0, 3), "float32"), np.zeros((0, 4), "float32"))
    assert nothing.weight.dtype == "float32"
    assert nothing.predict(np.ones((2, 3), "float32")).tolist() == [[0] * 4] * 2
    features, _ = example(9, 3)
    constant = fit_ridge_regression(features, np.full((9, 2), 7.0))
    np.testing.assert_allclose(constant.predict(features), 7.0)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"features has shape \(3, 2\) and targets \(4, 1\)"):
        fit_ridge_regression(np.zeros((3, 2)), np.zeros((4, 1)))
    with pytest.raises(ValueError, match="features is int64; expected floats"):
        fit_ridge_regression(np.zeros((3, 2), int), np.zeros((3, 1)))
    with pytest.raises(ValueError, match="penalty is 0"):
        fit_ridge_regression(np.zeros((3, 2)), np.zeros((3, 1)), 0)
