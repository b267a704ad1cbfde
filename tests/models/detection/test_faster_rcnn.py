"""Faster R-CNN as a whole: what it returns, where it must not stumble, and that it can learn."""

from dataclasses import replace

import numpy as np
import pytest
from short_training import (
    FASTER_RCNN_FOR_TEN_SCENES,
    make_image,
    precision_after_overfitting,
    target,
    ten_scenes,
)

from minicv.data import Farmyard
from minicv.models.backbones import SmallBackbone
from minicv.models.detection import FasterRCNN, FasterRCNNSettings

SETTINGS = FasterRCNNSettings(
    min_size=64,
    max_size=96,
    anchor_sizes=(12.0, 32.0),
    rpn_channels=16,
    head_units=16,
    pre_nms_top_n_train=100,
    post_nms_top_n_train=40,
    pre_nms_top_n_test=100,
    post_nms_top_n_test=30,
    rpn_samples=32,
    head_samples=16,
    score_threshold=0.0,
)


def make_model(settings=SETTINGS, classes=("cow", "duck", "person"), seed=0):
    rng = np.random.default_rng(seed)
    return FasterRCNN(SmallBackbone(width=4, rng=rng), classes, settings, rng=rng)


NAMES = {"loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg"}


def test_stages_keep_what_predict_uses():
    model = make_model()
    image = make_image(60, 90)
    stages = model.stages(image)
    predicted = model.predict([image])[0]
    for name, values in stages["detections"].items():
        np.testing.assert_array_equal(values, predicted[name])
    height, width = stages["input"].shape[1:]
    assert (height, width) == (64, 96)
    np.testing.assert_allclose(stages["input"].mean(), image.mean(), atol=0.02)
    channels, h, w = stages["feature_map"].shape
    assert (channels, h, w) == (16, 8, 12)
    assert stages["anchors_per_location"] == 6
    assert stages["anchors"].shape == (h * w * 6, 4)
    assert stages["objectness"].shape == (6, h, w)
    regions = len(stages["proposals"])
    assert 0 < regions <= 30 and len(stages["proposal_scores"]) == regions
    assert (np.diff(stages["proposal_scores"]) <= 0).all()
    assert stages["region_features"].shape == (regions, 16, 7, 7)
    assert stages["class_scores"].shape == (regions, 4)
    np.testing.assert_allclose(stages["class_scores"].sum(axis=1), 1, rtol=1e-5)
    assert stages["refined_boxes"].shape == (regions, 3, 4)


def test_the_proposal_network_proposes_in_the_pixels_of_the_image():
    model = make_model(replace(SETTINGS, post_nms_top_n_train=30))  # as many as in prediction
    image = make_image(32, 48)
    boxes, scores = model.propose(image, np.random.default_rng(0))
    stages = model.stages(image)
    np.testing.assert_allclose(2 * boxes, stages["proposals"], atol=1e-4)
    np.testing.assert_array_equal(scores, stages["proposal_scores"])


def test_network_and_head_alone_have_the_losses_of_both():
    everything = replace(SETTINGS, head_samples=1000, head_positive_fraction=0.5)  # no chance in it
    model = make_model(everything).eval()
    images, targets = [make_image(32, 48)], [target([5, 5, 20, 30])]
    both = model.loss(images, targets)
    proposals = [model.propose(images[0], np.random.default_rng(0))[0]]
    apart = model.rpn_loss(images, targets) | model.head_loss(images, targets, proposals)
    assert set(apart) == NAMES
    for name, loss in both.items():
        np.testing.assert_allclose(apart[name].item(), loss.item(), rtol=1e-4, err_msg=name)


def test_boxes_come_back_in_the_pixels_of_the_image():
    model = make_model()
    image = make_image(32, 48)
    small = model.predict([image])[0]
    large = model.predict([np.kron(image, np.ones((1, 4, 4), np.float32))])[0]
    assert small["boxes"].max() <= 48 and large["boxes"].max() <= 192
    assert large["boxes"].max() > 100


def test_objectness_of_a_cell_and_its_anchor_belong_together():
    """Raise one logit by hand: the anchor at that cell, of that shape, must come out first."""
    model = make_model(
        FasterRCNNSettings(min_size=64, max_size=64, anchor_sizes=(12.0, 24.0), rpn_channels=4)
    ).eval()
    image = make_image(64, 64)
    for layer in (model.rpn.cls_logits, model.rpn.bbox_pred):
        layer.weight.data = np.zeros_like(layer.weight.data)
        layer.bias.data = np.zeros_like(layer.bias.data)
    model.rpn.cls_logits.bias.data[4] = 3.0  # anchor 4 of 6: ratio 2, size 12
    model.rpn.bbox_pred.bias.data[4 * 4] = 0.5  # its dx: half of its width to the right
    stages = model.stages(image)
    width, height = 12 / np.sqrt(2), 12 * np.sqrt(2)
    inside = stages["proposals"][10]
    x1, y1, x2, y2 = stages["anchors"].reshape(8, 8, 6, 4)[2, 3, 4]
    np.testing.assert_allclose([x2 - x1, y2 - y1], [width, height], rtol=1e-5)
    moved = [x1 + width / 2, y1, x2 + width / 2, y2]
    assert np.abs(stages["proposals_before_nms"] - moved).max(axis=1).min() < 1e-3
    assert stages["objectness"][4].min() > 2.9 and stages["objectness"][3].max() == 0
    assert inside[2] > inside[0]


def test_no_objects():
    model = make_model()
    losses = model.loss([make_image(50, 50), make_image(50, 60)], [target(), target()])
    assert losses["loss_rpn_box_reg"].item() == 0 and losses["loss_box_reg"].item() == 0
    sum(losses.values(), start=0.0).backward()
    assert all(np.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_no_proposals_and_no_detections():
    settings = FasterRCNNSettings(min_size=64, max_size=64, min_proposal_size=1000.0, head_units=8)
    model = make_model(settings)
    found = model.predict([make_image(64, 64)])[0]
    assert found["boxes"].shape == (0, 4) and found["labels"].shape == (0,)
    stages = model.stages(make_image(64, 64))
    assert stages["region_features"].shape == (0, 16, 7, 7)
    # In training the true boxes stand in for proposals; without either there is nothing to learn.
    assert model.loss([make_image(64, 64)], [target([4, 4, 40, 40])])["loss_box_reg"].item() >= 0
    assert model.loss([make_image(64, 64)], [target()])["loss_classifier"].item() == 0


def test_degenerate_box_is_refused_by_name():
    with pytest.raises(ValueError, match="image 0: boxes"):
        make_model().loss([make_image(50, 50)], [target([4, 4, 4, 30])])


def test_images_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"image 0 has shape \(1, 8, 8\)"):
        make_model().predict([np.zeros((1, 8, 8), np.float32)])
    with pytest.raises(ValueError, match="at least one image"):
        make_model().predict([])


@pytest.mark.slow
def test_overfits_ten_farmyard_images():
    images, targets = ten_scenes()
    rng = np.random.default_rng(0)
    settings = FASTER_RCNN_FOR_TEN_SCENES
    model = FasterRCNN(SmallBackbone(width=16, rng=rng), Farmyard.classes, settings, rng=rng)
    assert precision_after_overfitting(model, images, targets, steps=240, lr=0.05, rng=rng) > 0.95
