"""Stages that systems of every kind record: the image they look at, and their feature maps."""

from __future__ import annotations

import numpy as np

from minicv.backend import Array, to_numpy
from minicv.inspection.stage import StageRecorder


def record_input(record: StageRecorder, image: np.ndarray) -> None:
    """Note the image (3, H, W), 0..1, in whose pixels the following boxes are, as "input".

    >>> record = StageRecorder(keep=True)
    >>> record_input(record, np.zeros((3, 40, 60), "float32"))
    >>> record.stages[0].name, record.stages[0].caption
    ('input', 'Input\\n60 × 40 pixels')
    """
    _, height, width = image.shape
    caption = f"Input\n{width} × {height} pixels"
    record("input", caption, "image", lambda: {"image": image})


def record_features(
    record: StageRecorder, features: Array, stride: float, name: str = "feature_map"
) -> None:
    """Note a feature map (C, h, w), with the pixels of the input per cell.

    >>> record = StageRecorder(keep=True)
    >>> record_features(record, np.zeros((16, 5, 8), "float32"), 8)
    >>> record.stages[0].name, record.stages[0].caption
    ('feature_map', 'Feature map\\n16 channels of 8 × 5')
    """
    channels, height, width = features.shape
    caption = f"Feature map\n{channels} channels of {width} × {height}"
    record(name, caption, "features", lambda: {"features": to_numpy(features), "stride": stride})
