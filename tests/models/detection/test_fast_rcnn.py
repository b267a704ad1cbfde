"""Fast R-CNN as a whole: what it returns, where it must not stumble, and that it can learn."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from detector_checks import (
    check_images_of_a_batch_are_apart,
    check_losses_reach_every_parameter,
    check_no_rng_draws_the_same,
    check_passes,
    check_predict_changes_nothing_in_training_mode,
    make_image,
    precision_after_overfitting,
    target,
)

from minicv.data import Farmyard
from minicv.models.backbones import SmallBackbone
from minicv.models.detection import FastRCNN, FastRCNNSettings
from minicv.proposals import SlidingWindow

SETTINGS = FastRCNNSettings(
    min_size=64, max_size=96, head_units=16, head_samples=16, score_threshold=0.0
)
WINDOWS = SlidingWindow(sizes=(12.0, 24.0), step=0.5)


@dataclass(frozen=True)
class FixedBoxes:
    """Proposes the same boxes for every image."""

    boxes: tuple

    def propose(self, image, rng):
        boxes = np.array(self.boxes, np.float32).reshape(-1, 4)
        return boxes, np.linspace(1, 0.5, len(boxes), dtype=np.float32)


@dataclass(frozen=True)
class RandomBoxes:
    """Proposes what the generator says."""

    def propose(self, image, rng):
        corner = rng.uniform(0, 20, (30, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(4, 20, (30, 2))], axis=1)
        return boxes.astype(np.float32), np.ones(30, np.float32)


def make_model(proposer=WINDOWS, settings=SETTINGS, classes=("cow", "duck", "person")):
    rng = np.random.default_rng(0)
    return FastRCNN(SmallBackbone(width=4, rng=rng), classes, proposer, settings, rng=rng)


def test_two_losses_reach_every_parameter():
    check_losses_reach_every_parameter(make_model(), {"loss_classifier", "loss_box_reg"})


def test_without_rng_proposals_and_samples_are_repeatable():
    check_no_rng_draws_the_same(make_model(RandomBoxes()).eval())


def test_predict_changes_nothing_and_works_in_training_mode():
    check_predict_changes_nothing_in_training_mode(make_model())


@pytest.mark.parametrize("proposer", [WINDOWS, RandomBoxes()])
def test_images_of_a_batch_do_not_influence_each_other(proposer):
    check_images_of_a_batch_are_apart(make_model(proposer))


def test_stages_keep_what_predict_uses():
    model = make_model()
    image = make_image(32, 48)
    stages = model.stages(image)
    for name, values in model.predict([image])[0].items():
        np.testing.assert_array_equal(values, stages["detections"][name])
    assert stages["input"].shape == (3, 64, 96) and stages["feature_map"].shape == (16, 8, 12)
    own_boxes, _ = WINDOWS.propose(image, np.random.default_rng(0))
    np.testing.assert_allclose(stages["proposals"], 2 * own_boxes, rtol=1e-6)  # those of the input
    regions = len(own_boxes)
    assert stages["proposal_scores"].shape == (regions,)
    assert stages["region_features"].shape == (regions, 16, 7, 7)
    assert stages["class_scores"].shape == (regions, 4)
    np.testing.assert_allclose(stages["class_scores"].sum(axis=1), 1, rtol=1e-5)
    assert stages["refined_boxes"].shape == (regions, 3, 4)


def test_a_region_is_pooled_from_where_it_lies():
    """RoI pooling at stride 8 of a box over cells 2..5, 1..4: the maxima there."""
    model = make_model(FixedBoxes(((16.0, 8.0, 40.0, 32.0),)), replace(SETTINGS, pooled_size=2))
    stages = model.stages(make_image(64, 64))
    part = stages["feature_map"][:, 1:5, 2:6]  # both rounded corners belong to it
    expected = part.reshape(16, 2, 2, 2, 2).max(axis=(2, 4))
    np.testing.assert_array_equal(stages["region_features"][0], expected)


def test_the_best_proposals_are_used_and_small_ones_are_not():
    boxes = ((0.0, 0.0, 30.0, 30.0), (5.0, 5.0, 5.5, 40.0), (8.0, 0.0, 40.0, 40.0), (0, 0, 50, 50))
    model = make_model(FixedBoxes(boxes), replace(SETTINGS, max_proposals=3))
    stages = model.stages(make_image(64, 64))
    assert stages["proposals"].tolist() == [list(boxes[0]), list(boxes[2])]
    np.testing.assert_allclose(stages["proposal_scores"], [1.0, 2 / 3], rtol=1e-6)


def test_dropout_drops_in_training_alone():
    images, targets = [make_image(64, 64)], [target([4, 4, 40, 40])]

    def classifier_losses(model):
        return [model.loss(images, targets)["loss_classifier"].item() for _ in range(2)]

    dropping, keeping = make_model(), make_model(settings=replace(SETTINGS, dropout=0.0))
    assert len(set(classifier_losses(keeping))) == 1
    assert len(set(classifier_losses(dropping))) == 2
    keeping.load_state_dict(dropping.state_dict())  # dropout has no parameters
    assert classifier_losses(dropping.eval()) == classifier_losses(keeping.eval())


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 50), (200, 1), (40, 50)])
@pytest.mark.parametrize("proposer", [WINDOWS, FixedBoxes(()), FixedBoxes(((0, 0, 1, 1),))])
def test_tiny_oblong_and_empty_images_pass(proposer, height, width):
    check_passes(make_model(proposer), height, width)


def test_without_proposals_the_true_boxes_are_learnt_from():
    model = make_model(FixedBoxes(()))
    losses = model.loss([make_image(64, 64)], [target([4, 4, 40, 40])])
    assert losses["loss_classifier"].item() > 0
    assert model.predict([make_image(64, 64)])[0]["boxes"].shape == (0, 4)
    assert model.stages(make_image(64, 64))["region_features"].shape == (0, 16, 7, 7)
    nothing = model.loss([make_image(64, 64)], [target()])
    assert nothing["loss_classifier"].item() == nothing["loss_box_reg"].item() == 0


@pytest.mark.slow
def test_overfits_ten_farmyard_images():
    data = Farmyard(10, size=(96, 96), seed=5)
    images, targets = zip(*(data[i] for i in range(len(data))), strict=True)
    rng = np.random.default_rng(0)
    settings = FastRCNNSettings(
        min_size=96, max_size=96, head_units=128, head_samples=32, dropout=0.0
    )
    proposer = SlidingWindow(sizes=(12.0, 17.0, 24.0, 34.0, 48.0), step=0.3)
    model = FastRCNN(SmallBackbone(16, rng=rng), data.classes, proposer, settings, rng=rng)
    assert precision_after_overfitting(model, images, targets, steps=300, lr=0.05, rng=rng) > 0.95
