"""Anchors, one cell of the map, one ratio and one size at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def generate_anchors(
    feature_height: int,
    feature_width: int,
    stride: float,
    sizes: Sequence[float],
    aspect_ratios: Sequence[float],
) -> np.ndarray:
    """The twin of `minicv.vision.generate_anchors`: (H · W · A, 4), in float64.

    A ratio of 4 is a box four times as high as wide, of the same area:

    >>> generate_anchors(1, 1, 16, sizes=[8], aspect_ratios=[1, 4]).tolist()
    [[4.0, 4.0, 12.0, 12.0], [6.0, 0.0, 10.0, 16.0]]
    """
    anchors = []
    for row in range(feature_height):
        for column in range(feature_width):
            cx, cy = (column + 0.5) * stride, (row + 0.5) * stride
            for ratio in aspect_ratios:
                for size in sizes:
                    width, height = size / math.sqrt(ratio), size * math.sqrt(ratio)
                    corners = [cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2]
                    anchors.append(corners)
    return np.array(anchors, np.float64).reshape(-1, 4)
