"""The linear SVM against liblinear and its own optimality; ridge regression and its closed form."""

from pathlib import Path

import numpy as np
import pytest

from minicv.vision.linear_models import fit_linear_svm, fit_ridge_regression

FIXTURE = Path(__file__).parents[1] / "fixtures" / "linear_svm.npz"
CASES = ("rcnn", "balanced", "dear", "more_features", "separable")


def case(name):
    with np.load(FIXTURE) as kept:
        return {key.split("/")[1]: kept[key] for key in kept.files if key.startswith(name + "/")}


def objective(svm, kept, c, positive_weight, bias_feature=10.0):
    """By the formula, without the solver's help."""
    w, b = svm.weight.astype(np.float64), svm.bias
    total = 0.5 * sum(w * w) + 0.5 * (b / bias_feature) ** 2
    for x, positive in zip(kept["features"].astype(np.float64), kept["is_positive"], strict=True):
        missing = 1 - (1 if positive else -1) * (x @ w + b)
        total += c * (positive_weight if positive else 1) * max(0.0, missing)
    return total


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_objective_is_liblinears(name, dtype):
    kept = case(name)
    c, weight = float(kept["c"]), float(kept["positive_weight"])
    svm = fit_linear_svm(
        kept["features"].astype(dtype), kept["is_positive"], c=c, positive_weight=weight
    )
    reached = objective(svm, kept, c, weight)
    least = float(kept["objective"])
    assert svm.weight.dtype == dtype
    assert least * (1 - 1e-6) <= reached <= least * (1 + 2e-4)
    assert svm.objective == pytest.approx(reached, rel=1e-4)
    # The gap is a promise about the optimum.
    assert svm.objective - svm.gap <= least * (1 + 1e-6)


def test_tighter_tolerance_finds_the_same_weights():
    kept = case("rcnn")
    svm = fit_linear_svm(kept["features"].astype("float64"), kept["is_positive"], tolerance=1e-9)
    np.testing.assert_allclose(svm.weight, kept["weight"], atol=1e-4)
    assert svm.bias == pytest.approx(float(kept["bias"]), abs=1e-4)


def test_start_from_the_solution_is_near_it_and_ends_there():
    kept = case("rcnn")
    features, is_positive = kept["features"], kept["is_positive"]
    first = fit_linear_svm(features[:500], is_positive[:500])
    cold = fit_linear_svm(features, is_positive, tolerance=1e-5)
    warm = fit_linear_svm(features, is_positive, tolerance=1e-5, start=first)
    assert warm.objective == pytest.approx(cold.objective, rel=2e-5)


def test_scores_are_the_formula():
    kept = case("balanced")
    svm = fit_linear_svm(kept["features"], kept["is_positive"])
    expected = [sum(x * svm.weight) + svm.bias for x in kept["features"][:5]]
    np.testing.assert_allclose(svm.scores(kept["features"][:5]), expected, rtol=1e-4)


def test_features_are_not_changed():
    kept = case("balanced")
    before = kept["features"].copy()
    fit_linear_svm(kept["features"], kept["is_positive"])
    np.testing.assert_array_equal(kept["features"], before)


@pytest.mark.parametrize("sign", [True, False])
def test_one_kind_alone_is_scored_as_that_kind(sign):
    features = np.random.default_rng(0).random((20, 3))
    svm = fit_linear_svm(features, np.full(20, sign), c=1.0)
    assert (svm.scores(features) > 0).tolist() == [sign] * 20


def test_no_regions_and_no_features():
    svm = fit_linear_svm(np.zeros((0, 3), "float32"), np.zeros(0, bool))
    assert svm.weight.tolist() == [0, 0, 0] and svm.bias == 0 and svm.objective == 0
    # The bias alone, and positives twice as dear: f = 1, where each negative pays 2.
    svm = fit_linear_svm(np.zeros((4, 0)), np.array([True, True, False, False]), c=1.0)
    assert svm.weight.shape == (0,)
    assert svm.objective == pytest.approx(2 * 2 + 0.5 * (1 / 10) ** 2, rel=1e-3)


def test_an_svm_refuses_what_cannot_be_learnt_from():
    features, signs = np.zeros((3, 2)), np.zeros(3, bool)
    with pytest.raises(ValueError, match=r"features expects floats of shape \(R, D\)"):
        fit_linear_svm(features[0], signs)
    with pytest.raises(ValueError, match="is_positive expects one bool per row"):
        fit_linear_svm(features, signs.astype(int))
    for name in ("c", "positive_weight", "bias_feature", "tolerance"):
        with pytest.raises(ValueError, match=f"svm: {name} is 0; expected a number above 0"):
            fit_linear_svm(features, signs, **{name: 0})


def example(count, size, targets=4, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, size))
    mixed = features @ rng.normal(size=(size, targets)) + rng.normal(size=(count, targets))
    return features, mixed @ rng.normal(size=(targets, targets)) + rng.normal(size=targets)


@pytest.mark.parametrize(("count", "size"), [(50, 7), (7, 50), (8, 7), (7, 7), (1, 3)])
@pytest.mark.parametrize("penalty", [0.1, 1000.0])
def test_ridge_regression_is_the_closed_form(count, size, penalty):
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


def test_ridge_regression_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match=r"features has shape \(3, 2\) and targets \(4, 1\)"):
        fit_ridge_regression(np.zeros((3, 2)), np.zeros((4, 1)))
    with pytest.raises(ValueError, match="features is int64; expected floats"):
        fit_ridge_regression(np.zeros((3, 2), int), np.zeros((3, 1)))
    with pytest.raises(ValueError, match="penalty is 0"):
        fit_ridge_regression(np.zeros((3, 2)), np.zeros((3, 1)), 0)


def test_float16_features_are_computed_in_float32():
    """Their sums overflow float16: 100 features of 50 times weights of 10."""
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal(50, 1, (20, 100)), rng.normal(-50, 1, (20, 100))])
    narrow = features.astype(np.float16)
    is_positive = np.arange(40) < 20
    svm, wide = (fit_linear_svm(x, is_positive) for x in (narrow, narrow.astype(np.float32)))
    assert svm.weight.dtype == np.float32
    np.testing.assert_array_equal(svm.weight, wide.weight)
    targets = features[:, :2] * 1000
    ridge, wide = (fit_ridge_regression(x, targets) for x in (narrow, narrow.astype(np.float32)))
    np.testing.assert_array_equal(ridge.weight, wide.weight)
    assert np.isfinite(ridge.predict(narrow)).all()
