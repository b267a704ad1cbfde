"""The order of scores from the best to the worst, whatever their dtype."""

from __future__ import annotations

from minicv.backend.device import Array, xp_of


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
