"""The machines and regressors of R-CNN and SPP-net as a part of the model."""

import numpy as np

from minicv.models.detection.post_hoc import PostHoc
from minicv.vision.linear_models import LinearSVM, RidgeRegression


def fitted(units=3, pooled=5, classes=2, seed=0):
    rng = np.random.default_rng(seed)
    svms = [LinearSVM(rng.normal(size=units), float(rng.normal()), 0, 0) for _ in range(classes)]
    regressors = [
        RidgeRegression(rng.normal(size=(pooled, 4)), rng.normal(size=4)) for _ in range(classes)
    ]
    part = PostHoc(units, pooled, classes)
    part.take(svms, regressors, 0.5, 4.0)
    return part, svms, regressors


def test_scores_and_offsets_are_those_of_each_class_on_scaled_features():
    part, svms, regressors = fitted()
    rng = np.random.default_rng(1)
    units, pooled = rng.normal(size=(7, 3)), rng.normal(size=(7, 5))
    scores, offsets = part.svm_scores(units), part.box_offsets(pooled)
    assert scores.shape == (7, 2) and offsets.shape == (7, 2, 4)
    for k in range(2):
        np.testing.assert_allclose(scores[:, k], svms[k].scores(0.5 * units), rtol=1e-5)
        expected = regressors[k].predict(4.0 * pooled)
        np.testing.assert_allclose(offsets[:, k], expected, rtol=1e-4, atol=1e-5)


def test_checkpoints_hold_it_and_training_does_not_touch_it():
    part, _, _ = fitted()
    other = PostHoc(3, 5, 2)
    assert not other.is_fitted and list(other.parameters()) == []
    other.load_state_dict(part.state_dict())
    assert other.is_fitted
    units = np.ones((1, 3), np.float32)
    np.testing.assert_array_equal(other.svm_scores(units), part.svm_scores(units))


def test_no_regions():
    part, _, _ = fitted()
    assert part.svm_scores(np.zeros((0, 3))).shape == (0, 2)
    assert part.box_offsets(np.zeros((0, 5))).shape == (0, 2, 4)
