"""Faster R-CNN: its stages and settings, and that it can learn; see also test_every_detector.py."""

import dataclasses
import json
from dataclasses import replace

import numpy as np
import pytest
from short_training import (
    FASTER_RCNN_FOR_TEN_SCENES,
    learn_by_heart,
    make_image,
    precision_of,
    target,
    ten_scenes,
)

from minicv import Tensor
from minicv import functional as F
from minicv.data import Farmyard
from minicv.models.backbones import SmallBackbone
from minicv.models.detection import FasterRCNN, FasterRCNNSettings
from minicv.vision import clip_boxes_to_image, decode_boxes, nms
from minicv.vision.anchors import AnchorGrid

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


def arrays_of(model, image):
    """The arrays of each stage, by its name."""
    return {stage.name: stage.arrays for stage in model.stages(image)}


def test_each_stage_follows_from_the_one_before():
    model, image = make_model(), make_image(60, 90)
    stages = arrays_of(model, image)
    assert stages["input"]["image"].shape == (3, 64, 96)
    np.testing.assert_allclose(stages["input"]["image"].mean(), image.mean(), atol=0.02)
    features = stages["feature_map"]["features"]
    assert features.shape == (16, 8, 12) and stages["feature_map"]["stride"] == 8
    sizes, ratios = SETTINGS.anchor_sizes, SETTINGS.aspect_ratios
    grid = AnchorGrid(8, sizes, ratios).generate(8, 12).reshape(8, 12, 6, 4)
    np.testing.assert_array_equal(stages["anchors"]["anchors"], grid)
    logits, _ = model.rpn(Tensor(features[None]))
    objectness = 1 / (1 + np.exp(-logits.data.reshape(8, 12, 6)))
    np.testing.assert_allclose(stages["objectness"]["objectness"], objectness, rtol=1e-5)

    before, after = stages["proposals_before_nms"], stages["proposals"]
    np.testing.assert_allclose(before["scores"], -np.sort(-objectness.ravel())[:100], rtol=1e-5)
    kept = nms(before["boxes"], before["scores"], SETTINGS.rpn_nms_threshold)[:30]
    np.testing.assert_array_equal(after["boxes"], before["boxes"][kept])
    np.testing.assert_array_equal(after["scores"], before["scores"][kept])
    best = np.argsort(-logits.data[0], kind="stable")[:100]
    assert before["anchor_indices"].tolist() == best.tolist()
    assert after["anchor_indices"].tolist() == best[kept].tolist()

    pooled = stages["region_features"]["region_features"]
    image_of_box = np.zeros(len(kept), np.int64)
    expected = F.roi_align(
        Tensor(features[None]), after["boxes"], image_of_box, 7, 1 / 8, 2, aligned=True
    )
    np.testing.assert_allclose(pooled, expected.data, rtol=1e-5, atol=1e-6)
    logits, offsets = model.box_predictor(model.box_head(Tensor(pooled)))
    probabilities = F.softmax(logits, dim=1).data[:, 1:]
    np.testing.assert_allclose(stages["class_scores"]["class_scores"], probabilities, rtol=1e-5)
    moved = decode_boxes(offsets.data[:, 1:], after["boxes"], SETTINGS.box_weights)
    moved = clip_boxes_to_image(moved, (64, 96))
    np.testing.assert_allclose(stages["refined_boxes"]["refined_boxes"], moved, atol=1e-4)


def test_the_proposal_network_proposes_in_the_pixels_of_the_image():
    model = make_model(replace(SETTINGS, post_nms_top_n_train=30))  # as many as in prediction
    image = make_image(32, 48)
    boxes, scores = model.propose(image, np.random.default_rng(0))
    proposals = arrays_of(model, image)["proposals"]
    np.testing.assert_allclose(2 * boxes, proposals["boxes"], atol=1e-4)
    np.testing.assert_array_equal(scores, proposals["scores"])


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
    stages = arrays_of(model, image)
    width, height = 12 / np.sqrt(2), 12 * np.sqrt(2)
    x1, y1, x2, y2 = stages["anchors"]["anchors"][2, 3, 4]
    np.testing.assert_allclose([x2 - x1, y2 - y1], [width, height], rtol=1e-5)
    moved = [x1 + width / 2, y1, x2 + width / 2, y2]
    first = stages["proposals_before_nms"]["boxes"][:64]  # of 64 cells one anchor each
    assert np.abs(first - moved).max(axis=1).min() < 1e-3
    objectness = stages["objectness"]["objectness"]
    np.testing.assert_allclose(objectness[..., 4], 1 / (1 + np.exp(-3)), rtol=1e-6)
    assert (objectness[..., [0, 1, 2, 3, 5]] == 0.5).all()


def test_no_objects():
    model = make_model()
    losses = model.loss([make_image(50, 50), make_image(50, 60)], [target(), target()])
    assert losses["loss_rpn_box_reg"].item() == 0 and losses["loss_box_reg"].item() == 0
    sum(losses.values(), start=0.0).backward()
    assert all(np.isfinite(p.grad).all() for p in model.parameters())
    # Background is learnt: the objectness of all anchors falls.
    assert (model.rpn.cls_logits.bias.grad > 0).all()
    assert model.box_predictor.cls_score.bias.grad[0] < 0


def test_no_proposals_and_no_detections():
    settings = FasterRCNNSettings(min_size=64, max_size=64, min_proposal_size=1000.0, head_units=8)
    model = make_model(settings)
    found = model.predict([make_image(64, 64)])[0]
    assert found["boxes"].shape == (0, 4) and found["labels"].shape == (0,)
    pooled = arrays_of(model, make_image(64, 64))["region_features"]["region_features"]
    assert pooled.shape == (0, 16, 7, 7)
    # In training the true boxes stand in for proposals; without either there is nothing to learn.
    losses = model.loss([make_image(64, 64)], [target([4, 4, 40, 40])])
    np.testing.assert_allclose(losses["loss_classifier"].item(), np.log(4), rtol=0.1)  # 4 classes
    assert 0 < losses["loss_box_reg"].item() < 0.01  # the offset to be learnt is 0
    nothing = model.loss([make_image(64, 64)], [target()])
    assert nothing["loss_classifier"].item() == nothing["loss_box_reg"].item() == 0


def test_no_images_have_no_results_and_no_loss():
    assert make_model().predict([]) == []
    with pytest.raises(ValueError, match="at least one image"):
        make_model().loss([], [])


def test_one_anchor_for_each_size_and_shape():
    changes = {"anchor_sizes": (16.0, 32.0), "aspect_ratios": (0.25, 0.5, 1, 2, 4)}
    model = make_model(settings=dataclasses.replace(SETTINGS, **changes))
    assert model.rpn.cls_logits.weight.shape[0] == 10


def test_defaults_of_the_papers():
    s = FasterRCNNSettings()
    assert (s.min_size, s.max_size) == (600, 1000)
    assert s.anchor_sizes == (128, 256, 512) and s.aspect_ratios == (0.5, 1, 2)
    assert (s.rpn_positive_iou, s.rpn_negative_iou, s.rpn_nms_threshold) == (0.7, 0.3, 0.7)
    assert (s.rpn_samples, s.rpn_positive_fraction, s.post_nms_top_n_test) == (256, 0.5, 300)
    assert (s.head_positive_iou, s.head_samples, s.head_positive_fraction) == (0.5, 128, 0.25)
    # sigma is 3 in the proposal network and 1 in the head; beta is 1 / sigma squared.
    assert s.rpn_smooth_l1_beta == pytest.approx(1 / 3**2) and s.head_smooth_l1_beta == 1


def test_settings_do_not_change_but_can_be_replaced():
    settings = FasterRCNNSettings()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.min_size = 3
    assert dataclasses.replace(settings, min_size=320).max_size == settings.max_size


def test_all_of_them_fit_in_a_json_file():
    settings = FasterRCNNSettings(min_size=320)
    values = json.loads(json.dumps(dataclasses.asdict(settings)))
    tuples = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    assert FasterRCNNSettings(**tuples) == settings


@pytest.mark.slow
def test_overfits_ten_farmyard_images():
    images, targets = ten_scenes(side=64)
    rng = np.random.default_rng(0)
    settings = FASTER_RCNN_FOR_TEN_SCENES
    model = FasterRCNN(SmallBackbone(width=16, rng=rng), Farmyard.classes, settings, rng=rng)
    learn_by_heart(model, images, targets, steps=160, lr=0.002, rng=rng)
    assert precision_of(model, images, targets) > 0.95
