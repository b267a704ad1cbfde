"""Objectness: what it learns, what it draws, what it finds."""

import numpy as np
import pytest
import trained_proposers

from minicv.proposals.objectness import (
    CueModel,
    Objectness,
    ObjectnessModel,
    _fit,
    draw,
    shrunk,
    train_objectness,
)
from minicv.vision import box_iou


def test_finds_the_farmyards_things():
    images, boxes = trained_proposers.scenes(8, 2)
    proposer = Objectness(trained_proposers.objectness_model(), least_area=200)
    best = []
    for image, objects in zip(images, boxes, strict=True):
        found, scores = proposer.propose(image, np.random.default_rng(0))
        assert (np.diff(scores) <= 0).all() and found.dtype == scores.dtype == np.float32
        assert ((scores >= 0) & (scores <= 1)).all()
        assert (found[:, :2] >= 0).all() and (found[:, 2:] <= 128).all()
        best.append(box_iou(objects, found[:1000]).max(axis=1))
    assert (np.concatenate(best) >= 0.5).mean() >= 0.9


def test_boxes_of_a_large_image_are_in_its_own_pixels():
    image = np.full((3, 300, 500), 0.3, np.float32)
    image[:, 100:220, 180:380] = np.array([0.9, 0.2, 0.1]).reshape(3, 1, 1)
    boxes, _ = Objectness(trained_proposers.objectness_model()).propose(
        image, np.random.default_rng(0)
    )
    overlaps = box_iou(boxes, np.array([[180.0, 100, 380, 220]]))[:, 0]
    assert overlaps[:20].max() > 0.7
    assert boxes[:, 2].max() > 450


def test_the_rng_decides():
    (image,), _ = trained_proposers.scenes(1, 9)
    proposer = Objectness(trained_proposers.objectness_model(), least_area=200, drawn=300)
    first, again, other = (
        proposer.propose(image, np.random.default_rng(seed))[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_evidence_is_the_log_ratio_of_the_histograms():
    rng = np.random.default_rng(0)
    is_object = np.arange(4000) < 1000
    scores = np.where(is_object, rng.uniform(0.5, 1.5, 4000), rng.uniform(0, 1, 4000))
    model, quality = _fit(2.0, scores, is_object)
    evidence = model.evidence(np.array([0.2, 0.75, 1.2]))
    assert evidence[0] < -3 and abs(evidence[1]) < 0.3 and evidence[2] > 3
    _, useless = _fit(2.0, rng.random(4000), is_object)
    assert useless < quality < 0


def test_draws_go_by_weight():
    weights = np.array([1.0, 0.0, 3.0])
    rng = np.random.default_rng(0)
    firsts = np.concatenate([draw(weights, 1, rng) for _ in range(2000)])
    shares = np.bincount(firsts, minlength=3) / 2000
    np.testing.assert_allclose(shares, [0.25, 0, 0.75], atol=0.04)
    assert draw(weights, 2, rng).tolist() == [0, 2]
    assert draw(weights, 9, rng).tolist() == [0, 1, 2]
    assert draw(np.zeros(0), 9, rng).tolist() == []


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (7, 5), (60, 70)])
def test_pictures_of_nothing(size):
    image = np.full((3, *size), 0.4, np.float32)
    boxes, scores = Objectness(trained_proposers.objectness_model()).propose(
        image, np.random.default_rng(0)
    )
    assert boxes.shape == (len(scores), 4) and np.isfinite(scores).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_small_images_stay_as_they_are():
    image = np.random.default_rng(0).random((3, 20, 200)).astype(np.float32)
    assert shrunk(image) is image
    assert shrunk(np.zeros((3, 1, 900), np.float32)).shape == (3, 1, 200)


def test_what_cannot_be_learnt_from_is_refused():
    images, boxes = trained_proposers.scenes(3, 4)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="3 images but boxes for 2"):
        train_objectness(images, boxes[:2], rng)
    with pytest.raises(ValueError, match="0 hold an object"):
        train_objectness(images, [np.zeros((0, 4))] * 3, rng)
    with pytest.raises(ValueError, match="of 0 windows drawn from 0 images"):
        train_objectness([], [], rng)
    with pytest.raises(ValueError, match="expected 4 cues but there are 1"):
        ObjectnessModel((CueModel(1.0, (), (0.0,)),), 0.0)
