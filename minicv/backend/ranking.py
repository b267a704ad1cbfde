"""The order of scores from the best to the worst, whatever their dtype."""

from __future__ import annotations

import numpy as np

from minicv.backend.device import Array, xp_of


def best_first(scores: Array, count: int) -> Array:
    """Indices of the ``count`` greatest in each row, or of all; the greatest first.

    Equal scores keep their order, and NaN comes last.

    Args:
        scores: (N, M), floating point.
        count: 0 or more.

    Returns:
        (N, min(count, M)) int64.

    >>> import numpy as np
    >>> best_first(np.array([[0.5, 0.9, 0.5, 0.1]]), 2).tolist()
    [[1, 0]]
    """
    xp, length = xp_of(scores), scores.shape[1]
    if xp is np and 0 < count <= length // 4 and len(scores):
        return np.stack([_best_of_many(row, count) for row in scores])
    return xp.argsort(-scores, axis=1, kind="stable")[:, :count]


def _best_of_many(scores: np.ndarray, count: int) -> np.ndarray:
    """Only what reaches the last place is sorted; to find that score takes a tenth of a sort."""
    negative = -scores
    last = np.partition(negative, count - 1)[count - 1]
    if np.isnan(last):
        return negative.argsort(kind="stable")[:count]
    reached = np.flatnonzero(negative <= last)  # more than ``count`` where scores are equal
    return reached[negative[reached].argsort(kind="stable")[:count]]


def descending(scores: Array) -> Array:
    """Indices that sort ``scores``, the greatest first; equal scores keep their order.

    ``argsort(-scores)`` is wrong for unsigned integers, where minus 0 is 0 and stays the smallest,
    and for the smallest signed integer, which is its own negative; bools have no negative at all.
    NaN comes last.

    Args:
        scores: (N,), real numbers of any dtype.

    Returns:
        (N,) indices.

    >>> import numpy as np
    >>> descending(np.array([0, 200, 7, 200], np.uint8)).tolist()
    [1, 3, 2, 0]
    """
    xp = xp_of(scores)
    if scores.dtype.kind == "f":
        return xp.argsort(-scores, kind="stable")
    # Backwards, twice: of equal scores the last comes last before, and first after.
    return len(scores) - 1 - xp.argsort(scores[::-1], kind="stable")[::-1]
