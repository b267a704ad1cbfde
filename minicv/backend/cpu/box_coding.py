"""Boxes as offsets from proposals and back, on the CPU; `minicv.vision.boxes` has the formulas."""

from __future__ import annotations

import math

import numpy as np

MAX_LOG_SCALE = math.log(1000 / 16)  # a proposal of 16 pixels may at most become one of 1000
Weights = tuple[float, float, float, float]


def encode_boxes(boxes: np.ndarray, proposals: np.ndarray, weights: Weights) -> np.ndarray:
    """(N, 4) boxes and proposals of one dtype -> (N, 4) offsets.

    >>> boxes, proposals = np.array([[5.0, 0.0, 15.0, 20.0]]), np.array([[0.0, 0.0, 10.0, 20.0]])
    >>> encode_boxes(boxes, proposals, (1.0, 1.0, 1.0, 1.0)).tolist()
    [[0.5, 0.0, 0.0, 0.0]]
    """
    cx, cy, w, h = _centre_and_size(boxes)
    cxp, cyp, wp, hp = _centre_and_size(proposals)
    wx, wy, ww, wh = weights
    offsets = [
        wx * (cx - cxp) / wp,
        wy * (cy - cyp) / hp,
        ww * np.log(w / wp),
        wh * np.log(h / hp),
    ]
    return np.stack(offsets, axis=-1)


def decode_boxes(deltas: np.ndarray, proposals: np.ndarray, weights: Weights) -> np.ndarray:
    """(N, 4) or (N, K, 4) offsets and (N, 4) proposals -> boxes in the shape of the offsets.

    >>> proposals = np.array([[0.0, 0.0, 10.0, 20.0]])
    >>> decode_boxes(np.array([[0.5, 0.0, 0.0, 0.0]]), proposals, (1.0, 1.0, 1.0, 1.0)).tolist()
    [[5.0, 0.0, 15.0, 20.0]]
    """
    if deltas.ndim == 3:
        proposals = proposals[:, None, :]  # (N, 4) -> (N, 1, 4): the same proposal for each class
    cxp, cyp, wp, hp = _centre_and_size(proposals)
    wx, wy, ww, wh = weights
    cx = deltas[..., 0] / wx * wp + cxp
    cy = deltas[..., 1] / wy * hp + cyp
    half_w = 0.5 * wp * np.exp(np.minimum(deltas[..., 2] / ww, MAX_LOG_SCALE))
    half_h = 0.5 * hp * np.exp(np.minimum(deltas[..., 3] / wh, MAX_LOG_SCALE))
    return np.stack([cx - half_w, cy - half_h, cx + half_w, cy + half_h], axis=-1)


def clip_boxes(boxes: np.ndarray, height: float, width: float) -> np.ndarray:
    """(..., 4) boxes with x cut to 0..width and y to 0..height.

    >>> clip_boxes(np.array([-2.0, 1.0, 12.0, 9.0]), 6, 10).tolist()
    [0.0, 1.0, 10.0, 6.0]
    """
    x = np.clip(boxes[..., 0::2], 0, width)  # (..., 4) -> (..., 2): x1, x2
    y = np.clip(boxes[..., 1::2], 0, height)
    return np.stack([x[..., 0], y[..., 0], x[..., 1], y[..., 1]], axis=-1)


def large_boxes(boxes: np.ndarray, min_size: float) -> np.ndarray:
    """(..., 4) -> (...): whether both sides have at least ``min_size``, and more than 0.

    >>> large_boxes(np.array([[0.0, 0.0, 9.0, 2.0], [0.0, 0.0, 3.0, 3.0]]), 3).tolist()
    [False, True]
    """
    width, height = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
    large: np.ndarray = (width >= min_size) & (height >= min_size) & (width > 0) & (height > 0)
    return large


def decode_candidates(
    logits: np.ndarray,
    deltas: np.ndarray,
    anchors: np.ndarray,
    chosen: np.ndarray,
    sizes: list[tuple[float, float]],
    min_size: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The chosen anchors of N images, moved by their offsets and cut at the border of the image.

    Args:
        logits: (N, M).
        deltas: (N, M, 4) offsets, without weights.
        anchors: (M, 4), of every image; of the dtype of the offsets.
        chosen: (N, P) int64, which of the M anchors.
        sizes: height and width of each image.
        min_size: of both sides.

    Returns:
        boxes (N, P, 4); scores (N, P), the sigmoid of the logits; and (N, P) whether a box is
        large enough.

    >>> anchors = np.array([[0.0, 0.0, 8.0, 8.0], [4.0, 4.0, 12.0, 12.0]])
    >>> boxes, scores, large = decode_candidates(
    ...     np.zeros((1, 2)), np.zeros((1, 2, 4)), anchors, np.array([[1]]), [(10, 10)], 2.0)
    >>> boxes.tolist(), scores.tolist(), large.tolist()
    ([[[4.0, 4.0, 10.0, 10.0]]], [[0.5]], [[True]])
    """
    found = []
    for own_logits, own_deltas, own, (height, width) in zip(
        logits, deltas, chosen, sizes, strict=True
    ):
        moved = decode_boxes(own_deltas[own], anchors[own], (1.0, 1.0, 1.0, 1.0))
        boxes = clip_boxes(moved, height, width)
        scores = 1 / (1 + np.exp(-np.clip(own_logits[own], -50, 50)))
        found.append((boxes, scores, large_boxes(boxes, min_size)))
    boxes, scores, large = (np.stack(parts) for parts in zip(*found, strict=True))
    return boxes, scores, large


def _centre_and_size(
    boxes: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    w = boxes[..., 2] - boxes[..., 0]
    h = boxes[..., 3] - boxes[..., 1]
    return boxes[..., 0] + 0.5 * w, boxes[..., 1] + 0.5 * h, w, h
