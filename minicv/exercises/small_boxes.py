"""Boxes with corners at whole numbers, for drawn cases that one can check on squared paper."""

from __future__ import annotations

import numpy as np


def small_boxes(rng: np.random.Generator, count: int, proper: bool = False) -> np.ndarray:
    """Boxes that often touch, coincide or cover nothing: (count, 4) float64.

    Args:
        rng: draws them.
        count: how many.
        proper: every box covers something.

    >>> small_boxes(np.random.default_rng(0), 2).tolist()
    [[4.0, 3.0, 5.0, 3.0], [2.0, 0.0, 2.0, 0.0]]
    """
    corner = rng.integers(-1, 6, (count, 2))
    size = rng.integers(1 if proper else 0, 6, (count, 2))
    return np.concatenate([corner, corner + size], axis=1).astype(float)
