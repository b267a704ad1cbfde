"""Scores as a softmax takes them: relative to the largest, so that exp cannot overflow."""

from __future__ import annotations

import numpy as np

from minicv.backend.device import Array, xp_of
from minicv.backend.selection import surely_finite

# A rest below this loses digits in 1 + rest; the largest score then has a probability above 0.8.
SMALL_REST = 0.25


def below_the_largest(scores: Array, axis: int) -> Array:
    """``scores`` minus the largest along ``axis``: 0 at the largest, below 0 elsewhere.

    A score of infinity is infinitely far above the finite ones, which become minus infinity; if
    there are several such scores, each is 0. If all scores are minus infinity there is no largest
    one, and the result is NaN.

    >>> below_the_largest(np.array([[1.0, 3.0], [np.inf, 3.0]]), axis=1).tolist()
    [[-2.0, 0.0], [0.0, -inf]]
    """
    xp = xp_of(scores)
    largest = scores.real.max(axis=axis, keepdims=True)
    with np.errstate(over="ignore"):  # a distance beyond float32 is infinite, as it should be
        if surely_finite(largest):
            return scores - largest
        endless = xp.isinf(largest)
        zero, apart, nothing = (xp.full((), v, scores.dtype) for v in (0.0, -np.inf, np.nan))
        finite = scores - xp.where(endless, zero, largest)
    # Infinity minus infinity would be NaN, and finite scores are all equally far away.
    chosen = xp.where(scores == largest, zero, apart)
    return xp.where(endless, xp.where(largest > 0, chosen, nothing), finite)


def beside_the_largest(distances: Array, axis: int) -> Array:
    """Σ exp(distance) along ``axis``, without the 1 of the largest score; the axis keeps length 1.

    The sum of all, minus 1, would lose the digits of a small rest. So where the rest is small each
    1 is taken away before the others are added.

    Args:
        distances: the result of `below_the_largest`.

    >>> float(beside_the_largest(np.array([0.0, -50.0]), axis=0)[0])
    1.92...e-22
    """
    xp = xp_of(distances)
    terms = xp.exp(distances)
    rest = terms.sum(axis=axis, keepdims=True) - 1
    if xp is np and terms.dtype.kind == "f":
        small = rest < SMALL_REST
        if small.any():
            groups = np.moveaxis(terms, axis, -1)[small.squeeze(axis)]
            groups -= np.floor(groups)  # the floor is 1 at the largest, 0 elsewhere
            rest[small] = groups.sum(axis=-1)
        return rest
    # On a device the host would have to wait to learn which rests are small.
    ones = xp.floor(terms.real)
    terms -= ones
    return terms.sum(axis=axis, keepdims=True) + (ones.sum(axis=axis, keepdims=True) - 1)
