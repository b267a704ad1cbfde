"""Detectors: where the objects are, and what they are."""

from minicv.models.detection.fast_rcnn import FastRCNN, FastRCNNSettings
from minicv.models.detection.faster_rcnn import FasterRCNN, FasterRCNNSettings
from minicv.models.detection.mask_rcnn import MaskRCNN, MaskRCNNSettings
from minicv.models.detection.rcnn import RCNN, RCNNSettings
from minicv.models.detection.sliding_window import (
    SlidingWindowCost,
    SlidingWindowDetector,
    SlidingWindowSettings,
)
from minicv.models.detection.spp_net import FIVE_SCALES, SPPNet, SPPNetSettings

__all__ = [
    "FIVE_SCALES",
    "RCNN",
    "FastRCNN",
    "FastRCNNSettings",
    "FasterRCNN",
    "FasterRCNNSettings",
    "MaskRCNN",
    "MaskRCNNSettings",
    "RCNNSettings",
    "SPPNet",
    "SPPNetSettings",
    "SlidingWindowCost",
    "SlidingWindowDetector",
    "SlidingWindowSettings",
]
