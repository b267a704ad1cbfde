"""A spatial pyramid, laid over a region of the feature map: which cells go into which bin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from minicv.inspection.canvas import Canvas
from minicv.inspection.heatmap import heat_picture
from minicv.inspection.palette import BLACK, VERMILLION, WHITE


def draw_pyramid(
    heat: np.ndarray,
    region: Sequence[int],
    pyramid: Sequence[int],
    cell_size: int = 16,
) -> list[Image.Image]:
    """A picture of the map for each level, with the region framed and its bins within.

    Bin i of l reaches over the n cells of the region from ``floor(i n / l)`` to, not included,
    ``ceil((i + 1) n / l)``, as in `minicv.functional.roi_pool`: where the region has fewer cells
    than bins, neighbours share some.

    Args:
        heat: (h, w), one number for each cell of a feature map.
        region: x, y of the first and x, y of the last cell, both included.
        pyramid: rows and columns of each level, such as 6, 3, 2, 1.
        cell_size: side of a cell in the picture, pixels.

    Raises:
        ValueError: the region is not within the map.

    >>> [level.size for level in draw_pyramid(np.zeros((8, 8)), (1, 1, 6, 4), (2, 1))]
    [(128, 128), (128, 128)]
    """
    height, width = np.shape(heat)
    x1, y1, x2, y2 = (int(cell) for cell in region)
    if not (0 <= x1 <= x2 < width and 0 <= y1 <= y2 < height):
        raise ValueError(
            f"draw_pyramid: region {(x1, y1, x2, y2)} is not within a map of {height} rows and "
            f"{width} columns; expected its first and last cell"
        )
    picture = heat_picture(heat, (width * cell_size, height * cell_size))
    levels = []
    for level in pyramid:
        canvas = Canvas(picture)
        columns, rows = bin_edges(x1, x2, level), bin_edges(y1, y2, level)
        for left, right in columns:
            for top, bottom in rows:
                box = [edge * cell_size for edge in (left, top, right, bottom)]
                canvas.frame(box, (*BLACK, 110), 3)
                canvas.frame(box, WHITE, 1.5)
        whole = [edge * cell_size for edge in (x1, y1, x2 + 1, y2 + 1)]
        canvas.frame(whole, VERMILLION, 3)
        levels.append(canvas.finish())
    return levels


def bin_edges(first: int, last: int, level: int) -> list[tuple[int, int]]:
    """First cell and the one after the last, of each bin along one direction.

    >>> bin_edges(2, 4, 2)
    [(2, 4), (3, 5)]
    """
    count = last - first + 1
    return [
        (first + i * count // level, first + -(-(i + 1) * count // level)) for i in range(level)
    ]
