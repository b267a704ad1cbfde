"""SPP-net: one map for all regions, at the right scale; see also test_every_detector.py."""

from dataclasses import replace

import numpy as np
import pytest
from fixed_proposers import FixedBoxes
from hypothesis import given
from hypothesis import strategies as st
from short_training import learn_by_heart, make_image, precision_of, target, ten_scenes

from minicv.autograd import Tensor
from minicv.data import Farmyard
from minicv.functional.spatial_pyramid_pool import spatial_pyramid_pool
from minicv.models.backbones import SmallBackbone
from minicv.models.detection import FastRCNN, FastRCNNSettings, SPPNet, SPPNetSettings
from minicv.models.detection.spp_net import region_on_map
from minicv.proposals import CachedProposals, SelectiveSearch, SlidingWindow
from minicv.training import fit_svms

SETTINGS = SPPNetSettings(
    scales=(64,), max_size=96, region_side=32.0, head_units=8, head_samples=16, score_threshold=0.0
)
WINDOWS = SlidingWindow(sizes=(12.0, 24.0), step=0.5)


def make_model(proposer=WINDOWS, settings=SETTINGS):
    rng = np.random.default_rng(0)
    backbone = SmallBackbone(width=4, rng=rng)
    return SPPNet(backbone, ("cow", "duck", "person"), proposer, settings, rng=rng)


def arrays_of(model, image):
    """The arrays of each stage, by its name."""
    return {stage.name: stage.arrays for stage in model.stages(image)}


def test_a_region_is_the_pyramid_of_its_part_of_the_map():
    """Stride 8: cells 2..5 look into columns 15..45, and cells 1..6 into rows 4..50."""
    model = make_model(FixedBoxes(((15.0, 4.0, 45.0, 50.0),)))
    stages = arrays_of(model, make_image(64, 64))
    features = stages["feature_map"]["features"]
    assert features.shape == (16, 8, 8)
    pyramid = spatial_pyramid_pool(Tensor(features[None, :, 1:7, 2:6])).data
    np.testing.assert_array_equal(stages["region_features"]["region_features"], pyramid)


def test_each_region_is_pooled_at_the_scale_where_it_has_the_standard_size():
    settings = replace(SETTINGS, scales=(32, 64, 128), max_size=999)
    boxes = ((0.0, 0.0, 30.0, 34.0), (0.0, 0.0, 16.0, 17.0), (4.0, 4.0, 60.0, 62.0))
    stages = arrays_of(make_model(FixedBoxes(boxes), settings), make_image(64, 64))
    maps = [stages[f"feature_map_{scale}"] for scale in (32, 64, 128)]
    assert [one["features"].shape[1:] for one in maps] == [(4, 4), (8, 8), (16, 16)]
    assert [one["stride"] for one in maps] == [16, 8, 4]  # pixels of the image per cell
    pooled = stages["region_features"]["region_features"]
    for box, features, scale in zip(boxes, pooled, (64, 128, 32), strict=True):
        alone = make_model(FixedBoxes((box,)), replace(settings, scales=(scale,)))
        expected = arrays_of(alone, make_image(64, 64))["region_features"]["region_features"]
        np.testing.assert_allclose(features, expected[0], rtol=1e-6)


@given(
    st.lists(st.tuples(*[st.floats(0, 63)] * 2, *[st.floats(0, 40)] * 2), min_size=1, max_size=5),
    st.sampled_from([4, 8, 16]),
)
def test_cells_of_a_region_look_into_it(rows, stride):
    size = (-(-64 // stride), -(-64 // stride))
    boxes = np.array([[x, y, min(x + w, 64), min(y + h, 64)] for x, y, w, h in rows])
    for box, region in zip(boxes, region_on_map(boxes, stride, size), strict=True):
        for start, end, first, last in zip(box[:2], box[2:], region[:2], region[2:], strict=True):
            assert 0 <= first <= last < size[0] and first == int(first) and last == int(last)
            inside = [k for k in range(size[0]) if start < stride * k < end]
            if inside:
                assert (first, last) == (inside[0], inside[-1])
            else:
                assert first == last
                nearest = min(range(size[0]), key=lambda k: abs(stride * k - (start + end) / 2))
                distance = abs(stride * first - (start + end) / 2)
                assert distance <= abs(stride * nearest - (start + end) / 2) + 1e-9


def test_convolutions_stay_as_they_are_in_training():
    model = make_model().train()
    before = model.backbone.state_dict()
    losses = model.loss([make_image(64, 64)], [target([4, 4, 40, 40])])
    sum(losses.values(), start=0.0).backward()
    assert all(parameter.grad is None for parameter in model.backbone.parameters())
    assert all(parameter.grad is not None for parameter in model.box_head.parameters())
    for name, array in model.backbone.state_dict().items():  # running statistics too
        np.testing.assert_array_equal(array, before[name])


def test_without_proposals_the_true_boxes_are_learnt_from():
    model = make_model(FixedBoxes(()))
    loss = model.loss([make_image(64, 64)], [target([4, 4, 40, 40])])["loss_classifier"]
    np.testing.assert_allclose(loss.item(), np.log(4), rtol=0.1)  # 4 classes with the background
    assert model.loss([make_image(64, 64)], [target()])["loss_classifier"].item() == 0
    pooled = arrays_of(model, make_image(64, 64))["region_features"]["region_features"]
    assert pooled.shape == (0, 16 * 50)


@pytest.mark.slow
def test_overfits_ten_farmyard_images(tmp_path):
    """On convolutions that Fast R-CNN has trained; random ones, which stay random, do not do."""
    images, targets = ten_scenes()
    rng = np.random.default_rng(0)
    proposer = CachedProposals(SelectiveSearch(min_side=8), tmp_path / "proposals")
    shared = {
        "head_units": 128,
        "head_samples": 16,
        "head_positive_fraction": 0.5,
        "dropout": 0.0,
    }
    settings = FastRCNNSettings(min_size=96, max_size=96, pooled_size=5, **shared)
    before = FastRCNN(SmallBackbone(16, rng=rng), Farmyard.classes, proposer, settings, rng=rng)
    learn_by_heart(before, images, targets, steps=90, lr=0.003, rng=rng)
    settings = SPPNetSettings(scales=(96,), svm_c=1e-2, **shared)  # see test_rcnn.py
    model = SPPNet(before.backbone, Farmyard.classes, proposer, settings, rng=rng)
    learn_by_heart(model, images, targets, steps=50, lr=0.002, rng=rng)
    fit_svms(model, list(zip(images, targets, strict=True)), tmp_path / "features", rng)
    assert precision_of(model, images, targets) > 0.95
