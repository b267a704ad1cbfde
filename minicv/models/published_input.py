"""Photographs in the size and the pixels that torchvision's published detectors were trained on.

A published detector finds the same objects here only if it sees the same numbers. Two rules of
torchvision's ``GeneralizedRCNNTransform`` differ from those of minicv: sizes are rounded down, in
single precision, and an image that shrinks is not smoothed first.
"""

from __future__ import annotations

import math

import numpy as np


def published_size(height: int, width: int, min_size: int, max_size: int) -> tuple[int, int]:
    """The size to which torchvision brings an image before a detector sees it.

    The shorter side becomes ``min_size``; less, where the longer would pass ``max_size``::

        s = min(min_size · (1 / shorter), max_size · (1 / longer))       in single precision
        size = ⌊height · s⌋, ⌊width · s⌋                                 in double precision

    The precision matters. 1 / shorter is rounded, so ``min_size`` is often missed by one pixel:
    of the 801 squares of 200 to 1000 pixels 391 do not get 800 rows but 799. A side that would
    vanish keeps one pixel, where torchvision fails.

    Args:
        height, width: of the image, at least 1.
        min_size, max_size: of the detector; 800 and 1333 for those trained on COCO.

    Source: ``torchvision/models/detection/transform.py``, version 0.14.1.

    >>> published_size(480, 640, 800, 1333), published_size(375, 1000, 800, 1333)
    ((800, 1066), (499, 1333))
    """
    shorter, longer = np.float32(min(height, width)), np.float32(max(height, width))
    one = np.float32(1)
    scale = float(
        min(np.float32(min_size) * (one / shorter), np.float32(max_size) * (one / longer))
    )
    return max(1, math.floor(height * scale)), max(1, math.floor(width * scale))


def resize_unsmoothed(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """(C, H, W) to (C, height, width), bilinear between the four nearest pixels.

    New row i looks at the place (i + 1/2)·H / height - 1/2 between two old ones, and columns
    likewise; beyond the outermost centres the edge is repeated. An image that shrinks is not
    smoothed first, so that some pixels may count for nothing. That is
    ``torch.nn.functional.interpolate(..., mode="bilinear", align_corners=False)`` with its step
    H / height in single precision, which moves a place by up to 0.0001 of a pixel.

    It gives what `minicv.functional.resize_bilinear` gives, which has a gradient too. Here two
    pixels are taken for each new one, there all of a row; that makes this 5 to 20 times as fast.

    Args:
        image: (C, H, W) float32, with at least one pixel.

    Returns:
        float32; ``image`` itself, if it has that size.

    >>> resize_unsmoothed(np.array([[[1.0, 2.0]]], "float32"), 1, 4).tolist()
    [[[1.0, 1.25, 1.75, 2.0]]]
    """
    steps = [(axis, new / image.shape[axis], new) for axis, new in ((1, height), (2, width))]
    for axis, growth, new in sorted(steps, key=lambda step: step[1]):  # what shrinks goes first
        if growth != 1:
            image = _resize_axis(image, axis, new)
    return image


def _resize_axis(image: np.ndarray, axis: int, new_length: int) -> np.ndarray:
    length = image.shape[axis]
    step = float(np.float32(length) / np.float32(new_length))
    place = np.clip((np.arange(new_length) + 0.5) * step - 0.5, 0, length - 1)
    before = place.astype(np.int64)
    after = np.minimum(before + 1, length - 1)
    weight = (place - before).astype(np.float32).reshape((-1, 1) if axis == 1 else -1)
    # (C, H, W) -> (C, new, W) or (C, H, new)
    result = image.take(before, axis)
    result *= 1 - weight
    other = image.take(after, axis)
    other *= weight
    result += other
    return result
