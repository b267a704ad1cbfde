"""A small map as its numbers, each in a square whose colours say where it came from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from minicv.inspection.canvas import Canvas, text_width
from minicv.inspection.palette import GREY, INK, WHITE, Colour, mix

LINE = 2  # width of the lines between cells, in pixels
TINT = 0.55  # share of white in a cell's colour, so that ink reads well on it
LARGEST_TEXT = 0.46  # of the cell's side
ROOM = 0.88  # share of a cell's width that its text may take


def draw_number_grid(
    values: Sequence[Sequence[float | str]] | np.ndarray,
    colours: Sequence[Sequence[Sequence[Colour]]] | None = None,
    cell_size: int = 76,
) -> Image.Image:
    """Write each number of a map into its cell, as on a slide.

    All are written in one size, the largest in which the longest fits its cell. A zero is grey, so
    that what is not zero stands out.

    Args:
        values: (H, W) numbers, or texts such as "az + bx".
        colours: for each cell the colours that share it, from left to right; none leaves it white.
            They are lightened. By default all cells are white.
        cell_size: side of a cell in pixels.

    Returns:
        A picture of W · cell_size + 2 by H · cell_size + 2 pixels.

    Raises:
        ValueError: the values are not (H, W) with at least one cell, or the colours not as many.

    >>> draw_number_grid([[1, 2, 0.5], ["ax", 0, "bz"]], cell_size=40).size
    (122, 82)
    """
    cells = np.array([list(row) for row in values], dtype=object)
    if cells.ndim != 2 or cells.size == 0:
        raise ValueError(
            f"draw_number_grid: values have the shape {cells.shape}, expected (H, W) with at least "
            "one cell"
        )
    height, width = cells.shape
    if colours is not None and [len(row) for row in colours] != [width] * height:
        raise ValueError(
            f"draw_number_grid: colours have rows of {[len(row) for row in colours]} cells, but "
            f"values are {height} x {width}; give a list of colours for each cell"
        )
    texts = [[v if isinstance(v, str) else f"{v:g}" for v in row] for row in cells]
    size = max(1, int(LARGEST_TEXT * cell_size))
    room, every = ROOM * cell_size, [text for row in texts for text in row]
    while size > 1 and max(text_width(text, size) for text in every) > room:
        size -= 1
    sheet = (width * cell_size + LINE, height * cell_size + LINE)
    canvas = Canvas(Image.new("RGB", sheet, WHITE))
    for row in range(height):
        for column in range(width):
            x, y = LINE / 2 + column * cell_size, LINE / 2 + row * cell_size
            parts = [] if colours is None else colours[row][column]
            for number, colour in enumerate(parts):
                left, right = (x + cell_size * edge / len(parts) for edge in (number, number + 1))
                canvas.fill((left, y, right, y + cell_size), mix(colour, WHITE, TINT))
            text = texts[row][column]
            middle = (x + cell_size / 2, y + cell_size / 2)
            canvas.text(middle, text, size, GREY if text == "0" else INK, anchor="mm")
    for row in range(height + 1):
        y = row * cell_size
        canvas.fill((0, y, sheet[0], y + LINE), INK)
    for column in range(width + 1):
        x = column * cell_size
        canvas.fill((x, 0, x + LINE, sheet[1]), INK)
    return canvas.finish()
