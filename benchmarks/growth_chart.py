"""Time and memory against size, both axes logarithmic: a power law is a straight line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from benchmarks.table import format_seconds
from minicv.inspection.canvas import Canvas, shortened
from minicv.inspection.palette import GREY, LINE_COLOURS, PALE, WHITE

SIZE = (460, 300)  # pixels of one chart
TITLE, TEXT = 16, 13
LEFT, TOP, RIGHT, BOTTOM = 78, 66, 36, 52  # margins
Curves = Mapping[str, Sequence[float]]


def draw_growth(series: Sequence[Mapping[str, Any]]) -> Image.Image:
    """Two charts in a row for each series: on the left its time, on the right its memory.

    Args:
        series: as `benchmarks.growth.curves` gives them.
    """
    width, height = SIZE
    sheet = Image.new("RGB", (2 * width, height * max(1, len(series))), WHITE)
    for row, own in enumerate(series):
        powers = own["exponents"]
        times = _chart(own["name"], own, own["seconds"], powers["time"], format_seconds)
        memory = _chart("memory beyond the start", own, own["memory_mib"], powers["memory"], _mib)
        sheet.paste(times, (0, row * height))
        sheet.paste(memory, (width, row * height))
    return sheet


def _chart(
    title: str, series: Mapping[str, Any], curves: Curves, powers: Mapping[str, Any], name: Any
) -> Image.Image:
    width, height = SIZE
    sizes = series["sizes"]
    known = [v for values in curves.values() for v in values if v > 0 and math.isfinite(v)]
    low, high = math.log10(min(known, default=1)), math.log10(max(known, default=10))
    low, high = math.floor(low * 2) / 2, math.ceil(high * 2 + 0.01) / 2  # whole half decades
    first, last = math.log10(sizes[0]), math.log10(sizes[-1])

    def place(size: float, value: float) -> tuple[float, float]:
        across = (math.log10(size) - first) / (last - first)
        up = (math.log10(value) - low) / (high - low)
        return (
            LEFT + across * (width - LEFT - RIGHT),
            height - BOTTOM - up * (height - TOP - BOTTOM),
        )

    canvas = Canvas(Image.new("RGB", SIZE, WHITE))
    canvas.text((LEFT, 12), shortened(title, TITLE, width - LEFT - 8), TITLE)
    for half in range(round(2 * low), round(2 * high) + 1):
        value = 10 ** (half / 2)
        y = place(sizes[0], value)[1]
        if half % 2 == 0:  # a power of ten
            canvas.line(((LEFT, y), (width - RIGHT, y)), PALE, 1)
            canvas.text((LEFT - 8, y), name(value), TEXT, GREY, anchor="rm")
        elif high - low <= 1.5:
            canvas.text((LEFT - 8, y), name(value), TEXT, GREY, anchor="rm")
    bottom = height - BOTTOM
    canvas.line(((LEFT, bottom), (width - RIGHT, bottom)), GREY, 1.25)
    for size in sizes:
        x = place(size, 10**low)[0]
        canvas.line(((x, bottom), (x, bottom + 4)), GREY, 1)
        canvas.text((x, bottom + 8), f"{size:,}", TEXT, GREY, anchor="ma")
    canvas.text(((LEFT + width - RIGHT) / 2, height - 22), series["axis"], TEXT, GREY, "ma")
    x = float(LEFT)
    for colour, (library, values) in zip(LINE_COLOURS, curves.items(), strict=False):
        power = powers[library]
        words = library if power is None else f"{library}, exponent {power:.2f}"
        canvas.disc((x + 5, 47), 5, colour)
        canvas.text((x + 15, 47), words, TEXT, anchor="lm")
        x += 180
        points = [
            place(size, value)
            for size, value in zip(sizes, values, strict=True)
            if value > 0 and math.isfinite(value)
        ]
        if len(points) > 1:
            canvas.line(points, colour, 2.25)
        for point in points:
            canvas.disc(point, 3.5, colour)
    return canvas.finish()


def _mib(value: float) -> str:
    """Two digits and the unit.

    >>> _mib(31.6), _mib(1000.0)
    ('32 MiB', '1,000 MiB')
    """
    return f"{value:,.0f} MiB" if value >= 1 else f"{value:.2g} MiB"
