"""What a box covers, as a square, however wide or high it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

from minicv.inspection.canvas import enlarged
from minicv.inspection.palette import GREY


def crop_of_box(image: np.ndarray, box: Sequence[float], side: int) -> Image.Image:
    """The pixels within a box, stretched to ``side`` x ``side`` and framed: as pooling sees them.

    Args:
        image: (3, H, W) floats in 0..1.
        box: x1, y1, x2, y2 in pixels of the image; what lies outside is cut off, and at least one
            pixel of the enlarged picture is shown.
        side: of the result, pixels.

    >>> crop_of_box(np.ones((3, 40, 60), np.float32), (10, 10, 30, 15), 112).size
    (112, 112)
    """
    picture, factor = enlarged(image)
    x1, y1, x2, y2 = (float(v) * factor for v in box)
    left, top = min(max(0, x1), picture.width - 1), min(max(0, y1), picture.height - 1)
    right = min(max(x2, left + 1), picture.width)
    bottom = min(max(y2, top + 1), picture.height)
    square = picture.resize((side, side), Image.Resampling.BICUBIC, box=(left, top, right, bottom))
    return ImageOps.expand(square.crop((1, 1, side - 1, side - 1)), 1, GREY) if side > 4 else square
