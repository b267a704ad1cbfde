"""Detectors: where the objects are, and what they are."""

from minicv.models.detection.fast_rcnn import FastRCNN
from minicv.models.detection.fast_rcnn_settings import FastRCNNSettings
from minicv.models.detection.faster_rcnn import FasterRCNN
from minicv.models.detection.faster_rcnn_settings import FasterRCNNSettings

__all__ = ["FastRCNN", "FastRCNNSettings", "FasterRCNN", "FasterRCNNSettings"]
