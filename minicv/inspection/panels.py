"""Several pictures on one white sheet, with captions and a title; a legend of colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageOps

from minicv.inspection.canvas import Canvas, scaled, shortened, text_width, wrapped
from minicv.inspection.palette import GREY, INK, WHITE, Colour

TITLE_SIZE = 26
HEADING_SIZE = 18
CAPTION_SIZE = 15
LINE_HEIGHT = 1.35  # of the text size
MARGIN = 28  # around the sheet
GAP = 24  # between pictures


def contact_sheet(
    pictures: Sequence[Image.Image],
    captions: Sequence[str] | None = None,
    columns: int | None = None,
    title: str | None = None,
    tile_width: int | Sequence[int] | None = None,
    margin: int = MARGIN,
    gap: int = GAP,
) -> Image.Image:
    """Arrange pictures in rows, each under its caption.

    A picture wider than its column is reduced to it; a smaller one keeps its size (a sheet shows
    pixels as they are, enlarge before).

    Args:
        pictures: any number; none gives a sheet with the title alone.
        captions: one for each picture, "" for none. The first line is the heading, in a larger
            and darker type; further lines explain. Long lines are wrapped.
        columns: pictures in a row; by default about as many as rows.
        title: a line above everything.
        tile_width: width of all columns, or of each, in pixels; by default that of the widest
            picture.
        margin: white pixels around the sheet.
        gap: white pixels between pictures.

    Raises:
        ValueError: the number of captions is not that of the pictures, or no column is asked for.

    >>> tiles = [Image.new("RGB", (100, 50))] * 4
    >>> contact_sheet(tiles, columns=2).size  # two tiles, one gap and two margins each way
    (280, 180)
    """
    captions = [""] * len(pictures) if captions is None else list(captions)
    if len(captions) != len(pictures):
        raise ValueError(
            f"contact_sheet: expected one caption for each picture but got {len(captions)} "
            f"captions for {len(pictures)} pictures"
        )
    if columns is None:
        columns = math.ceil(math.sqrt(len(pictures)))
    if columns < 1 and pictures:
        raise ValueError(f"contact_sheet: columns must be at least 1 but is {columns}")
    columns = max(1, min(columns, len(pictures)))
    if tile_width is None:
        tile_width = max((picture.width for picture in pictures), default=300)
    widths = [tile_width] * columns if isinstance(tile_width, int) else list(tile_width)
    width_of = [widths[i % columns] for i in range(len(pictures))]
    pictures = [
        scaled(picture, min(1, width / picture.width))
        for picture, width in zip(pictures, width_of, strict=True)
    ]
    blocks = [_caption_lines(*each) for each in zip(captions, width_of, strict=True)]
    block_heights = [  # with room below
        math.ceil(sum(size * LINE_HEIGHT for _, size, _ in lines)) + 8 if lines else 0
        for lines in blocks
    ]

    width = 2 * margin + sum(widths) + (columns - 1) * gap
    title_lines = wrapped(title, TITLE_SIZE, width - 2 * margin) if title else []
    rows = [range(i, min(i + columns, len(pictures))) for i in range(0, len(pictures), columns)]
    caption_heights = [max(block_heights[i] for i in row) for row in rows]
    picture_heights = [max(pictures[i].height for i in row) for row in rows]
    title_height = math.ceil(len(title_lines) * TITLE_SIZE * LINE_HEIGHT)
    if title_lines and rows:
        title_height += gap // 2
    body = sum(caption_heights) + sum(picture_heights) + gap * max(0, len(rows) - 1)
    canvas = Canvas(Image.new("RGB", (width, 2 * margin + title_height + body), WHITE))

    for number, line in enumerate(title_lines):
        canvas.text((margin, margin + number * TITLE_SIZE * LINE_HEIGHT), line, TITLE_SIZE)
    y = margin + title_height
    for row, caption_height, picture_height in zip(
        rows, caption_heights, picture_heights, strict=True
    ):
        for column, i in enumerate(row):
            x = margin + sum(widths[:column]) + column * gap
            text_y: float = y
            for text, size, colour in blocks[i]:
                canvas.text((x, text_y), text, size, colour)
                text_y += size * LINE_HEIGHT
            canvas.paste(pictures[i], (x, y + caption_height))
        y += caption_height + picture_height + gap
    return canvas.finish()


def mosaic(pictures: Sequence[Image.Image], columns: int, gap: int = 8) -> Image.Image:
    """Pictures in rows on white, with nothing around them.

    >>> mosaic([Image.new("RGB", (20, 10)), Image.new("RGB", (30, 5))], columns=1).size
    (30, 23)
    """
    return contact_sheet(pictures, columns=columns, margin=0, gap=gap)


def _caption_lines(caption: str, width: int) -> list[tuple[str, int, Colour]]:
    """The caption's lines, each with its text size and colour."""
    heading, _, explanation = caption.partition("\n")
    lines = [(line, HEADING_SIZE, INK) for line in wrapped(heading, HEADING_SIZE, width)]
    lines += [(line, CAPTION_SIZE, GREY) for line in wrapped(explanation, CAPTION_SIZE, width)]
    return lines


class LegendEntry(NamedTuple):
    """What one patch stands for.

    Attributes:
        patch: a colour, or a picture, which is cut to size, or repeated.
        name: in dark letters.
        note: behind the name in grey, a number perhaps; "" for none.
    """

    patch: Image.Image | Colour
    name: str
    note: str = ""


def draw_legend(entries: Sequence[LegendEntry], width: int, text_size: int = 15) -> Image.Image:
    """The entries in rows from left to right, all columns equally wide, on white.

    The legend has as few rows as possible; a name that is wider than the legend is shortened.

    Args:
        entries: any number; none gives one white row.
        width: of the legend, in pixels.
        text_size: in pixels.

    >>> red = LegendEntry((255, 0, 0), "barn", "12 %")
    >>> draw_legend([red] * 3, 300).size, draw_legend([red] * 3, 100).size
    ((300, 48), (100, 72))
    """
    row_height = round(text_size * 1.6)
    patch_size = (round(text_size * 1.5), round(text_size * 1.1))
    gap = round(text_size * 0.5)  # between patch, name and note
    space = round(text_size * 1.4)  # between columns
    note_widths = [text_width(e.note, text_size) + gap if e.note else 0 for e in entries]
    widths = [
        text_width(entry.name, text_size) + note
        for entry, note in zip(entries, note_widths, strict=True)
    ]
    widest = math.ceil(patch_size[0] + gap + max(widths, default=0))
    columns = max(1, (width + space) // (widest + space))  # at most so many fit
    rows = max(1, math.ceil(len(entries) / columns))
    columns = max(1, math.ceil(len(entries) / rows))  # the same number of rows, filled evenly
    canvas = Canvas(Image.new("RGB", (width, rows * row_height), WHITE))
    for number, entry in enumerate(entries):
        row, column = divmod(number, columns)
        x, y = column * (widest + space), row * row_height
        canvas.paste(_patch(entry.patch, patch_size), (x, y + (row_height - patch_size[1]) // 2))
        left, middle = x + patch_size[0] + gap, y + row_height / 2
        name = shortened(entry.name, text_size, width - left - note_widths[number])
        note = entry.note
        if note and not name:  # no room for both
            name, note = shortened(entry.name, text_size, width - left), ""
        canvas.text((left, middle), name, text_size, INK, anchor="lm")
        note_left = left + text_width(name, text_size) + gap
        canvas.text((note_left, middle), note, text_size, GREY, anchor="lm")
    return canvas.finish()


def with_legend(
    picture: Image.Image,
    entries: Sequence[LegendEntry],
    text_size: int = 15,
    margin: int = 0,
    gap: int = 8,
    least: int = 1,
) -> Image.Image:
    """The picture with its legend below; the legend has a margin at the sides and at the end.

    The legend is as wide as the picture, and at least ``least`` pixels.

    >>> with_legend(Image.new("RGB", (600, 300)), [], text_size=15, margin=10, gap=0).size
    (600, 334)
    """
    legend = draw_legend(entries, max(least, picture.width - 2 * margin), text_size)
    return mosaic([picture, ImageOps.expand(legend, (margin, 0, margin, margin), WHITE)], 1, gap)


def _patch(content: Image.Image | Colour, size: tuple[int, int]) -> Image.Image:
    """A colour, or a picture repeated and cut, in that size."""
    if not isinstance(content, Image.Image):
        return Image.new("RGB", size, content)
    result = Image.new("RGB", size)
    for x in range(0, size[0], content.width):
        for y in range(0, size[1], content.height):
            result.paste(content, (x, y))
    return result
