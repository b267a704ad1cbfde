"""What a mask head should predict, one cell and one sample at a time."""

from __future__ import annotations

import math

import numpy as np

from minicv.reference.roi_align import interpolate


def mask_targets(
    masks: np.ndarray, matched: np.ndarray, boxes: np.ndarray, size: int, *, aligned: bool = True
) -> np.ndarray:
    """The twin of `minicv.vision.mask_targets`: (G, H, W) and P boxes -> (P, M, M).

    >>> mask = np.array([[[0.0, 1.0], [0.0, 1.0]]])
    >>> mask_targets(mask, np.array([0]), np.array([[0.0, 0.0, 2.0, 2.0]]), 2).tolist()
    [[[0.0, 1.0], [0.0, 1.0]]]
    """
    targets = np.zeros((len(boxes), size, size))
    shift = 0.5 if aligned else 0.0
    for p in range(len(boxes)):
        mask = masks[matched[p]].astype(float)
        left, top, right, bottom = (float(side) - shift for side in boxes[p])
        if not aligned:
            right, bottom = max(right, left + 1), max(bottom, top + 1)
        cell_height, cell_width = (bottom - top) / size, (right - left) / size
        samples_down, samples_along = math.ceil(cell_height), math.ceil(cell_width)
        for i in range(size):
            for j in range(size):
                samples = []
                for k in range(samples_down):
                    for m in range(samples_along):
                        row = top + (i + (k + 0.5) / samples_down) * cell_height
                        column = left + (j + (m + 0.5) / samples_along) * cell_width
                        samples.append(interpolate(mask, row, column))
                if samples:
                    targets[p, i, j] = sum(samples) / len(samples)
    return targets


def resize_masks(masks: np.ndarray, height: int, width: int) -> np.ndarray:
    """The twin of `minicv.vision.resize_masks`, with exact fractions: (G, H, W) -> (G, h, w).

    >>> resize_masks(np.array([[[1, 2, 3]]]), 1, 2).tolist()
    [[[1, 2]]]
    """
    objects, old_height, old_width = masks.shape
    resized = np.zeros((objects, height, width), masks.dtype)
    for g in range(objects):
        for i in range(height):
            for j in range(width):
                resized[g, i, j] = masks[g, i * old_height // height, j * old_width // width]
    return resized
