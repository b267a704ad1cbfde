"""How sure is a share that was measured on few images? The bootstrap draws them again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

DRAWS = 2000
LEVEL = 0.95


def bootstrap_interval(
    right: np.ndarray | Sequence[float],
    counted: np.ndarray | Sequence[float] | None = None,
    *,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> tuple[float, float]:
    """The interval in which sum(right) / sum(counted) lies for other images of the same kind.

    N images are drawn from the N images, with replacement, ``draws`` times; the interval holds the
    middle ``level`` of the shares (the percentile interval). Whole images are drawn, because the
    joints of one person are right or wrong together. The interval says nothing of another training.

    Args:
        right: (N,), of each image how many of its things are right, or any other number.
        counted: (N,), of how many; None is 1 each, so that the share is the mean.
        draws: the more, the smoother.
        level: in 0..1.
        seed: of the draws, so that a record can be made again.

    Returns:
        the lower and the upper end; NaN for both where nothing was counted.

    Raises:
        ValueError: the lengths differ, or a level outside of 0..1.

    Source: Efron & Tibshirani, An introduction to the bootstrap, 1993, chapter 13.

    >>> low, high = bootstrap_interval([1, 0] * 50)
    >>> round(low, 2), round(high, 2)  # 0.5 ± 2 sqrt(0.25 / 100)
    (0.4, 0.6)
    >>> bootstrap_interval([3, 0], [3, 0])
    (1.0, 1.0)
    """
    right = np.asarray(right, np.float64)
    counted = np.ones_like(right) if counted is None else np.asarray(counted, np.float64)
    if right.ndim != 1 or right.shape != counted.shape:
        raise ValueError(
            f"bootstrap_interval: right has shape {right.shape} and counted {counted.shape}; "
            "expected one number an image in each"
        )
    if not 0 < level < 1:
        raise ValueError(f"bootstrap_interval: level={level}; expected more than 0 and less than 1")
    if not counted.sum() > 0:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(right), size=(draws, len(right)))  # (D, N)
    of_all = counted[chosen].sum(axis=1)
    shares = right[chosen].sum(axis=1)[of_all > 0] / of_all[of_all > 0]
    low, high = np.quantile(shares, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
