"""Several pictures on one white sheet, with captions and a title."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image

from minicv.inspection.canvas import Canvas, wrapped
from minicv.inspection.palette import GREY, INK, WHITE

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
    tile_width: int | None = None,
    margin: int = MARGIN,
) -> Image.Image:
    """Arrange pictures in rows, each under its caption.

    All columns are equally wide. A picture wider than its column is reduced to it; a smaller one
    keeps its size (a sheet shows pixels as they are, enlarge before).

    Args:
        pictures: any number; none gives a sheet with the title alone.
        captions: one for each picture, "" for none. The first line is the heading, in a larger
            and darker type; further lines explain. Long lines are wrapped.
        columns: pictures in a row; by default about as many as rows.
        title: a line above everything.
        tile_width: width of a column in pixels; by default that of the widest picture.
        margin: white pixels around the sheet.

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
    pictures = [fitted(picture, tile_width) for picture in pictures]
    blocks = [_caption_lines(caption, tile_width) for caption in captions]

    width = 2 * margin + columns * tile_width + (columns - 1) * GAP
    title_lines = wrapped(title, TITLE_SIZE, width - 2 * margin) if title else []
    rows = [range(i, min(i + columns, len(pictures))) for i in range(0, len(pictures), columns)]
    caption_heights = [max(_block_height(blocks[i]) for i in row) for row in rows]
    picture_heights = [max(pictures[i].height for i in row) for row in rows]
    title_height = math.ceil(len(title_lines) * TITLE_SIZE * LINE_HEIGHT)
    if title_lines and rows:
        title_height += GAP // 2
    body = sum(caption_heights) + sum(picture_heights) + GAP * max(0, len(rows) - 1)
    canvas = Canvas(Image.new("RGB", (width, 2 * margin + title_height + body), WHITE))

    for number, line in enumerate(title_lines):
        canvas.text((margin, margin + number * TITLE_SIZE * LINE_HEIGHT), line, TITLE_SIZE)
    y = margin + title_height
    for row, caption_height, picture_height in zip(
        rows, caption_heights, picture_heights, strict=True
    ):
        for column, i in enumerate(row):
            x = margin + column * (tile_width + GAP)
            text_y = y
            for text, size, colour in blocks[i]:
                canvas.text((x, text_y), text, size, colour)
                text_y += size * LINE_HEIGHT
            canvas.paste(pictures[i], (x, y + caption_height))
        y += caption_height + picture_height + GAP
    return canvas.finish()


def fitted(picture: Image.Image, width: int, height: int | None = None) -> Image.Image:
    """``picture``, reduced to fit into ``width`` and ``height``; never enlarged.

    >>> fitted(Image.new("RGB", (200, 100)), 50).size
    (50, 25)
    """
    share = min(1, width / picture.width, 1 if height is None else height / picture.height)
    if share == 1:
        return picture
    size = (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _caption_lines(caption: str, width: int) -> list[tuple[str, int, tuple[int, int, int]]]:
    """The caption's lines, each with its text size and colour."""
    heading, _, explanation = caption.partition("\n")
    lines = [(line, HEADING_SIZE, INK) for line in wrapped(heading, HEADING_SIZE, width)]
    lines += [(line, CAPTION_SIZE, GREY) for line in wrapped(explanation, CAPTION_SIZE, width)]
    return lines


def _block_height(lines: Sequence[tuple[str, int, tuple[int, int, int]]]) -> int:
    if not lines:
        return 0
    return math.ceil(sum(size * LINE_HEIGHT for _, size, _ in lines)) + 8  # and room below
