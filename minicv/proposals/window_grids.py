"""Sliding windows of many sizes: as few as leave no box without a window close to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class WindowGrid:
    """All windows of one size: upper left corners ``x`` (GX,) by ``y`` (GY,), whole pixels."""

    width: int
    height: int
    x: np.ndarray
    y: np.ndarray

    def boxes(self, indices: np.ndarray) -> np.ndarray:
        """(M,) flat positions in the (GY, GX) grid -> (M, 4) boxes.

        >>> WindowGrid(4, 2, np.array([0, 3]), np.array([0, 1])).boxes(np.array([1, 2])).tolist()
        [[3, 0, 7, 2], [0, 1, 4, 3]]
        """
        x, y = self.x[indices % len(self.x)], self.y[indices // len(self.x)]
        return np.stack([x, y, x + self.width, y + self.height], axis=1)


def window_grids(
    height: int, width: int, alpha: float, least_area: float, most_aspect: float
) -> Iterator[WindowGrid]:
    """Grids of windows of which neighbours overlap by an IoU of ``alpha``.

    - A window moved sideways by d has with itself the IoU (w - d) / (w + d): a step of
      ``w (1 - alpha) / (1 + alpha)``, and spread evenly from one border to the other.
    - One grown by s in both directions has 1 / s^2: the next scale is ``1 / sqrt(alpha)`` as large.
    - One stretched by r in one direction and shrunk by it in the other has 1 / (2 r - 1): aspect
      ratios lie ``((1 + alpha) / (2 alpha))^2`` apart.

    Scales go from ``least_area`` until windows exceed the image; those too wide or too high are cut
    to it.

    Args:
        height, width: of the image, pixels.
        alpha: between 0 and 1.
        least_area: of the smallest windows, square pixels.
        most_aspect: greatest ratio of a window's sides, before it is cut; at least 1.

    Source: Zitnick & Dollár 2014, section 3.3.

    >>> [(g.width, g.height, len(g.x), len(g.y)) for g in window_grids(100, 150, 0.5, 5000, 1)]
    [(71, 71, 5, 3), (100, 100, 3, 1), (141, 100, 2, 1)]
    """
    step = (1 - alpha) / (1 + alpha)
    stretch = (1 + alpha) / (2 * alpha)
    stretches = int(np.log(most_aspect) / (2 * np.log(stretch)) + 1e-9)
    seen = set()
    scale = np.sqrt(least_area)
    while scale * scale <= height * width / alpha:
        for power in range(-stretches, stretches + 1):
            wide = min(int(scale * stretch**power + 0.5), width)
            high = min(int(scale / stretch**power + 0.5), height)
            if wide * high < least_area * 0.9 or (wide, high) in seen:
                continue
            seen.add((wide, high))
            yield WindowGrid(wide, high, _places(width, wide, step), _places(height, high, step))
        scale /= np.sqrt(alpha)


def _places(length: int, window: int, step: float) -> np.ndarray:
    """Where windows begin, from the first pixel to the last place that fits."""
    room = length - window
    count = int(np.ceil(room / max(1, window * step))) + 1
    return np.floor(np.linspace(0, room, count) + 0.5).astype(np.int64)
