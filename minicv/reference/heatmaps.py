"""Joints as cells of a heat map and back, one joint and one pixel at a time."""

from __future__ import annotations

import math

import numpy as np


def joint_positions(
    keypoints: np.ndarray, boxes: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """The twin of `minicv.vision.joint_positions`: (P, J, 3) -> positions and valid, (P, J).

    >>> joints = np.array([[[2.0, 4.0, 1.0], [5.0, 0.0, 1.0]]])
    >>> positions, valid = joint_positions(joints, np.array([[0.0, 0.0, 4.0, 4.0]]), 4)
    >>> positions.tolist(), valid.tolist()
    ([[14, 0]], [[True, False]])
    """
    positions = np.zeros(keypoints.shape[:2], np.int64)
    valid = np.zeros(keypoints.shape[:2], bool)
    for p, j in np.ndindex(positions.shape):
        x, y, visible = (float(number) for number in keypoints[p, j])
        x1, y1, x2, y2 = (float(side) for side in boxes[p])
        column, row = cell_of(x, x1, x2, size), cell_of(y, y1, y2, size)
        if visible > 0 and 0 <= column < size and 0 <= row < size:
            positions[p, j], valid[p, j] = row * size + column, True
    return positions, valid


def cell_of(place: float, start: float, end: float, size: int) -> int:
    """Which of ``size`` cells between start and end holds the place; -1 where there are none.

    >>> cell_of(1.0, 0.0, 2.0, 4), cell_of(2.0, 0.0, 2.0, 4), cell_of(2.5, 0.0, 2.0, 4)
    (2, 3, 5)
    """
    if place == end:
        return size - 1
    return math.floor((place - start) * size / (end - start)) if end > start else -1


def heatmaps_to_keypoints(logits: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The twin of `minicv.vision.heatmaps_to_keypoints`: keypoints (D, J, 3), scores (D, J).

    >>> logits = np.array([[[[0.0, 0.0], [8.0, 0.0]]]])
    >>> heatmaps_to_keypoints(logits, np.array([[4.0, 0.0, 6.0, 2.0]]))[0].tolist()
    [[[4.5, 1.5, 1.0]]]
    """
    detections, joints = logits.shape[:2]
    keypoints, scores = np.ones((detections, joints, 3)), np.zeros((detections, joints))
    for d, j in np.ndindex(detections, joints):
        x1, y1, x2, y2 = (float(side) for side in boxes[d])
        width, height = max(x2 - x1, 1.0), max(y2 - y1, 1.0)
        columns, rows = math.ceil(width), math.ceil(height)
        best = -math.inf
        for row in range(rows):
            for column in range(columns):
                value = bicubic(logits[d, j], row, column, rows, columns)
                if value > best:
                    best = value
                    x = x1 + (column + 0.5) * width / columns
                    y = y1 + (row + 0.5) * height / rows
        keypoints[d, j, :2], scores[d, j] = (x, y), best
    return keypoints, scores


def bicubic(grid: np.ndarray, row: int, column: int, rows: int, columns: int) -> float:
    """Pixel (row, column) of a grid that is enlarged to rows x columns pixels.

    >>> bicubic(np.array([[0.0, 1.0]]), 0, 0, 1, 2), bicubic(np.array([[0.0, 1.0]]), 0, 1, 1, 3)
    (0.0, 0.5)
    """
    height, width = grid.shape
    y = (row + 0.5) * height / rows - 0.5
    x = (column + 0.5) * width / columns - 0.5
    total = 0.0
    for i in range(math.floor(y) - 1, math.floor(y) + 3):
        for j in range(math.floor(x) - 1, math.floor(x) + 3):
            nearest = grid[min(max(i, 0), height - 1), min(max(j, 0), width - 1)]
            total += cubic(y - i) * cubic(x - j) * nearest
    return float(total)


def cubic(distance: float) -> float:
    """The weight of a cell at this distance: Keys' cubic with a = -0.75.

    >>> cubic(0.0), cubic(0.5), cubic(-1.5), cubic(2.0)
    (1.0, 0.59375, -0.09375, 0.0)
    """
    a, t = -0.75, abs(distance)
    if t <= 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0
