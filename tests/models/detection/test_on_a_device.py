"""The whole of a detector on a device."""

import cupy_stand_in as cupy
import numpy as np
import pytest
from device_of_the_host import check_losses_and_gradients, check_on_the_host, install_device

from minicv.models.backbones import SmallBackbone
from minicv.models.detection import (
    RCNN,
    FasterRCNN,
    FasterRCNNSettings,
    FastRCNN,
    FastRCNNSettings,
    RCNNSettings,
    SlidingWindowDetector,
    SlidingWindowSettings,
    SPPNet,
    SPPNetSettings,
)
from minicv.models.localization import SingleObjectDetector, SingleObjectSettings
from minicv.proposals import SlidingWindow

IMAGES = [np.random.default_rng(i).random((3, 50, 70), dtype=np.float32) for i in range(2)]
TARGETS = [
    {"boxes": np.array([[4, 4, 30, 40], [8, 20, 60, 45]], np.float32), "labels": np.array([1, 0])},
    {"boxes": np.zeros((0, 4), np.float32), "labels": np.zeros(0, np.int64)},
]


@pytest.fixture(autouse=True)
def device(monkeypatch):
    install_device(monkeypatch)


def detector(kind):
    """Scores of every region count, so that there is something to compare."""
    rng = np.random.default_rng(0)
    backbone, classes = SmallBackbone(width=4, rng=rng), ("cow", "duck")
    windows = SlidingWindow(sizes=(16.0, 30.0), step=0.5)
    if kind is FasterRCNN:
        settings = FasterRCNNSettings(
            min_size=64,
            max_size=64,
            anchor_sizes=(12.0, 24.0),
            rpn_channels=8,
            head_units=8,
            post_nms_top_n_train=30,
            post_nms_top_n_test=20,
            rpn_samples=32,
            head_samples=16,
            score_threshold=0.0,
        )
        return FasterRCNN(backbone, classes, settings, rng=rng)
    if kind is FastRCNN:
        settings = FastRCNNSettings(min_size=64, max_size=64, head_units=8, score_threshold=0.0)
        return FastRCNN(backbone, classes, windows, settings, rng=rng)
    if kind is RCNN:
        settings = RCNNSettings(
            warp_size=24, context=3, pooled_size=2, head_units=8, dropout=0.0, score_threshold=0.0
        )
        return fit_at_random(RCNN(backbone, classes, windows, settings, rng=rng))
    if kind is SPPNet:
        settings = SPPNetSettings(
            scales=(48, 64), region_side=24.0, head_units=8, dropout=0.0, score_threshold=0.0
        )
        return fit_at_random(SPPNet(backbone, classes, windows, settings, rng=rng))
    if kind is SlidingWindowDetector:
        settings = SlidingWindowSettings(warp_size=16, units=8, score_threshold=0.0)
        return SlidingWindowDetector(backbone, classes, windows, settings, rng=rng)
    settings = SingleObjectSettings(size=32, pooled_size=2, units=8)
    return SingleObjectDetector(backbone, classes, settings, rng=rng)


def fit_at_random(model):
    """SVMs and box regressors from a generator instead of from images."""
    rng = np.random.default_rng(0)
    for layer in (model.svms, model.box_regressors):
        layer.take(*(rng.normal(0, 0.1, part.shape) for part in (layer.weight, layer.bias)))
    return model


kinds = pytest.mark.parametrize(
    "kind", [SlidingWindowDetector, SingleObjectDetector, RCNN, SPPNet, FastRCNN, FasterRCNN]
)


@kinds
def test_detections_and_stages_come_back_to_the_host(kind):
    host, moved = detector(kind), detector(kind).to("cuda")
    assert all(isinstance(p.data, cupy.ndarray) for p in moved.parameters())
    for image in IMAGES:
        here, there = host.stages(image), moved.stages(image)
        assert len(here[-1].arrays["boxes"]) > 0
        for ours, expected in zip(there, here, strict=True):
            assert ours.name == expected.name
            check_on_the_host(ours.arrays, expected.arrays)


@kinds
def test_losses_and_gradients_are_those_of_the_host(kind, monkeypatch):
    install_device(monkeypatch, emulated=False)  # so that rounding and dropout are the same
    host, moved = detector(kind), detector(kind).to("cuda")
    check_losses_and_gradients(host, moved, IMAGES, TARGETS)
