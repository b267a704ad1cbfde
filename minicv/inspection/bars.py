"""Horizontal bars: one number of several systems beside each other."""

from __future__ import annotations

import math
from collections.abc import Mapping

from PIL import Image

from minicv.inspection.canvas import Canvas, shortened, text_width
from minicv.inspection.palette import GREY, INK, LINE_COLOURS, PALE, WHITE

TITLE_SIZE = 20
TEXT_SIZE = 15
BAR, GAP = 22, 16  # pixels: height of a bar, and between the bars of two rows


def draw_bars(
    title: str, rows: Mapping[str, Mapping[str, float]], unit: str = "", width: int = 760
) -> Image.Image:
    """A row for each system; in it one bar for each series, with its number behind it.

    All bars start at 0 and share one scale. A series that a row lacks has no bar there. Where
    there is more than one series, a legend names their colours.

    Args:
        title: stands above.
        rows: for each system its name and the numbers, at least 0, by the name of their series.
        unit: is written behind each number.
        width: of the picture in pixels.

    Raises:
        ValueError: a number that is negative or not finite.

    >>> times = {"R-CNN": {"all": 49.0, "without proposals": 47.0}, "Faster": {"all": 0.2}}
    >>> draw_bars("Test time", times, "s").width
    760
    """
    for name, numbers in rows.items():
        for series, number in numbers.items():
            if not 0 <= number < math.inf:
                raise ValueError(
                    f"draw_bars: {series!r} of {name!r} is {number}, expected a number from 0 on"
                )
    names = list(dict.fromkeys(series for numbers in rows.values() for series in numbers))
    colours = dict(zip(names, LINE_COLOURS * len(names), strict=False))
    top = 60 + (30 if len(names) > 1 else 0)
    bars = sum(len(numbers) for numbers in rows.values())
    height = top + bars * BAR + len(rows) * GAP + 12
    canvas = Canvas(Image.new("RGB", (width, height), WHITE))
    canvas.text((24, 20), shortened(title, TITLE_SIZE, width - 48), TITLE_SIZE)
    if len(names) > 1:
        x = 24.0
        for name, colour in colours.items():
            canvas.fill((x, 58, x + 18, 72), colour)
            canvas.text((x + 26, 65), name, TEXT_SIZE, INK, anchor="lm")
            x += 26 + text_width(name, TEXT_SIZE) + 28

    left = 36 + max((text_width(name, TEXT_SIZE) for name in rows), default=0)
    left = min(left, width / 2)
    numbers = [number for row in rows.values() for number in row.values()]
    widest = max((text_width(_number(number, unit), TEXT_SIZE) for number in numbers), default=0)
    per_unit = max(1.0, width - left - widest - 36) / max([*numbers, 1e-12])
    y = float(top)
    for name, row in rows.items():
        middle = y + len(row) * BAR / 2
        canvas.text(
            (left - 12, middle), shortened(name, TEXT_SIZE, left - 36), TEXT_SIZE, INK, "rm"
        )
        for series, number in row.items():
            end = left + number * per_unit
            canvas.fill((left, y + 1, max(end, left + 2), y + BAR - 1), colours[series])
            canvas.text((end + 8, y + BAR / 2), _number(number, unit), TEXT_SIZE, GREY, "lm")
            y += BAR
        y += GAP
    canvas.line(((left, top - 6), (left, y - GAP + 6)), PALE, 1)
    return canvas.finish()


def _number(number: float, unit: str) -> str:
    """Three digits, and all of what stands before the point.

    >>> [_number(n, "s") for n in (1234.0, 25.5, 0.0432)]
    ['1,234 s', '25.5 s', '0.0432 s']
    """
    text = f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"
    return f"{text} {unit}".strip()
