"""Arrays drawn in a terminal: small maps of numbers, expected beside got, wrong cells marked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from minicv.exercises.comparison import number

WIDTH = 92  # of a terminal
MOST_ROWS, MOST_COLUMNS = 8, 10  # of a map
MOST_MAPS = 3  # of an argument
MOST_WRONG_MAPS = 2
GAP = "     "
_PAINT = re.compile(r"\x1b\[\d+m")
Place = tuple[int, ...]


class Pen:
    """Writes with colours or without.

    Args:
        colour: whether a terminal shows them.

    >>> Pen(False).wrong(" [2]")
    ' [2]'
    """

    def __init__(self, colour: bool) -> None:
        self.colour = colour

    def wrong(self, text: str) -> str:
        """What is wrong, in red."""
        return self._paint(31, text)

    def right(self, text: str) -> str:
        """What is right, in green."""
        return self._paint(32, text)

    def quiet(self, text: str) -> str:
        """What stands back."""
        return self._paint(2, text)

    def strong(self, text: str) -> str:
        """A heading."""
        return self._paint(1, text)

    def _paint(self, code: int, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text.strip() else text


def draw_arguments(arguments: dict[str, Any], pen: Pen) -> list[str]:
    """All arguments, side by side as far as there is room.

    >>> arguments = {"x": np.array([[1, 2], [3, 4]]), "stride": 2}
    >>> print("\\n".join(draw_arguments(arguments, Pen(False))))
    x, (2, 2)     stride
      1  2        2
      3  4
    """
    blocks = []
    for name, value in arguments.items():
        if isinstance(value, np.ndarray) and value.ndim:
            blocks.append(_argument(name, value, pen))
        else:
            array = isinstance(value, (np.ndarray, np.generic))
            blocks.append([pen.quiet(name), number(value[()]) if array else repr(value)])
    return _side_by_side(blocks)


def draw_expected(results: dict[str, Any], pen: Pen) -> list[str]:
    """What must come out, where nothing came that could stand beside it.

    >>> print("\\n".join(draw_expected({"y": np.array([[1.0, 2.0]])}, Pen(False))))
    y must be, (1, 2)
      1  2
    """
    blocks = []
    for name, value in results.items():
        array = np.asarray(value)
        if array.ndim:
            blocks.append(_argument(name, array, pen, " must be"))
        else:
            blocks.append([pen.quiet(f"{name} must be"), number(array[()])])
    return _side_by_side(blocks)


def draw_results(
    name: str, expected: np.ndarray, got: np.ndarray, wrong: np.ndarray, pen: Pen
) -> list[str]:
    """Those maps of a result that have wrong cells, expected beside got.

    >>> expected, got = np.array([[1.0, 2.0]]), np.array([[1.0, 3.0]])
    >>> print("\\n".join(draw_results("y", expected, got, expected != got, Pen(False))))
    y must be     y is
      1  2          1 [3]
    """
    digits = _digits(expected, got, wrong)
    lines: list[str] = []
    places = [place for place in _maps(expected.shape) if wrong[place].any()]
    for place in places[:MOST_WRONG_MAPS]:
        label = f"{name}{list(place)}" if place else name
        cell = np.argwhere(np.atleast_2d(wrong[place]))[0]
        width = max(_widest(values[place], cell, digits) for values in (expected, got))
        blocks = []
        for verb, values, marks in (("must be", expected, None), ("is", got, wrong[place])):
            rows = _rows(values[place], marks, cell, digits, width, pen)
            blocks.append([pen.quiet(f"{label} {verb}"), *rows])
        lines += [*([""] if lines else []), *_side_by_side(blocks)]
    left = len(places) - MOST_WRONG_MAPS
    if left > 0:
        lines.append(pen.quiet(f"and {left} more map{'s' if left > 1 else ''} with wrong cells"))
    return lines


def _argument(name: str, values: np.ndarray, pen: Pen, verb: str = "") -> list[str]:
    heading = pen.quiet(f"{name}{verb}, {values.shape}")
    if values.size == 0:
        return [heading, "  empty"]
    lines = [heading]
    places = list(_maps(values.shape))
    for place in places[:MOST_MAPS]:
        if place:
            lines.append(pen.quiet(f"{name}{list(place)}"))
        width = _widest(values[place], (0, 0), 4)
        lines += _rows(values[place], None, (0, 0), 4, width, pen)
    left = len(places) - MOST_MAPS
    return lines if left <= 0 else [*lines, pen.quiet(f"and {left} more")]


def _maps(shape: Sequence[int]) -> Iterator[Place]:
    """The places of the maps: all but the last two axes, counted through."""
    return np.ndindex(*shape[:-2])


def _rows(
    values: np.ndarray,
    wrong: np.ndarray | None,
    cell: Iterable[int],
    digits: int,
    width: int,
    pen: Pen,
) -> list[str]:
    """A map as lines; of a large one the part with the cell."""
    values = np.atleast_2d(values)
    marks = np.zeros(values.shape, bool) if wrong is None else np.atleast_2d(wrong)
    rows, columns = _part(values, cell)
    before = "… " if columns.start else "  "
    after = " …" if columns.stop < values.shape[1] else ""
    lines = [f"  rows {rows.start} to {rows.stop - 1}"] if rows.start else []
    for line, marked in zip(values[rows, columns], marks[rows, columns], strict=True):
        cells = ""
        for value, mark in zip(line, marked, strict=True):
            text = number(value, digits).rjust(width)
            cells += pen.wrong(f"[{text}]") if mark else f" {text} "
        lines.append((before[:1] + cells + after).rstrip())
    return lines if rows.stop == values.shape[0] else [*lines, "  …"]


def _part(values: np.ndarray, cell: Iterable[int]) -> tuple[slice, slice]:
    """Which rows and columns are drawn, so that the cell is among them."""
    row, column = cell
    height, width = values.shape
    return _window(row, height, MOST_ROWS), _window(column, width, MOST_COLUMNS)


def _widest(values: np.ndarray, cell: Iterable[int], digits: int) -> int:
    """How many characters the longest number takes of those that are drawn."""
    values = np.atleast_2d(values)
    return max((len(number(v, digits)) for v in values[_part(values, cell)].flat), default=1)


def _window(cell: int, length: int, most: int) -> slice:
    start = max(0, min(cell - most // 2, length - most))
    return slice(start, min(length, start + most))


def _digits(expected: np.ndarray, got: np.ndarray, wrong: np.ndarray) -> int:
    """How many it takes to see that wrong cells are wrong."""
    pairs = list(zip(expected[wrong][:20], got[wrong][:20], strict=True))
    for digits in (4, 7, 12):
        if all(number(e, digits) != number(g, digits) for e, g in pairs):
            return digits
    return 17


def _side_by_side(blocks: list[list[str]]) -> list[str]:
    """Blocks of lines in rows that fit the terminal."""
    lines: list[str] = []
    row: list[list[str]] = []
    for block in blocks:
        width = sum(_width(b) + len(GAP) for b in [*row, block]) - len(GAP)
        if row and width > WIDTH:
            lines += _joined(row)
            row = []
        row.append(block)
    return lines + _joined(row)


def _joined(row: list[list[str]]) -> list[str]:
    height = max(map(len, row), default=0)
    lines = []
    for number_ in range(height):
        line = ""
        for block in row:
            text = block[number_] if number_ < len(block) else ""
            line += text + " " * (_width(block) - _seen(text)) + GAP
        lines.append(line.rstrip())
    return lines


def _width(block: list[str]) -> int:
    return max(map(_seen, block), default=0)


def _seen(text: str) -> int:
    """The length without colours."""
    return len(_PAINT.sub("", text))
