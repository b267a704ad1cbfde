"""How well do scores rank? The area under the ROC curve.

It is the probability that a positive, drawn at random, scores higher than a negative; a tie counts
one half. 1 is a perfect ranking, 0.5 chance.
"""

from __future__ import annotations

import numpy as np


def area_under_roc(scores: np.ndarray, is_positive: np.ndarray) -> float:
    """The AUROC of scores, of which the greater ones are to be positive.

    With the ranks of all N scores from 1 on, ties sharing their mean rank, and R the sum of the
    ranks of the P positives: (R - P (P + 1) / 2) / (P (N - P)), the statistic of Mann and Whitney.

    Args:
        scores: (N,) any numbers but NaN.
        is_positive: (N,) bool.

    Returns:
        0..1; NaN where one of the two kinds is missing.

    Raises:
        ValueError: the shapes differ, or a score is NaN.

    Source: Hanley & McNeil, The meaning and use of the area under a receiver operating
    characteristic (ROC) curve, Radiology 143, 1982.

    >>> area_under_roc(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False]))
    0.875
    """
    scores, is_positive = np.asarray(scores), np.asarray(is_positive, bool)
    if scores.ndim != 1 or scores.shape != is_positive.shape:
        raise ValueError(
            f"area_under_roc: scores have the shape {scores.shape} and is_positive "
            f"{is_positive.shape}; expected (N,) for both"
        )
    if np.isnan(scores).any():
        raise ValueError(f"area_under_roc: {int(np.isnan(scores).sum())} scores are NaN")
    positives = int(is_positive.sum())
    negatives = len(scores) - positives
    if not positives or not negatives:
        return float("nan")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]  # of ties their mean
    total = float(ranks[is_positive].sum())
    return (total - positives * (positives + 1) / 2) / (positives * negatives)
