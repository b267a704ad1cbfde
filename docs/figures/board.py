"""Panels in rows on one sheet, with signs such as → between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image
from sheet import LINE, SMALL, TEXT, WIDTH, Sheet

from minicv.inspection.canvas import Canvas, text_width, wrapped
from minicv.inspection.palette import GREY, INK, WHITE, Colour

MARGIN = 36
ROW_GAP = 44
SIGN = 56  # size of a sign, pixels
MOST_GAP = 80  # between two panels of a row

Fill = Sequence[Colour]  # the colours of a cell; none leaves it white


class Panel(NamedTuple):
    """A picture under its caption.

    Attributes:
        picture: shown as it is.
        heading: in ink; "" for none.
        note: below the heading, smaller and in grey.
        width: for the text, where the picture is narrower.
    """

    picture: Image.Image
    heading: str = ""
    note: str = ""
    width: int = 0

    @property
    def span(self) -> float:
        """Pixels across."""
        return max(self.picture.width, self.width)

    def lines(self) -> list[tuple[str, int, Colour]]:
        """The caption, each line with its size and colour."""
        heading = [(line, TEXT, INK) for line in wrapped(self.heading, TEXT, self.span)]
        return heading + [(line, SMALL, GREY) for line in wrapped(self.note, SMALL, self.span)]


def board(rows: Sequence[Sequence[Panel | str]], gap: float = 24, top: bool = False) -> Sheet:
    """Rows of panels, each row in the middle; a text between panels is a sign.

    Args:
        rows: from top to bottom.
        gap: least pixels between two panels.
        top: pictures hang directly under their captions; else the middles of a row are level.

    Raises:
        ValueError: a row is wider than the sheet.
    """
    heights = [(_caption_height(row), _picture_height(row)) for row in rows]
    total = sum(a + b for a, b in heights) + ROW_GAP * (len(rows) - 1) + 2 * MARGIN
    sheet = Sheet(round(total))
    y: float = MARGIN
    for row, (caption, picture) in zip(rows, heights, strict=True):
        spans = [_span(each) for each in row]
        free = WIDTH - 2 * MARGIN - sum(spans)
        step = min(free / max(1, len(row) - 1), MOST_GAP)
        if (step < gap and len(row) > 1) or free < 0:
            raise ValueError(f"board: a row of {sum(spans):.0f} pixels and its gaps is too wide")
        x = (WIDTH - sum(spans) - step * (len(row) - 1)) / 2
        for each, span in zip(row, spans, strict=True):
            middle = y + caption + picture / 2
            if isinstance(each, str):
                sheet.canvas.text((x + span / 2, middle), each, SIGN, GREY, "mm")
            else:
                text_y = y
                for line, size, colour in each.lines():
                    sheet.canvas.text((x, text_y), line, size, colour)
                    text_y += LINE * size
                hung = y + caption if top else middle - each.picture.height / 2
                sheet.place(each.picture, x, hung, edge=None)
            x += span + step
        y += caption + picture + ROW_GAP
    return sheet


def _span(each: Panel | str) -> float:
    return text_width(each, SIGN) if isinstance(each, str) else each.span


def _caption_height(row: Sequence[Panel | str]) -> float:
    panels = [each for each in row if isinstance(each, Panel)]
    heights = [sum(LINE * size for _, size, _ in panel.lines()) for panel in panels]
    return max(heights) + 14 if any(heights) else 0


def _picture_height(row: Sequence[Panel | str]) -> float:
    return max(each.picture.height for each in row if isinstance(each, Panel))


def table(
    rows: Sequence[Sequence[str]],
    fills: Sequence[Sequence[Fill]],
    size: tuple[int, int] = (170, 78),
    text: int = 34,
) -> Image.Image:
    """Words or numbers in cells of this width and height, each on its colours, side by side."""
    width, height = size
    canvas = Canvas(Image.new("RGB", (width * len(rows[0]) + 2, height * len(rows) + 2), WHITE))
    for r, row in enumerate(rows):
        for c, word in enumerate(row):
            box = (c * width, r * height, (c + 1) * width + 2, (r + 1) * height + 2)
            colours = fills[r][c]
            for number, colour in enumerate(colours):
                left, right = (box[0] + width * n / len(colours) for n in (number, number + 1))
                canvas.fill((left, box[1], right, box[3]), colour)
            canvas.frame((box[0] + 1, box[1] + 1, box[2] - 1, box[3] - 1), INK, 2)
            canvas.text(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), word, text, INK, "mm")
    return canvas.finish()
