"""Machines and regressors are fitted to the features of the network, for any data set."""

import numpy as np
import pytest
from box_loops import iou
from fixed_proposers import FixedBoxes
from short_training import make_image, target

from minicv.models.backbones import SmallBackbone
from minicv.models.detection import RCNN, RCNNSettings, SPPNet, SPPNetSettings
from minicv.proposals import SlidingWindow
from minicv.training import train_post_hoc
from minicv.vision.boxes import encode_boxes
from minicv.vision.linear_models import fit_linear_svm, fit_ridge_regression

WINDOWS = SlidingWindow(sizes=(12.0, 24.0), step=0.25)
SETTINGS = {
    RCNN: RCNNSettings(warp_size=32, context=4, pooled_size=2, head_units=8, score_threshold=0.0),
    SPPNet: SPPNetSettings(scales=(64,), max_size=96, head_units=8, score_threshold=0.0),
}
both = pytest.mark.parametrize("kind", SETTINGS, ids=lambda kind: kind.__name__)


def make_model(kind, proposer=WINDOWS):
    rng = np.random.default_rng(0)
    return kind(SmallBackbone(4, rng=rng), ("cow", "duck"), proposer, SETTINGS[kind], rng=rng)


def run(model, data, folder):
    return train_post_hoc(model, data, folder, np.random.default_rng(0))


@both
def test_each_class_gets_the_machine_and_the_regressor_of_its_regions(kind, tmp_path):
    """One image, so that mining leaves no negative out."""
    model, image = make_model(kind), make_image(48, 48)
    truth = target([0.7, 1.1, 24.3, 23.8], [20.3, 19.8, 40.9, 46.2], label=1)
    report = run(model, [(image, truth)], tmp_path)
    proposals, _ = model.propose(image, np.random.default_rng(0))
    boxes = np.concatenate([truth["boxes"], proposals])
    pooled, units = model.region_features(image, boxes)
    overlap = np.array([[iou(a, b) for b in truth["boxes"]] for a in boxes])
    units = units * (20 / np.linalg.norm(units, axis=1).mean())
    positive = np.arange(len(boxes)) < 2
    learnt = positive | (overlap.max(axis=1) < 0.3)
    svm = fit_linear_svm(units[learnt], positive[learnt])
    expected = svm.scores(units)
    _, raw_units = model.region_features(image, boxes)
    np.testing.assert_allclose(model.post_hoc.svm_scores(raw_units)[:, 1], expected, atol=2e-2)
    assert (model.post_hoc.svm_scores(raw_units)[:, 0] < 0).all()  # there is no cow

    near = overlap.max(axis=1) > 0.6
    reached = truth["boxes"][overlap.argmax(axis=1)][near]
    scaled = pooled[near] * (20 / np.linalg.norm(pooled[near], axis=1).mean())
    ridge = fit_ridge_regression(scaled, encode_boxes(reached, boxes[near]))
    found = model.post_hoc.box_offsets(pooled[near])
    np.testing.assert_allclose(found[:, 1], ridge.predict(scaled), atol=1e-4)
    assert (found[:, 0] == 0).all()
    assert report.regression_pairs == (0, near.sum()) and report.regions == len(boxes)


@both
def test_what_it_costs_is_reported_and_the_network_stays(kind, tmp_path):
    model = make_model(kind).train()
    before = {n: a for n, a in model.state_dict().items() if not n.startswith("post_hoc")}
    data = [(make_image(48, 48, seed), target([4, 4, 30, 30])) for seed in range(3)]
    report = run(model, data, tmp_path)
    assert set(report.seconds) == {"proposals", "features", "svm", "regression"}
    assert all(seconds > 0 for seconds in report.seconds.values())
    assert report.bytes_on_disk == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert report.bytes_on_disk > report.regions * 8 * 4  # float32, 8 units
    after = model.state_dict()
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array, err_msg=name)
    assert model.post_hoc.is_fitted and model.training
    # A checkpoint is enough to detect the same.
    other = make_model(kind)
    other.load_state_dict(after)
    first, second = model.predict([data[0][0]])[0], other.predict([data[0][0]])[0]
    np.testing.assert_array_equal(first["scores"], second["scores"])


@both
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (40, 2), (40, 40)])
@pytest.mark.parametrize("proposer", [FixedBoxes(()), FixedBoxes(((0, 0, 1, 1),))])
def test_images_with_nothing_in_them_pass(kind, proposer, height, width, tmp_path):
    model, image = make_model(kind, proposer), make_image(height, width)
    report = run(model, [(image, target())], tmp_path)
    assert report.regression_pairs == (0, 0)
    found = model.predict([image])[0]
    assert np.isfinite(found["scores"]).all() and found["boxes"].shape[1] == 4


@both
def test_empty_data_set_and_one_without_proposals_pass(kind, tmp_path):
    model = make_model(kind, FixedBoxes(()))
    assert run(model, [], tmp_path / "none").regions == 0
    data = [(make_image(40, 40), target([2, 2, 30, 30])), (make_image(40, 40, 1), target())]
    report = run(model, data, tmp_path / "some")
    assert report.regions == 1 and report.regression_pairs == (0, 1)


def test_a_degenerate_box_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="image 0: boxes"):
        run(make_model(RCNN), [(make_image(40, 40), target([4, 4, 4, 9]))], tmp_path)
