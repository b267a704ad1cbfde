"""What the convolutions make of an image: where their map is strong, and its strongest channels."""

from __future__ import annotations

import numpy as np
from PIL import Image

from minicv.inspection.canvas import enlarged
from minicv.inspection.heatmap import feature_tiles, overlay_heatmap
from minicv.inspection.panels import contact_sheet

MOST_CHANNELS = 16


def draw_feature_map(image: np.ndarray, feature_map: np.ndarray, stride: float) -> Image.Image:
    """The map's mean strength laid over the image, beside its strongest channels.

    Args:
        image: (3, H, W) floats in 0..1.
        feature_map: (C, h, w).
        stride: pixels of the image from one cell to the next.

    Raises:
        ValueError: an empty image or map, or one of another shape.

    >>> draw_feature_map(np.zeros((3, 64, 64), np.float32), np.zeros((32, 8, 8)), 8).width
    1104
    """
    picture, factor = enlarged(image)
    channels, height, width = np.shape(feature_map)
    strength = np.abs(feature_map).mean(axis=0)  # (C, h, w) -> (h, w)
    cell = (stride * factor, stride * factor)
    strongest = min(MOST_CHANNELS, channels)
    return contact_sheet(
        [
            overlay_heatmap(picture, strength, cell_size=cell),
            feature_tiles(feature_map, MOST_CHANNELS, tile_size=125),
        ],
        [
            f"Feature map\n{channels} channels of {width} × {height}; their mean strength",
            f"The {strongest} strongest channels\neach on a scale of its own, from dark to bright",
        ],
        columns=2,
    )
