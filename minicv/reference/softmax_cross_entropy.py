"""Softmax and cross entropy as the lecture writes them, one label at a time."""

from __future__ import annotations

import math

import numpy as np


def softmax_cross_entropy(
    logits: np.ndarray,
    labels: np.ndarray,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> np.ndarray:
    """The twin of `minicv.functional.softmax_cross_entropy`; it overflows for large logits.

    The lecture's cat image has scores 3.2, 5.1, -1.7, so p(cat) = 24.5 / 188.7 = 0.13:

    >>> loss = softmax_cross_entropy(np.array([[3.2, 5.1, -1.7]]), np.array([0]))
    >>> round(float(loss), 2)
    2.04
    """
    losses = np.zeros(labels.shape)
    total: float = 0.0
    total_weight: float = 0.0
    for place in np.ndindex(labels.shape):
        label = labels[place]
        if label == ignore_index:
            continue
        n, pixel = place[0], place[1:]
        scores = [float(logits[n, k][pixel]) for k in range(logits.shape[1])]
        denominator = 0.0
        for score in scores:
            denominator += math.exp(score)
        probability = math.exp(scores[label]) / denominator
        class_weight = 1.0 if weight is None else weight[label]
        loss = -class_weight * math.log(probability)
        if label_smoothing > 0:  # a share of the label is spread evenly over all classes
            of_all = 0.0
            for k, score in enumerate(scores):
                weight_of_k = 1.0 if weight is None else weight[k]
                of_all -= weight_of_k * math.log(math.exp(score) / denominator)
            loss = (1 - label_smoothing) * loss + label_smoothing * of_all / len(scores)
        losses[place] = loss
        total += loss
        total_weight += class_weight
    if reduction == "none":
        return losses
    if reduction == "mean":
        return np.array(total / total_weight if total_weight > 0 else 0.0)
    return np.array(total)
