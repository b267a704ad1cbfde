"""A draw without chance, the same in two libraries: which anchors and regions a loss is made of."""

from __future__ import annotations

import numpy as np


def first_by_hash(indices: np.ndarray, count: int) -> np.ndarray:
    """Of the indices the ``count`` with the smallest hashes, ascending.

    The hash depends on the index alone. So where two libraries disagree about one candidate, all
    others are drawn alike; and unlike the first ones, the drawn ones come from everywhere.

    >>> first_by_hash(np.array([0, 3, 5, 6, 8, 11]), 3).tolist()
    [0, 5, 6]
    """
    hashes = indices.astype(np.uint64) * np.uint64(2654435761) % np.uint64(1 << 32)
    return np.sort(indices[np.argsort(hashes, kind="stable")[:count]])


class DrawsByIndex(np.random.Generator):
    """A generator whose ``choice`` is `first_by_hash`.

    >>> DrawsByIndex().choice(np.arange(9), size=2, replace=False, shuffle=False).tolist()
    [0, 5]
    """

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def choice(self, a, size=None, replace=False, p=None, axis=0, shuffle=False):
        return first_by_hash(np.asarray(a), size)
