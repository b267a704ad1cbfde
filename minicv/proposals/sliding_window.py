"""Sliding windows at every place, in every size and shape, without a look at the picture.

`SlidingWindow` proposes them; `window_grids` makes the grids that other proposers score.
"""

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

    The number of windows grows with the inverse square of ``step`` and with the product of the
    numbers of sizes and shapes. All other proposers look at the picture to need fewer windows.

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

        So the first few windows are of every size and from everywhere.
        """
        height, width = checked_image(image, "SlidingWindow").shape[1:]
        grids: list[np.ndarray] = [np.zeros((0, 4), np.float32)]
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

    - A window and its copy moved sideways by d have the IoU (w - d) / (w + d). So the step is
      ``w (1 - alpha) / (1 + alpha)`` at most, and steps are equal from one border to the other.
    - A window and its copy grown by s in both directions have the IoU 1 / s^2. So the next scale is
      ``1 / sqrt(alpha)`` times as large.
    - A window and its copy stretched by r in one direction and shrunk by r in the other have the
      IoU 1 / (2 r - 1). So aspect ratios are a factor of ``((1 + alpha) / (2 alpha))^2`` apart.

    Scales go from ``least_area`` until windows exceed the image; windows that are too wide or too
    high are cut to the image.

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
