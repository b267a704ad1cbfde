"""Faster R-CNN on a feature pyramid: anchors, proposals and regions of several levels."""

import dataclasses

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
from minicv.models.backbones import FPN, SmallBackbone
from minicv.models.detection import FasterRCNN, FasterRCNNSettings
from minicv.vision import clip_boxes_to_image, decode_boxes, generate_anchors

SETTINGS = FasterRCNNSettings(
    min_size=64,
    max_size=96,
    anchor_sizes=(12.0, 24.0, 48.0),
    rpn_channels=16,
    head_units=16,
    pre_nms_top_n_train=100,
    post_nms_top_n_train=40,
    pre_nms_top_n_test=40,
    post_nms_top_n_test=30,
    rpn_samples=32,
    head_samples=16,
    score_threshold=0.0,
    canonical_size=40.0,
)


def make_model(settings=SETTINGS, strides=(8, 16), seed=0):
    rng = np.random.default_rng(seed)
    backbone = FPN(SmallBackbone(4, strides, rng=rng), 12, rng=rng)
    return FasterRCNN(backbone, ("cow", "duck", "person"), settings, rng=rng)


def test_anchors_of_each_level_have_the_sizes_of_that_level():
    stages = {stage.name: stage.arrays for stage in make_model().stages(make_image(64, 96))}
    shapes = [stages[f"feature_map_{stride}"]["features"].shape for stride in (8, 16, 32)]
    assert shapes == [(12, 8, 12), (12, 4, 6), (12, 2, 3)]
    ratios = SETTINGS.aspect_ratios
    right = [
        generate_anchors(h, w, stride, [size], ratios)
        for (_, h, w), stride, size in zip(shapes, (8, 16, 32), (12, 24, 48), strict=True)
    ]
    np.testing.assert_array_equal(stages["anchors"]["anchors"], np.concatenate(right))
    assert stages["anchors"]["strides"].tolist() == [8, 16, 32]
    counts = np.bincount(stages["anchors"]["levels"])
    assert counts.tolist() == [8 * 12 * 3, 4 * 6 * 3, 2 * 3 * 3]


def test_the_same_network_looks_at_every_level():
    model = make_model()
    stages = {stage.name: stage.arrays for stage in model.stages(make_image(64, 96))}
    parts = [
        model.rpn(Tensor(stages[f"feature_map_{stride}"]["features"][None]))[0].data[0]
        for stride in (8, 16, 32)
    ]
    right = 1 / (1 + np.exp(-np.concatenate(parts)))
    np.testing.assert_allclose(stages["objectness"]["objectness"], right, rtol=1e-5)


def test_a_detection_can_be_followed_back_to_the_anchor_that_it_was():
    """Detection, region, anchor: each is what the network makes of the one before."""
    model = make_model()
    stages = {stage.name: stage.arrays for stage in model.stages(make_image(64, 96))}
    maps = [Tensor(stages[f"feature_map_{stride}"]["features"][None]) for stride in (8, 16, 32)]
    deltas = np.concatenate([model.rpn(features)[1].data[0] for features in maps])  # (M, 4)
    anchors, objectness = (stages[name] for name in ("anchors", "objectness"))
    moved = clip_boxes_to_image(decode_boxes(deltas, anchors["anchors"]), (64, 96))
    for name in ("proposals_before_nms", "proposals"):
        own = stages[name]["anchor_indices"]
        assert len(set(own.tolist())) == len(own) == len(stages[name]["boxes"]) > 20
        np.testing.assert_allclose(stages[name]["boxes"], moved[own], atol=1e-4)
        np.testing.assert_array_equal(stages[name]["scores"], objectness["objectness"][own])
    assert len(set(anchors["levels"][stages["proposals_before_nms"]["anchor_indices"]])) == 3

    found, refined = stages["detections"], stages["refined_boxes"]
    rows = found["region_indices"], found["labels"]
    np.testing.assert_array_equal(found["boxes"], refined["refined_boxes"][rows])
    np.testing.assert_array_equal(found["scores"], refined["class_scores"][rows])
    assert anchors["grids"].tolist() == [[8, 12, 3], [4, 6, 3], [2, 3, 3]]


def test_each_region_is_pooled_from_the_map_of_its_size():
    model = make_model()
    rng = np.random.default_rng(1)
    maps = [Tensor(rng.normal(size=(2, 5, 8 // s, 12 // s)).astype("f4")) for s in (1, 2, 4)]
    # Sides of 19.9 belong to stride 8; of 40, the canonical size, to stride 16; larger ones too,
    # for regions are never pooled from the last map.
    boxes = [
        np.array([[0, 0, 19.9, 19.9], [5, 5, 45, 45], [1, 2, 20, 21]], "f4"),
        np.array([[0, 0, 96, 64], [3, 3, 10, 60]], "f4"),
    ]
    level = [0, 1, 0, 1, 0]
    pooled = model.pool(maps, boxes, 4).data
    assert pooled.shape == (5, 5, 4, 4)
    images, together = [0, 0, 0, 1, 1], np.concatenate(boxes)
    for index in range(5):
        right = F.roi_align(
            maps[level[index]],
            together[index : index + 1],
            np.array([images[index]]),
            4,
            spatial_scale=1 / (8, 16)[level[index]],
            sampling_ratio=2,
            aligned=True,
        )
        np.testing.assert_allclose(pooled[index], right.data[0], atol=1e-6)


def test_no_region_at_all():
    maps = [Tensor(np.ones((1, 5, 8, 8), "f4")), Tensor(np.ones((1, 5, 4, 4), "f4"))]
    pooled = make_model().pool(maps, [np.zeros((0, 4), "f4")], 4)
    assert pooled.shape == (0, 5, 4, 4)


def test_the_gradient_of_pooled_regions_comes_back_in_order():
    model = make_model()
    maps = [Tensor(np.zeros((1, 1, 8 // s, 8 // s), "f4"), requires_grad=True) for s in (1, 2)]
    boxes = [np.array([[0, 0, 64, 64], [0, 0, 16, 16]], "f4")]  # coarse, then fine
    pooled = model.pool([*maps, maps[1]], boxes, 1)
    (pooled * Tensor(np.array([2.0, 5.0], "f4").reshape(2, 1, 1, 1))).sum().backward()
    assert maps[0].grad.sum() == pytest.approx(5, rel=1e-5)
    assert maps[1].grad.sum() == pytest.approx(2, rel=1e-5)


def test_the_loss_teaches_every_parameter():
    model = make_model()
    images = [make_image(64, 96), make_image(70, 60, seed=2)]
    losses = model.loss(images, [target([2, 2, 14, 14], [0, 0, 60, 60]), target([5, 5, 50, 60])])
    sum(losses.values()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and np.abs(parameter.grad).max() > 0, name


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (40, 3)])
def test_any_size_of_picture(size):
    model = make_model()
    found = model.predict([make_image(*size)])[0]
    assert (found["boxes"][:, 2] <= size[1]).all() and (found["boxes"][:, 3] <= size[0]).all()
    assert np.isfinite(float(sum(model.loss([make_image(*size)], [target()]).values()).data))


@pytest.mark.parametrize("sizes", [(), (8.0,), (8.0, 16.0, 32.0, 64.0)])
def test_sizes_that_the_levels_cannot_share_are_refused(sizes):
    settings = dataclasses.replace(SETTINGS, anchor_sizes=sizes)
    with pytest.raises(ValueError, match=f"anchor_sizes has {len(sizes)} sizes for 3 maps"):
        make_model(settings)


def test_maps_of_different_channels_are_refused():
    rng = np.random.default_rng(0)
    backbone = SmallBackbone(4, (8, 16), rng=rng)
    with pytest.raises(ValueError, match=r"maps of the backbone have \(16, 32\) channels"):
        FasterRCNN(backbone, ("cow",), SETTINGS, rng=rng)


def test_it_learns_ten_scenes_by_heart():
    rng = np.random.default_rng(0)
    backbone = FPN(SmallBackbone(16, (4, 8), rng=rng), 32, rng=rng)
    settings = dataclasses.replace(
        FASTER_RCNN_FOR_TEN_SCENES, anchor_sizes=(12.0, 22.0, 40.0), canonical_size=80.0
    )
    images, targets = ten_scenes(64)
    model = FasterRCNN(backbone, ("cow", "cat", "dog", "duck", "person"), settings, rng=rng)
    learn_by_heart(model, images, targets, steps=120, lr=3e-3, rng=rng)
    assert precision_of(model, images, targets) > 0.9
