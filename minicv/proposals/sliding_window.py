"""Sliding window: every place, in every size and shape, without a look at the picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minicv.backend import Array
from minicv.proposals.proposer import checked_image


@dataclass(frozen=True)
class SlidingWindow:
    """Proposes windows on a grid: all sizes, in all shapes, at all positions; all score 1.

    A window of size s and aspect ratio r is s / √r wide and s √r high. From one position to the
    next it moves by at most ``step`` of its own width or height, by equal steps that reach both
    edges of the picture::

        positions = ⌈(W - w) / (step · w)⌉ + 1   along a picture of width W ≥ w, and none if W < w

    The number of windows grows with the inverse square of ``step`` and with the product of sizes
    and shapes: this is the price of not looking, which every other proposer is there to save.

    Args:
        sizes: square roots of the areas, pixels.
        aspect_ratios: height / width.
        step: share of a window.

    Raises:
        ValueError: no size or shape, or a number that is not positive.

    >>> windows = SlidingWindow(sizes=(8.0,), aspect_ratios=(1.0,), step=0.5)
    >>> boxes, scores = windows.propose(np.zeros((3, 8, 16)), np.random.default_rng(0))
    >>> sorted(boxes.tolist())
    [[0.0, 0.0, 8.0, 8.0], [4.0, 0.0, 12.0, 8.0], [8.0, 0.0, 16.0, 8.0]]
    >>> windows.count(8, 16), SlidingWindow().count(600, 1000)
    (3, 12205)
    """

    sizes: tuple[float, ...] = (64.0, 128.0, 256.0)
    aspect_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    step: float = 0.2

    def __post_init__(self) -> None:
        numbers = (*self.sizes, *self.aspect_ratios, self.step)
        if not self.sizes or not self.aspect_ratios or not all(0 < n < math.inf for n in numbers):
            raise ValueError(f"{self}: expected sizes, aspect ratios and a step above 0")

    def propose(self, image: Array, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """As `Proposer.propose`, in an order that ``rng`` draws: no window is known to be better.

        So whoever takes the first few has some of every size from everywhere.
        """
        height, width = checked_image(image, "SlidingWindow").shape[1:]
        grids = [np.zeros((0, 4), np.float32)]
        for h, w, rows, columns in self._grids(height, width):
            y, x = np.linspace(0, height - h, rows), np.linspace(0, width - w, columns)
            y, x = (corner.reshape(-1) for corner in np.meshgrid(y, x, indexing="ij"))
            grids.append(np.stack([x, y, x + w, y + h], axis=1))  # (rows columns, 4)
        boxes = np.concatenate(grids).astype(np.float32)
        boxes = np.minimum(boxes, np.array([width, height] * 2, np.float32))  # less the rounding
        return rng.permutation(boxes), np.ones(len(boxes), np.float32)

    def count(self, height: int, width: int) -> int:
        """How many windows a picture of this size has."""
        return sum(rows * columns for _, _, rows, columns in self._grids(height, width))

    def _grids(self, height: int, width: int) -> Iterator[tuple[float, float, int, int]]:
        """Height and width of a window, and the number of its rows and columns."""
        for size in self.sizes:
            for ratio in self.aspect_ratios:
                h, w = size * math.sqrt(ratio), size / math.sqrt(ratio)
                if h <= height and w <= width:
                    rows = math.ceil((height - h) / (self.step * h)) + 1
                    columns = math.ceil((width - w) / (self.step * w)) + 1
                    yield h, w, rows, columns
