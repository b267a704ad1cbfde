"""Box regression, one box at a time: the way from a proposal to a box, and the box it leads to."""

from __future__ import annotations

import math

import numpy as np

Weights = tuple[float, float, float, float]
MAX_LOG_SCALE = math.log(1000 / 16)


def encode_boxes(
    reference_boxes: np.ndarray, proposals: np.ndarray, weights: Weights = (1.0, 1.0, 1.0, 1.0)
) -> np.ndarray:
    """The twin of `minicv.vision.encode_boxes`: (N, 4) twice -> (N, 4) offsets.

    The box lies half a width to the right of its proposal:

    >>> proposals = np.array([[0.0, 0.0, 10.0, 20.0]])
    >>> encode_boxes(np.array([[5.0, 0.0, 15.0, 20.0]]), proposals).tolist()
    [[0.5, 0.0, 0.0, 0.0]]
    """
    offsets = np.zeros((len(proposals), 4))
    for n in range(len(proposals)):
        cx, cy, w, h = centre_and_size(reference_boxes[n])
        cxp, cyp, wp, hp = centre_and_size(proposals[n])
        offsets[n, 0] = weights[0] * (cx - cxp) / wp
        offsets[n, 1] = weights[1] * (cy - cyp) / hp
        offsets[n, 2] = weights[2] * math.log(w / wp)
        offsets[n, 3] = weights[3] * math.log(h / hp)
    return offsets


def decode_boxes(
    deltas: np.ndarray, proposals: np.ndarray, weights: Weights = (1.0, 1.0, 1.0, 1.0)
) -> np.ndarray:
    """The twin of `minicv.vision.decode_boxes`: (N, 4) offsets and proposals -> (N, 4) boxes.

    >>> proposals = np.array([[0.0, 0.0, 10.0, 20.0]])
    >>> decode_boxes(np.array([[0.5, 0.0, 0.0, 0.0]]), proposals).tolist()
    [[5.0, 0.0, 15.0, 20.0]]
    """
    boxes = np.zeros((len(proposals), 4))
    for n in range(len(proposals)):
        cxp, cyp, wp, hp = centre_and_size(proposals[n])
        dx, dy, dw, dh = (deltas[n, k] / weights[k] for k in range(4))
        cx, cy = cxp + dx * wp, cyp + dy * hp
        w = wp * math.exp(min(dw, MAX_LOG_SCALE))
        h = hp * math.exp(min(dh, MAX_LOG_SCALE))
        boxes[n] = cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2
    return boxes


def centre_and_size(box: np.ndarray) -> tuple[float, float, float, float]:
    """cx, cy, w, h of x1, y1, x2, y2.

    >>> centre_and_size(np.array([0.0, 0.0, 10.0, 20.0]))
    (5.0, 10.0, 10.0, 20.0)
    """
    x1, y1, x2, y2 = (float(side) for side in box)
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
