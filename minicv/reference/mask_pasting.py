"""From a mask head's grid to the pixels of the image, one pixel at a time."""

from __future__ import annotations

import math

import numpy as np

from minicv.reference.resize_bilinear import resize_bilinear


def paste_masks(
    probabilities: np.ndarray, boxes: np.ndarray, height: int, width: int
) -> np.ndarray:
    """The twin of `minicv.vision.paste_masks` before the threshold: (D, M, M) -> (D, H, W).

    >>> paste_masks(np.ones((1, 1, 1)), np.array([[1.0, 0.0, 3.0, 1.0]]), 1, 4).tolist()
    [[[0.25, 0.75, 0.75, 0.25]]]
    """
    pasted = np.zeros((len(boxes), height, width))
    cells = probabilities.shape[1]
    for d in range(len(boxes)):
        x1, y1, x2, y2 = (float(side) for side in boxes[d])
        if x2 <= x1 or y2 <= y1:
            continue
        for row in range(height):
            for column in range(width):
                down = (row + 0.5 - y1) / (y2 - y1) * cells - 0.5
                along = (column + 0.5 - x1) / (x2 - x1) * cells - 0.5
                # The four cells around; one that does not exist counts as 0.
                for i in (math.floor(down), math.floor(down) + 1):
                    for j in (math.floor(along), math.floor(along) + 1):
                        if 0 <= i < cells and 0 <= j < cells:
                            share = (1 - abs(down - i)) * (1 - abs(along - j))
                            pasted[d, row, column] += share * probabilities[d, i, j]
    return pasted


def paste_masks_expanded(
    probabilities: np.ndarray, boxes: np.ndarray, height: int, width: int
) -> np.ndarray:
    """The twin of `minicv.vision.paste_masks_expanded` before the threshold.

    >>> paste_masks_expanded(np.ones((1, 1, 1)), np.array([[1.0, 0.0, 2.0, 0.0]]), 1, 4).tolist()
    [[[0.0, 0.625, 0.625, 0.0]]]
    """
    pasted = np.zeros((len(boxes), height, width))
    cells = probabilities.shape[1]
    for d in range(len(boxes)):
        framed = np.zeros((cells + 2, cells + 2))
        framed[1:-1, 1:-1] = probabilities[d]
        x1, x2 = rounded_outwards(float(boxes[d, 0]), float(boxes[d, 2]), cells)
        y1, y2 = rounded_outwards(float(boxes[d, 1]), float(boxes[d, 3]), cells)
        if x2 < x1 or y2 < y1:
            continue
        resized = resize_bilinear(framed[None, None], (y2 - y1 + 1, x2 - x1 + 1))[0, 0]
        for row in range(max(y1, 0), min(y2 + 1, height)):
            for column in range(max(x1, 0), min(x2 + 1, width)):
                pasted[d, row, column] = resized[row - y1, column - x1]
    return pasted


def rounded_outwards(start: float, end: float, cells: int) -> tuple[int, int]:
    """First and last pixel of a box whose grid got a frame.

    >>> rounded_outwards(2.0, 6.0, 4)
    (1, 7)
    """
    half, centre = (end - start) / 2 * (cells + 2) / cells, (start + end) / 2
    return math.trunc(centre - half), math.trunc(centre + half)
