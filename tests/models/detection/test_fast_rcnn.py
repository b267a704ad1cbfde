"""Fast R-CNN: what it does to proposals, and that it can learn; see also test_every_detector.py."""

from dataclasses import replace

import numpy as np
import pytest
from fixed_proposers import FixedBoxes
from short_training import learn_by_heart, make_image, precision_of, target, ten_scenes

from minicv import Tensor
from minicv import functional as F
from minicv.data import Farmyard
from minicv.models.backbones import SmallBackbone
from minicv.models.detection import FastRCNN, FastRCNNSettings
from minicv.proposals import CachedProposals, SelectiveSearch, SlidingWindow
from minicv.vision import clip_boxes_to_image, decode_boxes

SETTINGS = FastRCNNSettings(
    min_size=64, max_size=96, head_units=16, head_samples=16, score_threshold=0.0
)
WINDOWS = SlidingWindow(sizes=(12.0, 24.0), step=0.5)


def make_model(proposer=WINDOWS, settings=SETTINGS, classes=("cow", "duck", "person")):
    rng = np.random.default_rng(0)
    return FastRCNN(SmallBackbone(width=4, rng=rng), classes, proposer, settings, rng=rng)


def arrays_of(model, image):
    """The arrays of each stage, by its name."""
    return {stage.name: stage.arrays for stage in model.stages(image)}


def test_each_stage_follows_from_the_one_before():
    model, image = make_model(), make_image(32, 48)
    stages = arrays_of(model, image)
    assert stages["input"]["image"].shape == (3, 64, 96)
    assert stages["feature_map"]["features"].shape == (16, 8, 12)
    boxes = stages["proposals"]["boxes"]
    own_boxes, own_scores = WINDOWS.propose(image, np.random.default_rng(0))
    np.testing.assert_allclose(boxes, 2 * own_boxes, rtol=1e-6)  # in the pixels of the input
    np.testing.assert_array_equal(stages["proposals"]["scores"], own_scores)
    pooled = stages["region_features"]["region_features"]
    logits, offsets = model.box_predictor.eval()(model.box_head.eval()(Tensor(pooled)))
    probabilities = F.softmax(logits, dim=1).data[:, 1:]
    np.testing.assert_allclose(stages["class_scores"]["class_scores"], probabilities, rtol=1e-5)
    moved = decode_boxes(offsets.data[:, 1:], boxes, SETTINGS.box_weights)
    moved = clip_boxes_to_image(moved, (64, 96))
    np.testing.assert_allclose(stages["refined_boxes"]["refined_boxes"], moved, atol=1e-4)


def test_a_region_is_pooled_from_where_it_lies():
    """RoI pooling at stride 8 of a box over cells 2..5, 1..4: the maxima there."""
    model = make_model(FixedBoxes(((16.0, 8.0, 40.0, 32.0),)), replace(SETTINGS, pooled_size=2))
    stages = arrays_of(model, make_image(64, 64))
    part = stages["feature_map"]["features"][:, 1:5, 2:6]  # both rounded corners belong to it
    expected = part.reshape(16, 2, 2, 2, 2).max(axis=(2, 4))
    np.testing.assert_array_equal(stages["region_features"]["region_features"][0], expected)


def test_the_best_proposals_are_used_and_small_ones_are_not():
    boxes = ((0.0, 0.0, 30.0, 30.0), (5.0, 5.0, 5.5, 40.0), (8.0, 0.0, 40.0, 40.0), (0, 0, 50, 50))
    model = make_model(FixedBoxes(boxes), replace(SETTINGS, max_proposals=3))
    proposals = arrays_of(model, make_image(64, 64))["proposals"]
    assert proposals["boxes"].tolist() == [list(boxes[0]), list(boxes[2])]
    np.testing.assert_allclose(proposals["scores"], [1.0, 2 / 3], rtol=1e-6)


def test_dropout_drops_in_training_alone():
    images, targets = [make_image(64, 64)], [target([4, 4, 40, 40])]

    def classifier_losses(model):
        return [model.loss(images, targets)["loss_classifier"].item() for _ in range(2)]

    dropping, keeping = make_model(), make_model(settings=replace(SETTINGS, dropout=0.0))
    assert len(set(classifier_losses(keeping))) == 1
    assert len(set(classifier_losses(dropping))) == 2
    keeping.load_state_dict(dropping.state_dict())  # dropout has no parameters
    assert classifier_losses(dropping.eval()) == classifier_losses(keeping.eval())


def test_without_proposals_the_true_boxes_are_learnt_from():
    model = make_model(FixedBoxes(()))
    losses = model.loss([make_image(64, 64)], [target([4, 4, 40, 40])])
    np.testing.assert_allclose(losses["loss_classifier"].item(), np.log(4), rtol=0.1)  # 4 classes
    assert model.predict([make_image(64, 64)])[0]["boxes"].shape == (0, 4)
    pooled = arrays_of(model, make_image(64, 64))["region_features"]["region_features"]
    assert pooled.shape == (0, 16, 7, 7)
    nothing = model.loss([make_image(64, 64)], [target()])
    assert nothing["loss_classifier"].item() == nothing["loss_box_reg"].item() == 0


@pytest.mark.slow
def test_overfits_ten_farmyard_images(tmp_path):
    images, targets = ten_scenes()
    rng = np.random.default_rng(0)
    settings = FastRCNNSettings(
        min_size=96, max_size=96, pooled_size=5, head_units=128, head_samples=16,
        head_positive_fraction=0.5, dropout=0.0,
    )  # fmt: skip
    proposer = CachedProposals(SelectiveSearch(min_side=8), tmp_path)
    model = FastRCNN(SmallBackbone(16, rng=rng), Farmyard.classes, proposer, settings, rng=rng)
    learn_by_heart(model, images, targets, steps=110, lr=0.003, rng=rng)
    assert precision_of(model, images, targets) > 0.95
