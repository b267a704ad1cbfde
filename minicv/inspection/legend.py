"""A legend: patches of colour with the names of what they stand for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image

from minicv.inspection.canvas import Canvas, shortened, text_width
from minicv.inspection.palette import GREY, INK, WHITE


class LegendEntry(NamedTuple):
    """What one patch stands for.

    Attributes:
        patch: a picture that fills the patch; it is cut to size, or repeated.
        name: in dark letters.
        note: behind the name in grey, a number perhaps; "" for none.
    """

    patch: Image.Image
    name: str
    note: str = ""


def draw_legend(entries: Sequence[LegendEntry], width: int, text_size: int = 15) -> Image.Image:
    """The entries in rows from left to right, all columns equally wide, on white.

    There are as few rows as possible; a name that is wider than the legend is shortened.

    Args:
        entries: any number; none gives one white row.
        width: of the legend, in pixels.
        text_size: in pixels.

    >>> red = LegendEntry(Image.new("RGB", (1, 1), (255, 0, 0)), "barn", "12 %")
    >>> draw_legend([red] * 3, 300).size, draw_legend([red] * 3, 100).size
    ((300, 48), (100, 72))
    """
    row_height = round(text_size * 1.6)
    patch_size = (round(text_size * 1.5), round(text_size * 1.1))
    gap = round(text_size * 0.5)  # between patch, name and note
    space = round(text_size * 1.4)  # between columns
    text_widths = [_width(entry.name, entry.note, text_size, gap) for entry in entries]
    widest = math.ceil(patch_size[0] + gap + max(text_widths, default=0))
    columns = max(1, (width + space) // (widest + space))  # so many would fit
    rows = max(1, math.ceil(len(entries) / columns))
    columns = max(1, math.ceil(len(entries) / rows))  # so many fill these rows evenly
    canvas = Canvas(Image.new("RGB", (width, rows * row_height), WHITE))
    for number, entry in enumerate(entries):
        row, column = divmod(number, columns)
        x, y = column * (widest + space), row * row_height
        canvas.paste(_tiled(entry.patch, patch_size), (x, y + (row_height - patch_size[1]) // 2))
        x, y = x + patch_size[0] + gap, y + row_height / 2
        name, note = _cut(entry, text_size, gap, width - x)
        canvas.text((x, y), name, text_size, INK, anchor="lm")
        canvas.text((x + text_width(name, text_size) + gap, y), note, text_size, GREY, anchor="lm")
    return canvas.finish()


def _width(name: str, note: str, text_size: int, gap: int) -> float:
    return text_width(name, text_size) + (gap + text_width(note, text_size) if note else 0)


def _cut(entry: LegendEntry, text_size: int, gap: int, room: float) -> tuple[str, str]:
    """Name and note as they fit into ``room`` pixels: the name shortened, or even the note gone."""
    name, note = entry.name, entry.note
    for_name = room - _width("", note, text_size, gap)
    cut = shortened(name, text_size, for_name)
    if note and not cut:
        return shortened(name, text_size, room), ""
    return cut, note


def _tiled(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """``picture`` repeated to ``size``, and cut."""
    result = Image.new("RGB", size)
    for x in range(0, size[0], picture.width):
        for y in range(0, size[1], picture.height):
            result.paste(picture, (x, y))
    return result
