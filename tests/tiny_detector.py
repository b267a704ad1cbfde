"""The smallest Faster R-CNN that is one, for tests that only need some detector."""

import dataclasses

import numpy as np

from minicv.models.backbones import SmallBackbone
from minicv.models.detection import FasterRCNN, FasterRCNNSettings

SETTINGS = FasterRCNNSettings(
    min_size=48,
    max_size=48,
    anchor_sizes=(12.0, 24.0),
    rpn_channels=8,
    head_units=8,
    post_nms_top_n_train=20,
    post_nms_top_n_test=10,
    rpn_samples=16,
    head_samples=8,
)
LOSSES = ("loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg")


def tiny_detector(classes, **changes):
    """With fresh weights from seed 0; ``changes`` are settings."""
    settings = dataclasses.replace(SETTINGS, **changes)
    rng = np.random.default_rng(0)
    return FasterRCNN(SmallBackbone(rng=rng), classes, settings, rng=rng)
