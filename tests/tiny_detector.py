"""The smallest Faster R-CNN that is one, for tests that only need some detector."""

import dataclasses

import numpy as np

from minicv.models.detection import FasterRCNNSettings
from minicv.training import build_detector

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
    return build_detector("faster_rcnn", "small", classes, settings, rng=np.random.default_rng(0))
