"""Numbers as bars and as curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from PIL import Image

from minicv.inspection.canvas import Canvas, shortened, text_width
from minicv.inspection.palette import GREY, INK, LINE_COLOURS, PALE, WHITE, Colour, mix
from minicv.inspection.panels import LegendEntry, draw_legend

TITLE_SIZE = 20
TEXT_SIZE = 14
BAR, GAP = 22, 16  # pixels: height of a bar, and between the bars of two rows
BLOCKS = 100  # a long curve is drawn as the means of so many stretches

Series = tuple[Sequence[float] | np.ndarray, Sequence[float] | np.ndarray]  # steps, values
Points = tuple[np.ndarray, np.ndarray]  # a series, checked


def draw_bars(
    title: str,
    rows: Mapping[str, Mapping[str, float]],
    unit: str = "",
    width: int = 760,
    longest: float | None = None,
) -> Image.Image:
    """A row for each system, with a bar and its number for each series.

    All bars start at 0 and share one scale. A series that a row lacks has no bar there. Where
    there is more than one series, a legend names their colours.

    Args:
        title: stands above.
        rows: for each system its name and the numbers, at least 0, by the name of their series.
        unit: is written behind each number.
        width: of the picture in pixels.
        longest: the number whose bar has the full length; by default the greatest of all.

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
    entries = [LegendEntry(colour, name) for name, colour in colours.items()]
    legend = draw_legend(entries, width - 48, TEXT_SIZE)
    top = 68 + legend.height if len(names) > 1 else 60
    bars = sum(len(numbers) for numbers in rows.values())
    height = top + bars * BAR + len(rows) * GAP + 12
    canvas = Canvas(Image.new("RGB", (width, height), WHITE))
    canvas.text((24, 20), shortened(title, TITLE_SIZE, width - 48), TITLE_SIZE)
    if len(names) > 1:
        canvas.paste(legend, (24, 54))
    left = 36 + max((text_width(name, TEXT_SIZE) for name in rows), default=0)
    left = min(left, width / 2)
    every = [number for row in rows.values() for number in row.values()]
    widest = max((text_width(_number(number, unit), TEXT_SIZE) for number in every), default=0)
    per_unit = max(1.0, width - left - widest - 36) / max([*every, longest or 1e-12])
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
    """Three digits; all digits before the decimal point.

    >>> [_number(n, "s") for n in (1234.0, 25.5, 0.0432)]
    ['1,234 s', '25.5 s', '0.0432 s']
    """
    text = f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"
    return f"{text} {unit}".strip()


def draw_curves(
    panels: Mapping[str, Mapping[str, Series]],
    x_label: str = "step",
    size: tuple[int, int] = (900, 420),
    x_names: Mapping[float, str] | None = None,
) -> Image.Image:
    """Line plots one below the other, on a common horizontal axis.

    A curve of more than 200 points is shown twice: pale as it is, and in full colour as the means
    of 100 equal stretches. One of at most 30 points shows each as a dot. NaN and infinity leave a
    gap.

    Args:
        panels: for each plot its title and its curves; for each curve its name and (steps, values).
        x_label: what the horizontal axis counts.
        size: (width, height) of one plot in pixels.
        x_names: what stands at which places of the horizontal axis, such as {0: "1", 1: "10"} for
            logarithms; None for round numbers.

    Raises:
        ValueError: a curve has not as many steps as values.

    >>> loss, precision = ([1, 2, 3], [2.0, 1.0, 0.5]), ([3], [0.4])
    >>> draw_curves({"Loss": {"total": loss}, "AP50": {"validation": precision}}).size
    (900, 840)
    """
    plots = {
        title: {name: _as_points(name, series) for name, series in curves.items()}
        for title, curves in panels.items()
    }
    x_range = _range([x for curves in plots.values() for x, _ in curves.values()])
    sheet = Image.new("RGB", (size[0], size[1] * max(1, len(plots))), WHITE)
    for row, (title, curves) in enumerate(plots.items()):
        plot = _plot(title, curves, x_label, x_range, size, x_names)
        sheet.paste(plot, (0, row * size[1]))
    return sheet


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) from ``low`` to ``high``.

    >>> ticks(0, 1)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    >>> ticks(3, 1950)
    [500.0, 1000.0, 1500.0]
    """
    if not high > low:
        return [low]
    rough = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    distance = next(power * f for f in (1, 2, 5, 10) if power * f >= rough * (1 - 1e-9))
    first, last = math.ceil(low / distance - 1e-9), math.floor(high / distance + 1e-9)
    digits = max(0, -math.floor(math.log10(distance)))
    return [round(number * distance, digits) for number in range(first, last + 1)]


def _plot(
    title: str,
    curves: Mapping[str, Points],
    x_label: str,
    x_range: tuple[float, float],
    size: tuple[int, int],
    x_names: Mapping[float, str] | None,
) -> Image.Image:
    width, height = size
    values = [y for _, y in curves.values()]
    y_low, y_high = _range([*values, np.zeros(1)])
    y_high += 0.04 * (y_high - y_low)  # so that a curve does not touch the top
    colours = [LINE_COLOURS[i % len(LINE_COLOURS)] for i in range(len(curves))]
    entries = [LegendEntry(*entry) for entry in zip(colours, curves, strict=True)]
    legend = draw_legend(entries, width - 108, TEXT_SIZE)
    legend = legend.crop((0, 0, legend.width, min(legend.height, height // 3)))
    left, top, right, bottom = 76, 62 + legend.height, width - 32, height - 58

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            left + (x - x_range[0]) / (x_range[1] - x_range[0]) * (right - left),
            bottom - (y - y_low) / (y_high - y_low) * (bottom - top),
        )

    canvas = Canvas(Image.new("RGB", size, WHITE))
    canvas.paste(legend, (left, 48))
    canvas.text((left, 20), shortened(title, TITLE_SIZE, right - left), TITLE_SIZE)
    y_ticks = ticks(y_low, y_high)
    for tick, name in zip(y_ticks, _tick_names(y_ticks), strict=True):
        y = place(x_range[0], tick)[1]
        canvas.line(((left, y), (right, y)), PALE, 1)
        canvas.text((left - 10, y), name, TEXT_SIZE, GREY, anchor="rm")
    x_ticks = ticks(*x_range, most=9)
    if all((x == np.floor(x)).all() for x, _ in curves.values()):  # whole steps: no half ones
        x_ticks = [tick for tick in x_ticks if tick == math.floor(tick)]
    names = dict(zip(x_ticks, _tick_names(x_ticks), strict=True)) if x_names is None else x_names
    for tick, name in names.items():
        x = place(tick, y_low)[0]
        canvas.line(((x, bottom), (x, bottom + 5)), GREY, 1)
        canvas.text((x, bottom + 9), name, TEXT_SIZE, GREY, anchor="ma")
    canvas.line(((left, bottom), (right, bottom)), GREY, 1.25)
    canvas.text(((left + right) / 2, height - 26), x_label, TEXT_SIZE, GREY, anchor="ma")

    many = [len(x) > 2 * BLOCKS for x, _ in curves.values()]
    for points, colour, crowded in zip(curves.values(), colours, many, strict=True):
        if crowded:
            _draw_curve(canvas, place, points, mix(colour, WHITE, 0.75), 1)
    for points, colour, crowded in zip(curves.values(), colours, many, strict=True):
        _draw_curve(canvas, place, _block_means(*points) if crowded else points, colour, 2.25)
    if not any(np.isfinite(y).any() for y in values):
        middle = ((left + right) / 2, (top + bottom) / 2)
        canvas.text(middle, "no values", TEXT_SIZE, GREY, anchor="mm")
    return canvas.finish()


def _draw_curve(
    canvas: Canvas,
    place: Callable[[float, float], tuple[float, float]],
    points: Points,
    colour: Colour,
    width: float,
) -> None:
    """A line through the finite points, with dots: at each of few points, else where it ends."""
    x, y = points
    few = len(x) <= 30
    known = np.isfinite(x) & np.isfinite(y)
    piece: list[tuple[float, float]] = []
    for is_known, x_value, y_value in [*zip(known, x, y, strict=True), (False, 0.0, 0.0)]:
        if is_known:
            piece.append(place(float(x_value), float(y_value)))
            continue
        if len(piece) > 1:
            canvas.line(piece, colour, width)
        dots = piece if few else piece[-1:] if width > 1 or len(piece) == 1 else []
        for dot in dots:
            canvas.disc(dot, 1.6 * width, colour)
        piece = []


def _block_means(x: np.ndarray, y: np.ndarray) -> Points:
    """The means of the finite points in each of `BLOCKS` equal stretches of the curve."""
    known = np.isfinite(x) & np.isfinite(y)
    blocks = [
        (part_x[part_known].mean(), part_y[part_known].mean())
        for part_x, part_y, part_known in zip(
            *(np.array_split(array, BLOCKS) for array in (x, y, known)), strict=True
        )
        if part_known.any()
    ]
    means = np.array(blocks, dtype=np.float64).reshape(-1, 2)
    return means[:, 0], means[:, 1]


def _as_points(name: str, series: Series) -> Points:
    x, y = (np.asarray(values, dtype=np.float64) for values in series)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(
            f"draw_curves: curve {name!r} expects as many steps as values but has {x.shape} steps "
            f"and {y.shape} values"
        )
    return x, y


def _range(arrays: Sequence[np.ndarray]) -> tuple[float, float]:
    """The least and greatest finite value, widened where they are equal or there is none."""
    finite = [value for array in arrays for value in array[np.isfinite(array)].tolist()]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    return (low, high) if high > low else (low, low + 1.0)


def _tick_names(values: Sequence[float]) -> list[str]:
    """All numbers of an axis with the same number of decimals."""
    shortest = [f"{value:g}" for value in values]
    if any("e" in name for name in shortest):
        form = ",.0f" if 1e5 < max(map(abs, values)) < 1e9 else ".1e"
        return [format(value, form) for value in values]
    decimals = max(len(name.partition(".")[2]) for name in shortest)
    return [f"{value:.{decimals}f}" for value in values]
