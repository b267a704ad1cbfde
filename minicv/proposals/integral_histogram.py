"""Histograms of boxes: an integral image for each bin, so that any box costs four look-ups."""

from __future__ import annotations

import numpy as np

BLOCK = 1024  # boxes counted at a time


class IntegralHistogram:
    """Counts how many pixels of each label a box has.

    Args:
        labels: (H, W) whole numbers from 0 to ``bins - 1``.
        bins: number of labels.

    Source: Porikli, "Integral Histogram" (2005); for labels of superpixels: Alexe et al. 2012,
    section 2.4.

    Cost: (H + 1) (W + 1) bins numbers, of 2 bytes up to 65,535 pixels, else of 4.

    >>> histogram = IntegralHistogram(np.array([[0, 1, 1], [0, 2, 1]]), 3)
    >>> histogram.counts(np.array([[0, 0, 2, 2], [2, 0, 3, 2]])).tolist()
    [[2, 1, 1], [0, 2, 0]]
    """

    def __init__(self, labels: np.ndarray, bins: int) -> None:
        height, width = labels.shape
        # As short as will do: a sum that wraps around does no harm to differences of sums.
        kind = np.uint16 if labels.size < 1 << 16 else np.uint32
        self.totals = np.zeros((height + 1, width + 1, bins), kind)
        rows, columns = np.indices(labels.shape)
        self.totals[rows + 1, columns + 1, labels] = 1
        for column in range(1, width + 1):  # whole histograms at once: cumsum goes bin by bin
            self.totals[:, column] += self.totals[:, column - 1]
        for row in range(1, height + 1):
            self.totals[row] += self.totals[row - 1]

    def counts(self, boxes: np.ndarray) -> np.ndarray:
        """(N, 4) whole pixels -> (N, bins)."""
        counts = np.empty((len(boxes), self.totals.shape[2]), np.int32)
        for first in range(0, len(boxes), BLOCK):
            x1, y1, x2, y2 = boxes[first : first + BLOCK].T
            part = self.totals[y2, x2] - self.totals[y1, x2]
            part -= self.totals[y2, x1]
            part += self.totals[y1, x1]
            counts[first : first + BLOCK] = part
        return counts
