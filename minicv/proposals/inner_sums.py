"""Edges in the middle of a box, by an integral image."""

from __future__ import annotations

import numpy as np

from minicv.proposals.window_grids import WindowGrid


class InnerSums:
    """Sums of edge magnitudes over the inner boxes: half as wide and half as high, in the middle.

    A box from a to b has its inner box from ``a + floor((b - a) / 4)`` to ``b - floor((b - a) /
    4)`` in each direction, whole pixels.

    Args:
        y, x: (E,) rows and columns of the edge pixels.
        magnitude: (E,) of them.
        size: (height, width) of the image.
    """

    def __init__(
        self, y: np.ndarray, x: np.ndarray, magnitude: np.ndarray, size: tuple[int, int]
    ) -> None:
        edges = np.zeros((size[0] + 1, size[1] + 1))
        edges[y + 1, x + 1] = magnitude
        self.integral = edges.cumsum(axis=0).cumsum(axis=1)  # (H + 1, W + 1)
        self.lines = self.integral, np.ascontiguousarray(self.integral.T)

    def of(self, x1: np.ndarray, y1: np.ndarray, x2: np.ndarray, y2: np.ndarray) -> np.ndarray:
        """The sum for each box; whole numbers, which broadcast against each other.

        >>> sums = InnerSums(np.array([2, 0]), np.array([2, 0]), np.array([0.5, 9]), (4, 4))
        >>> float(sums.of(0, 0, 4, 4))
        0.5
        """
        quarter_x, quarter_y = (x2 - x1) // 4, (y2 - y1) // 4
        left, right = x1 + quarter_x, x2 - quarter_x
        top, bottom = y1 + quarter_y, y2 - quarter_y
        integral = self.integral
        return (integral[bottom, right] - integral[top, right]) - (
            integral[bottom, left] - integral[top, left]
        )

    def along(
        self, axis: int, begin: np.ndarray, end: np.ndarray, across: tuple[int, int]
    ) -> np.ndarray:
        """The same for boxes that share their extent in one direction: (P,) sums.

        Args:
            axis: 0 for boxes that differ in x, 1 for boxes that differ in y.
            begin, end: (P,) along this axis; one of them may be a number.
            across: begin and end along the other axis.

        >>> sums = InnerSums(np.array([2, 0]), np.array([2, 0]), np.array([0.5, 9]), (4, 4))
        >>> sums.along(0, np.array([0, 2]), 4, (0, 4)).tolist()
        [0.5, 0.5]
        """
        quarter = (across[1] - across[0]) // 4
        lines = self.lines[axis]
        strip = lines[across[1] - quarter] - lines[across[0] + quarter]  # (W + 1,) or (H + 1,)
        quarters = (end - begin) // 4
        return strip[end - quarters] - strip[begin + quarters]

    def on_grid(self, grid: WindowGrid) -> np.ndarray:
        """(GY, GX): the sum for each window of the grid."""
        x, y = grid.x, grid.y[:, None]
        return self.of(x, y, x + grid.width, y + grid.height)
