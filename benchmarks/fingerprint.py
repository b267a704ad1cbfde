"""Did two libraries compute the same thing? A few numbers of each result tell.

A fast answer to another question is no speed. So each side says, for every array it computed, how
long it is as a vector and what stands at a few places of it, and these must agree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

PLACES = 16
NOTHING = 1e-30  # smaller numbers have vanished: float32 has few digits left for them

Fingerprint = list[list[float]]


def fingerprint(arrays: Sequence[np.ndarray]) -> Fingerprint:
    """For each array its root mean square, its size, and the numbers at `PLACES` even places.

    >>> fingerprint([np.array([3.0, 4.0])])[0][:2]
    [3.535..., 2.0]
    """
    result = []
    for array in arrays:
        flat = np.asarray(array, dtype=np.float64).reshape(-1)
        places = np.linspace(0, flat.size - 1, PLACES).astype(np.int64) if flat.size else []
        mean_square = float(np.mean(flat**2)) if flat.size else 0.0
        result.append([math.sqrt(mean_square), float(flat.size), *flat[places].tolist()])
    return result


def difference(first: Fingerprint, second: Fingerprint) -> float:
    """The largest difference of two numbers, relative to the root mean square of their array.

    Infinite where the results differ in number or size, or where one is not finite. Arrays below
    `NOTHING` agree with each other.

    >>> a, b = [np.array([3.0, 4.0])], [np.array([3.0, 4.1])]
    >>> round(difference(fingerprint(a), fingerprint(b)), 3)
    0.028
    """
    if [len(f) for f in first] != [len(f) for f in second]:
        return math.inf
    worst = 0.0
    for one, other in zip(first, second, strict=True):
        if one[1] != other[1] or not np.isfinite([*one, *other]).all():
            return math.inf
        scale = max(one[0], other[0], NOTHING)
        apart = np.abs(np.subtract(one, other)).max(initial=0.0)
        worst = max(worst, float(apart) / scale)
    return worst
