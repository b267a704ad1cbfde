"""Effective receptive fields and Grad-CAM: against theory, and without side effects."""

import numpy as np
import pytest
from fixed_proposers import FixedBoxes
from tiny_detector import tiny_detector

from minicv import Tensor
from minicv import functional as F
from minicv.explain.saliency import (
    classifier_grad_cam,
    detection_grad_cam,
    effective_receptive_field,
    grad_cam,
    last_map,
    segmenter_fields,
)
from minicv.models.backbones import SmallBackbone
from minicv.models.classification import Classifier, ClassifierSettings
from minicv.models.detection import FastRCNN, FastRCNNSettings
from minicv.models.segmentation import FullResolution, FullResolutionSettings

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_ones_convolved_with_themselves(layers):
    """Luo et al., section 2.1: the field of n layers of ones is their n-fold convolution."""
    ones, expected = np.ones((1, 1, 3, 3)), np.ones(1)
    image = Tensor(RNG.random((1, 1, 15, 13)), requires_grad=True)
    y = image
    for _ in range(layers):
        y = F.conv2d(y, ones, padding=1)
        expected = np.convolve(expected, np.ones(3))
    field = effective_receptive_field(y, image)
    down, across = (np.zeros(length) for length in (15, 13))
    down[7 - layers : 8 + layers] = across[6 - layers : 7 + layers] = expected
    np.testing.assert_allclose(field, np.outer(down, across), rtol=1e-13)


def test_a_cell_and_a_channel_of_their_own():
    image = Tensor(RNG.random((1, 2, 5, 6)), requires_grad=True)
    weight = np.array([2.0, -3.0, 0.5, 7.0]).reshape(2, 2, 1, 1)
    y = F.conv2d(image, weight)
    assert effective_receptive_field(y, image, 1, 4, 0)[1, 4] == 2 + 3
    assert effective_receptive_field(y, image, 1, 4)[1, 4] == 2.5 + 4
    assert (effective_receptive_field(y, image, 0, 0) != 0).sum() == 1
    with pytest.raises(ValueError, match=r"cell \(5, 3\) of channel None is not on the map of 5"):
        effective_receptive_field(y, image, 5)
    with pytest.raises(ValueError, match=r"output=\(\), image=\(1, 2, 5, 6\)"):
        effective_receptive_field(y.sum(), image)


def test_grad_cam_of_a_pooled_linear_net_is_the_class_activation_map():
    """Selvaraju et al., section 3.1: with global average pooling Grad-CAM is CAM."""
    features = Tensor(RNG.standard_normal((1, 4, 5, 6)), requires_grad=True)
    weight = RNG.standard_normal((3, 4))
    scores = F.mean(features, dim=(2, 3)) @ Tensor(weight.T.copy())
    for label in range(3):
        cam = np.tensordot(weight[label], features.data[0], axes=1)
        expected = np.maximum(cam, 0) / 30
        np.testing.assert_allclose(grad_cam(scores[0, label], features), expected, rtol=1e-12)
    with pytest.raises(ValueError, match=r"features=\(3, 4\)"):
        grad_cam(scores[0, 0], Tensor(weight))


def test_of_a_classifier_it_is_the_map_of_its_own_weights():
    settings = ClassifierSettings(size=32)
    model = Classifier(SmallBackbone(4, rng=RNG), ("a", "b", "c"), settings, rng=RNG)
    model.fc.weight.data = RNG.standard_normal(model.fc.weight.shape).astype("float32")
    square = RNG.random((3, 32, 32), dtype="float32")
    before = model.state_dict()
    heats = classifier_grad_cam(model, square, [2, 0])
    (stage,) = [stage for stage in model.stages(square) if stage.name == "feature_map"]
    for label, heat in zip((2, 0), heats, strict=True):
        cam = np.tensordot(model.fc.weight.data[label], stage.arrays["features"], axes=1)
        np.testing.assert_allclose(heat, np.maximum(cam, 0) / 16, rtol=1e-3, atol=1e-5)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.training
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_frozen_weights_are_no_obstacle():
    settings = ClassifierSettings(size=32)
    model = Classifier(SmallBackbone(4, rng=RNG), ("a", "b"), settings, rng=RNG)
    square = RNG.random((3, 32, 32), dtype="float32")
    expected = classifier_grad_cam(model, square, [0])[0]
    got = classifier_grad_cam(model.requires_grad_(False), square, [0])[0]
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-8)


def test_of_a_detection_only_what_its_region_touches():
    model = tiny_detector(("cow", "duck"), score_threshold=0.0)
    image = RNG.random((3, 48, 48), dtype="float32")
    stages = {stage.name: stage.arrays for stage in model.stages(image)}
    features, boxes = stages["feature_map"]["features"], stages["proposals"]["boxes"]
    regions = [0, len(boxes) - 1]
    found = detection_grad_cam(model, image, regions, [0, 1])
    for region, (heat, stride) in zip(regions, found, strict=True):
        assert heat.shape == features.shape[1:] and stride == 8
        x1, y1, x2, y2 = boxes[region] / stride
        rows, columns = np.nonzero(heat)
        assert (rows >= np.floor(y1 - 1)).all() and (rows <= np.ceil(y2 + 1)).all()
        assert (columns >= np.floor(x1 - 1)).all() and (columns <= np.ceil(x2 + 1)).all()
    assert all(parameter.grad is None for parameter in model.parameters())
    with pytest.raises(ValueError, match=f"region 99 of {len(boxes)}"):
        detection_grad_cam(model, image, [99], [0])


def test_of_a_fast_rcnn():
    settings = FastRCNNSettings(min_size=40, max_size=64, head_units=8, score_threshold=0.0)
    backbone = SmallBackbone(4, rng=RNG)
    proposer = FixedBoxes(((4, 4, 30, 30), (10, 2, 44, 28)))
    model = FastRCNN(backbone, ("cow", "duck"), proposer, settings, rng=RNG)
    image = RNG.random((3, 40, 48), dtype="float32")
    arrays = model.stages(image)[-1].arrays
    region, label = int(arrays["region_indices"][0]), int(arrays["labels"][0])
    ((heat, stride),) = detection_grad_cam(model, image, [region], [label])
    assert heat.shape == (5, 6) and stride == 8 and heat.max() > 0


def test_of_a_segmenter_it_ends_at_the_theoretical_field():
    settings = FullResolutionSettings(width=4, depth=2)
    model = FullResolution(("a", "b"), settings, rng=RNG)
    image = RNG.random((3, 12, 14), dtype="float32")
    (field,) = segmenter_fields(model, image, [(6, 7, 1)])
    rows, columns = np.nonzero(field)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 8, 5, 9)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_without_a_map():
    x = Tensor(np.ones((1, 3)), requires_grad=True)
    with pytest.raises(ValueError, match="no map"):
        last_map((x * 2.0).sum())
