"""BING: suppression on the grid, training, and pictures of nothing."""

import numpy as np
import pytest
import trained_proposers
from hypothesis import given
from hypothesis import strategies as st

from minicv.proposals.bing import Bing, BingModel, suppress_close
from minicv.proposals.bing_training import _separate, train_bing
from minicv.vision import box_iou

RNG = np.random.default_rng(0)  # not used by the method


@given(
    seed=st.integers(0, 10_000),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    radius=st.integers(0, 3),
    most=st.integers(1, 12),
)
def test_suppression_against_loops(seed, height, width, radius, most):
    scores = np.random.default_rng(seed).integers(0, 9, (height, width)) / 4  # many ties
    waiting = sorted(np.ndindex(height, width), key=lambda place: -scores[place])
    kept = []
    for place in waiting:
        if all(max(abs(place[0] - k[0]), abs(place[1] - k[1])) > radius for k in kept):
            kept.append(place)
    rows, columns = suppress_close(scores, radius, most)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == kept[:most]


@given(seed=st.integers(0, 10_000), positives=st.integers(0, 40))
def test_stage_two_is_at_its_optimum(seed, positives):
    """The gradient of the squared hinge with its two penalties is 0."""
    rng = np.random.default_rng(seed)
    is_positive = np.arange(40) < positives
    score = rng.normal(size=40) + 0.7 * is_positive
    v, t = _separate(score, is_positive)
    signs = np.where(is_positive, 1, -1)
    missing = np.maximum(1 - signs * (v * score + t), 0)
    assert v - 2 * (missing * signs * score).sum() == pytest.approx(0, abs=1e-7)
    assert t - 2 * (missing * signs).sum() == pytest.approx(0, abs=1e-7)


def test_trained_windows_find_the_farmyards_things():
    images, boxes = trained_proposers.scenes(8, 2)
    proposer = Bing(trained_proposers.bing_model(), most_boxes=1000)
    best = []
    for image, objects in zip(images, boxes, strict=True):
        found, scores = proposer.propose(image, RNG)
        assert (np.diff(scores) <= 0).all() and found.dtype == scores.dtype == np.float32
        assert (found[:, :2] >= 0).all() and (found[:, 2:] <= 128).all()
        best.append(box_iou(objects, found).max(axis=1))
    assert (np.concatenate(best) >= 0.5).mean() >= 0.95


def test_training_ranks_better_than_no_training():
    images, boxes = trained_proposers.scenes(8, 2)
    untrained = BingModel((1.0,) * 64, (1.0,) * 36, (0.0,) * 36)

    def recall(model):
        best = [
            box_iou(objects, Bing(model).propose(image, RNG)[0][:50]).max(axis=1)
            for image, objects in zip(images, boxes, strict=True)
        ]
        return (np.concatenate(best) >= 0.5).mean()

    assert recall(trained_proposers.bing_model()) > recall(untrained)


def test_the_same_seed_gives_the_same_model():
    images, boxes = trained_proposers.scenes(3, 4)
    one, other = (train_bing(images, boxes, np.random.default_rng(5)) for _ in range(2))
    assert one == other and repr(one) == repr(other)


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (7, 5), (60, 70)])
def test_pictures_of_nothing(size):
    image = np.full((3, *size), 0.4, np.float32)
    boxes, scores = Bing(trained_proposers.bing_model()).propose(image, RNG)
    assert boxes.shape == (len(scores), 4)
    assert (len(boxes) == 0) == (min(size) < 12)


def test_images_without_objects_only_add_negatives():
    images, boxes = trained_proposers.scenes(3, 4)
    empty = np.zeros((3, 100, 100), np.float32)
    model = train_bing([*images, empty], [*boxes, np.zeros((0, 4))], np.random.default_rng(0))
    assert np.isfinite(model.template).all()


def test_what_cannot_be_learnt_from_is_refused():
    images, boxes = trained_proposers.scenes(3, 4)
    with pytest.raises(ValueError, match="3 images but boxes for 2"):
        train_bing(images, boxes[:2], RNG)
    with pytest.raises(ValueError, match="none of 3 images has an object"):
        train_bing(images, [np.zeros((0, 4))] * 3, RNG)
    with pytest.raises(ValueError, match="none of 0 images"):
        train_bing([], [], RNG)
    with pytest.raises(ValueError, match=r"expect 64, 36 and 36 numbers but have \(3, 36, 36\)"):
        BingModel((1.0,) * 3, (1.0,) * 36, (0.0,) * 36)
