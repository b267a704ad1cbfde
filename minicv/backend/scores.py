"""Scores as a softmax takes them: relative to the largest, so that exp cannot overflow."""

from __future__ import annotations

import numpy as np

from minicv.backend.device import Array, xp_of


def below_the_largest(scores: Array, axis: int) -> Array:
    """``scores`` minus the largest along ``axis``: 0 at the largest, below 0 elsewhere.

    A score of infinity is infinitely far above the finite ones, which become minus infinity; of
    several each is 0. If all scores are minus infinity none is the largest, and the result is NaN.

    >>> below_the_largest(np.array([[1.0, 3.0], [np.inf, 3.0]]), axis=1).tolist()
    [[-2.0, 0.0], [0.0, -inf]]
    """
    xp = xp_of(scores)
    largest = scores.real.max(axis=axis, keepdims=True)
    endless = xp.isinf(largest)
    with np.errstate(over="ignore"):  # a distance beyond float32 is infinite, as it should be
        if xp is np and not endless.any():
            return scores - largest
        zero, apart, nothing = (xp.full((), v, scores.dtype) for v in (0.0, -np.inf, np.nan))
        finite = scores - xp.where(endless, zero, largest)
    # Infinity minus infinity would be NaN, and finite scores are all equally far away.
    chosen = xp.where(scores == largest, zero, apart)
    return xp.where(endless, xp.where(largest > 0, chosen, nothing), finite)
