"""Hard-negative mining ends near the machine of all negatives, without holding them all."""

import numpy as np
import pytest

from minicv.training.hard_negatives import HardNegativeMiner
from minicv.vision.linear_models import fit_linear_svm

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


def test_comes_near_the_machine_of_all_negatives_with_a_part_of_them():
    positives, images = objects(), background()
    miner = mine(positives, images, retrain_after=100)
    svm = miner.finish()
    everything = np.concatenate([positives, *images])
    is_positive = np.arange(len(everything)) < len(positives)
    whole = fit_linear_svm(everything, is_positive, c=C)
    assert miner.kept < 0.6 * images.shape[0] * images.shape[1]
    agreeing = (svm.scores(everything) > 0) == (whole.scores(everything) > 0)
    assert agreeing.mean() > 0.99
    # Measured by the objective that the whole machine minimises:
    missing = np.maximum(1 - np.where(is_positive, 1, -1) * svm.scores(everything), 0)
    prices = C * np.where(is_positive, 2.0, 1.0)
    reached = 0.5 * svm.weight @ svm.weight + 0.5 * (svm.bias / 10) ** 2 + prices @ missing
    assert reached <= 1.05 * whole.objective


def test_what_lies_beyond_the_margin_does_not_join():
    miner = mine(objects(), background(1))
    kept = miner.kept
    direction = miner.svm.weight / np.linalg.norm(miner.svm.weight)
    miner.offer(-1000 * direction[None])
    assert miner.kept == kept
    miner.offer(1000 * direction[None])
    assert miner.kept == kept + 1


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
    assert (miner.svm.scores(hard) >= -1.2).all() and miner.kept >= 3


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
    scores = svm.scores(background(1)[0])
    assert np.isfinite(scores).all()
    if kind == "no positives":
        assert (svm.scores(np.concatenate(images)) < 0).all()
