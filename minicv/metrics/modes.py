"""Does a generator make all kinds of points? Modes covered, of a mixture of known centres."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NEAR = 3.0  # standard deviations: 98.9 % of a Gaussian of the plane lie within
LEAST_SHARE = 0.25  # of the points that a mode should have


class ModeCoverage(NamedTuple):
    """What `mode_coverage` counted.

    Attributes:
        counts: (K,) good points of each mode.
        covered: how many modes have enough.
        good: share of the points that lie near any centre, 0..1.
    """

    counts: np.ndarray
    covered: int
    good: float


def mode_coverage(
    points: np.ndarray,
    centres: np.ndarray,
    std: float,
    near: float = NEAR,
    least_share: float = LEAST_SHARE,
) -> ModeCoverage:
    """Count the points that belong to each mode of a mixture of equal Gaussians.

    A point is good if it lies within ``near`` standard deviations of the nearest centre, and then
    belongs to its mode. A mode is covered if it has at least ``least_share`` of the N / K points
    that each should have; a few stray points between two modes do not cover one.

    Args:
        points: (N, D) of the generator.
        centres: (K, D).
        std: of each Gaussian, along each axis.
        near: radius, in standard deviations.
        least_share: of N / K.

    Raises:
        ValueError: no points or no centres.

    Source: Srivastava et al., VEEGAN, 2017, section 5.1: modes captured, and the share of
    high-quality samples within three standard deviations.

    >>> centres = np.array([[0.0, 0.0], [9.0, 0.0]])
    >>> points = np.array([[0.1, 0.0]] * 7 + [[9.0, 0.2], [5.0, 5.0], [4.0, 0.0]])
    >>> found = mode_coverage(points, centres, std=0.1)
    >>> found.counts.tolist(), found.covered, found.good  # 1 of the 5 that the second should have
    ([7, 1], 1, 0.8)
    """
    if len(points) == 0 or len(centres) == 0:
        raise ValueError(
            f"mode_coverage: {len(points)} points and {len(centres)} centres; expected at least "
            "one of each"
        )
    apart = np.linalg.norm(points[:, None] - centres, axis=2)  # (N, K)
    good = apart.min(axis=1) <= near * std
    counts = np.bincount(apart.argmin(axis=1)[good], minlength=len(centres))
    covered = int((counts >= least_share * len(points) / len(centres)).sum())
    return ModeCoverage(counts, covered, float(good.mean()))
