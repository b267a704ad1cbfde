"""SVMs and box regressors: fitted to the right regions, with hard-negative mining, from disk."""

import numpy as np
import pytest
from box_loops import iou
from fixed_proposers import FixedBoxes
from short_training import make_image, target

from minicv.models.backbones import SmallBackbone
from minicv.models.detection import RCNN, RCNNSettings, SPPNet, SPPNetSettings
from minicv.models.detection.rcnn import RegionFeatures
from minicv.proposals import SlidingWindow
from minicv.training.svms import HardNegativeMiner, RegionCache, describe_regions, fit_svms
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
    return fit_svms(model, data, folder, np.random.default_rng(0))


@both
def test_each_class_gets_the_svm_and_the_regressor_of_its_regions(kind, tmp_path):
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
    np.testing.assert_allclose(model.svms(raw_units)[:, 1], expected, atol=2e-2)
    assert (model.svms(raw_units)[:, 0] < 0).all()  # there is no cow

    near = overlap.max(axis=1) > 0.6
    reached = truth["boxes"][overlap.argmax(axis=1)][near]
    scaled = pooled[near] * (20 / np.linalg.norm(pooled[near], axis=1).mean())
    ridge = fit_ridge_regression(scaled, encode_boxes(reached, boxes[near]))
    found = model.box_regressors(pooled[near]).reshape(-1, 2, 4)
    np.testing.assert_allclose(found[:, 1], ridge.predict(scaled), atol=1e-4)
    assert (found[:, 0] == 0).all()
    assert report.regression_pairs == (0, near.sum()) and report.regions == len(boxes)


@both
def test_what_it_costs_is_reported_and_the_network_stays(kind, tmp_path):
    model = make_model(kind).train()
    fitted = ("svms.", "box_regressors.")
    before = {n: a for n, a in model.state_dict().items() if not n.startswith(fitted)}
    data = [(make_image(48, 48, seed), target([4, 4, 30, 30])) for seed in range(3)]
    report = run(model, data, tmp_path)
    assert set(report.seconds) == {"proposals", "features", "svm", "regression"}
    assert all(seconds > 0 for seconds in report.seconds.values())
    assert report.bytes_on_disk == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert report.bytes_on_disk > report.regions * 8 * 4  # float32, 8 units
    after = model.state_dict()
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array, err_msg=name)
    assert model.svms.is_fitted and model.box_regressors.is_fitted and model.training
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


# The regions of a data set, and their features on disk


def boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


def describe(true=(), labels=(), difficult=(), difficult_labels=(), proposals=()):
    target = {
        "boxes": boxes(*true, *difficult),
        "labels": np.array([*labels, *difficult_labels], np.int64),
        "difficult": np.arange(len(true) + len(difficult)) >= len(true),
    }
    return describe_regions(target, boxes(*proposals), classes=3, near_iou=0.6)


def test_overlaps_and_matches():
    cow, duck = (0, 0, 10, 10), (20, 0, 30, 10)
    regions = describe(
        true=[cow, duck], labels=[2, 0], proposals=[(0, 0, 10, 8), (20, 0, 30, 5), (50, 50, 60, 60)]
    )
    np.testing.assert_allclose(
        regions.overlap, [[0, 0, 1], [1, 0, 0], [0, 0, 0.8], [0.5, 0, 0], [0, 0, 0]]
    )
    assert regions.matched[:4].tolist() == [0, 1, 0, 1]
    assert regions.near.tolist() == [0, 1, 2]


def test_difficult_objects_are_no_background_and_nothing_to_regress_to():
    regions = describe(difficult=[(0, 0, 10, 10)], difficult_labels=[1], proposals=[(0, 0, 10, 9)])
    assert len(regions.boxes) == 1 and regions.near.tolist() == []
    np.testing.assert_allclose(regions.overlap, [[0, 0.9, 0]])


def test_nothing_at_all():
    regions = describe()
    assert regions.overlap.shape == (0, 3) and regions.near.shape == (0,)
    alone = describe(proposals=[(0, 0, 4, 4)])
    assert alone.overlap.tolist() == [[0, 0, 0]] and alone.near.tolist() == []


def test_what_was_added_is_read_back_and_counted(tmp_path):
    cache = RegionCache(tmp_path / "features")
    rng = np.random.default_rng(0)
    kept = []
    for images in (2, 0, 1):
        proposals = [(0, 0, 10, 9 - k) for k in range(images)]
        regions = describe(true=[(0, 0, 10, 10)], labels=[1], proposals=proposals)
        count = len(regions.boxes)
        features = RegionFeatures(
            rng.normal(size=(count, 4)).astype(np.float32),
            rng.normal(size=(count, 3)).astype(np.float32),
        )
        cache.add(regions, features)
        kept.append((regions, features))
    for (regions, features), (same, units), (_, pooled) in zip(
        kept, cache.units(), cache.pooled(), strict=True
    ):
        assert same is regions
        np.testing.assert_array_equal(units, features.units)
        np.testing.assert_array_equal(pooled, features.pooled[regions.near])
    files = list((tmp_path / "features").iterdir())
    assert len(files) == 6
    assert cache.bytes_on_disk == sum(path.stat().st_size for path in files)
    units = np.concatenate([features.units for _, features in kept])
    scaled = units * cache.scale("units", 20.0)
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=1).mean(), 20, rtol=1e-5)


def test_no_features_are_not_scaled(tmp_path):
    cache = RegionCache(tmp_path)
    assert cache.scale("units", 20.0) == 1.0
    regions = describe(proposals=[(0, 0, 4, 4)])
    cache.add(regions, RegionFeatures(np.zeros((1, 2)), np.zeros((1, 2))))
    assert cache.scale("units", 20.0) == 1.0 and cache.scale("pooled", 20.0) == 1.0


# Hard-negative mining

C = 1e-2


def background(images=20, regions=100, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(images, regions, 8)) * 5


def objects(count=30, seed=1):
    return np.random.default_rng(seed).normal(size=(count, 8)) * 5 + 6


def mine(positives, images, **options):
    miner = HardNegativeMiner(positives, c=C, **options)
    for image in images:
        miner.offer(image)
    return miner


def test_comes_near_the_svm_of_all_negatives_with_a_part_of_them():
    positives, images = objects(), background()
    miner = mine(positives, images, retrain_after=100)
    svm = miner.finish()
    everything = np.concatenate([positives, *images])
    is_positive = np.arange(len(everything)) < len(positives)
    whole = fit_linear_svm(everything, is_positive, c=C)
    assert miner.held < 0.6 * images.shape[0] * images.shape[1]
    agreeing = (svm.scores(everything) > 0) == (whole.scores(everything) > 0)
    assert agreeing.mean() > 0.99
    # Measured by the objective that the SVM of all negatives minimises:
    missing = np.maximum(1 - np.where(is_positive, 1, -1) * svm.scores(everything), 0)
    prices = C * np.where(is_positive, 2.0, 1.0)
    reached = 0.5 * svm.weight @ svm.weight + 0.5 * (svm.bias / 10) ** 2 + prices @ missing
    assert reached <= 1.05 * whole.objective


def test_what_lies_beyond_the_margin_does_not_join():
    miner = mine(objects(), background(1))
    held = miner.held
    direction = miner.svm.weight / np.linalg.norm(miner.svm.weight)
    miner.offer(-1000 * direction[None])
    assert miner.held == held
    miner.offer(1000 * direction[None])
    assert miner.held == held + 1


def test_retrains_only_when_enough_have_joined():
    miner = mine(objects(), background(1), retrain_after=3)
    first = miner.svm
    hard = 100 * miner.svm.weight[None]
    miner.offer(hard)
    miner.offer(hard)
    assert miner.svm is first
    miner.offer(hard)
    assert miner.svm is not first
    # What was well inside of the background after that is let go.
    assert (miner.svm.scores(hard) >= -1.2).all() and miner.held >= 3


def test_finish_takes_in_what_has_joined_last():
    miner = mine(objects(), background(1), retrain_after=1000)
    before = miner.svm
    miner.offer(100 * before.weight[None])
    assert miner.finish() is not before


@pytest.mark.parametrize("kind", ["no positives", "no negatives", "neither"])
def test_one_kind_may_be_missing(kind):
    positives = objects(0 if kind != "no negatives" else 5)
    images = background(2, 10 if kind == "no positives" else 0)
    svm = mine(positives, images).finish()
    if kind == "no negatives":
        assert (svm.scores(positives) > 0).all()
    elif kind == "no positives":
        assert (svm.scores(np.concatenate(images)) < 0).all()
    else:  # nothing is known of anything
        assert (svm.scores(background(1)[0]) == 0).all()
