"""The whole of Faster R-CNN on a device."""

import cupy_stand_in as cupy
import numpy as np
import pytest
from device_of_the_host import check_losses_and_gradients, check_on_the_host, install_device

from minicv.models.backbones import SmallBackbone
from minicv.models.detection import FasterRCNN, FasterRCNNSettings

IMAGES = [np.random.default_rng(i).random((3, 50, 70), dtype=np.float32) for i in range(2)]
TARGETS = [
    {"boxes": np.array([[4, 4, 30, 40], [8, 20, 60, 45]], np.float32), "labels": np.array([1, 0])},
    {"boxes": np.zeros((0, 4), np.float32), "labels": np.zeros(0, np.int64)},
]


@pytest.fixture(autouse=True)
def device(monkeypatch):
    install_device(monkeypatch)


def detector():
    rng = np.random.default_rng(0)
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
    return FasterRCNN(SmallBackbone(width=4, rng=rng), ("cow", "duck"), settings, rng=rng)


def test_detections_and_stages_come_back_to_the_host():
    host, moved = detector(), detector().to("cuda")
    assert isinstance(moved.rpn.conv.weight.data, cupy.ndarray)
    for image in IMAGES:
        here, there = host.stages(image), moved.stages(image)
        assert len(here["detections"]["boxes"]) > 0
        here |= here.pop("detections")
        there |= there.pop("detections")
        check_on_the_host(there, here)


def test_losses_and_gradients_are_those_of_the_host():
    check_losses_and_gradients(detector(), detector().to("cuda"), IMAGES, TARGETS)
