"""What figures of the guide share: a white sheet with pictures, words, boxes and arrows.

A chapter shows a figure 700 pixels wide. A sheet is twice as wide, so that it is sharp on fine
screens; its text is 28 pixels high, which is 14 on the page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageOps

from minicv.data import Farmyard
from minicv.inspection.canvas import Canvas, text_width, to_picture, wrapped
from minicv.inspection.heatmap import heat_picture
from minicv.inspection.palette import BLACK, GREY, INK, PALE, WHITE, Colour, mix, text_colour_on

WIDTH = 1400
TEXT, SMALL = 28, 24
MARGIN = 28
LINE = 1.3  # height of a line, in text sizes

Box = tuple[float, float, float, float]


class Sheet:
    """A canvas with the words that a figure needs; the unit is a pixel of the sheet."""

    def __init__(self, height: int, width: int = WIDTH) -> None:
        self.width, self.height = width, height
        self.canvas = Canvas(Image.new("RGB", (width, height), WHITE))

    def place(self, picture: Image.Image, x: float, y: float, edge: Colour | None = GREY) -> Box:
        """A picture with a thin edge; returns where it lies."""
        left, top = round(x), round(y)
        self.canvas.paste(picture, (left, top))
        box = (left, top, left + picture.width, top + picture.height)
        if edge is not None:
            self.canvas.frame(box, edge, 2)
        return box

    def write(
        self,
        x: float,
        y: float,
        text: str,
        size: int = TEXT,
        colour: Colour = INK,
        align: str = "left",
        width: float = WIDTH,
    ) -> float:
        """Text from ``y`` down, wrapped to ``width``; returns where the next line would begin."""
        anchor = {"left": "la", "centre": "ma", "right": "ra"}[align]
        for line in wrapped(text, size, width):
            self.canvas.text((x, y), line, size, colour, anchor)
            y += LINE * size
        return y

    def block(
        self,
        box: Box,
        text: str,
        colour: Colour = PALE,
        size: int = TEXT,
        ink: Colour | None = None,
    ) -> Box:
        """A rounded box with text in its middle; returns the box."""
        self.canvas.fill(box, colour, corner_radius=12)
        x1, y1, x2, y2 = box
        lines = text.split("\n")
        y = (y1 + y2) / 2 - LINE * size * (len(lines) - 1) / 2
        for line in lines:
            ink_of_line = text_colour_on(colour) if ink is None else ink
            self.canvas.text(((x1 + x2) / 2, y), line, size, ink_of_line, "mm")
            y += LINE * size
        return box

    def arrow(
        self, *points: Sequence[float], colour: Colour = GREY, width: float = 4, head: float = 16
    ) -> None:
        """A line through the points, with a head at the last one."""
        self.canvas.line(points, colour, width)
        (x0, y0), (x1, y1) = points[-2], points[-1]
        angle = math.atan2(y1 - y0, x1 - x0)
        wings = [
            (x1 - head * math.cos(angle + turn), y1 - head * math.sin(angle + turn))
            for turn in (-0.5, 0.5)
        ]
        self.canvas.line((wings[0], (x1, y1), wings[1]), colour, width)

    def tag(self, x: float, y: float, text: str, colour: Colour, size: int = SMALL) -> None:
        """A small plate with text, its lower left corner at (x, y)."""
        wide, high = text_width(text, size) + 0.7 * size, 1.35 * size
        x = min(max(x, 0), self.width - wide)
        self.canvas.fill((x, y - high, x + wide, y), colour, corner_radius=6)
        place = (x + 0.35 * size, y - high / 2)
        self.canvas.text(place, text, size, text_colour_on(colour), "lm")

    def dashed(self, box: Sequence[float], colour: Colour, width: float = 4) -> None:
        """The outline of a box in dashes, on a dark halo."""
        x1, y1, x2, y2 = (float(v) for v in box)
        corners = [(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)]
        for halo in (True, False):
            for start, end in pairwise(corners):
                self._dashes(
                    start, end, (*BLACK, 110) if halo else colour, width * (1 + halo * 0.8)
                )

    def _dashes(
        self, start: Sequence[float], end: Sequence[float], colour: tuple[int, ...], width: float
    ) -> None:
        length = math.dist(start, end)
        count = max(1, round(length / 22))
        for number in range(count):
            first, last = number / count, (number + 0.62) / count
            ends = [
                (start[0] + s * (end[0] - start[0]), start[1] + s * (end[1] - start[1]))
                for s in (first, last)
            ]
            self.canvas.line(ends, colour, width)

    def save(self, path: Path) -> None:
        """What is drawn, with an even white margin; the width stays, empty space below goes."""
        picture = self.canvas.finish()
        drawn = ImageChops.difference(picture, Image.new("RGB", picture.size, WHITE)).getbbox()
        if drawn is not None:
            picture = picture.crop((0, drawn[1], self.width, drawn[3]))
        ImageOps.expand(picture, MARGIN, WHITE).save(path, optimize=True)


def scene(
    number: int, size: tuple[int, int] = (240, 320), seed: int = 0
) -> tuple[np.ndarray, dict]:
    """A drawn scene with all its labels; see `minicv.data.Farmyard`."""
    return Farmyard(number + 1, size, seed=seed)[number]


def photo(image: np.ndarray, width: int) -> Image.Image:
    """An image (3, H, W) as a picture of this width, smoothly enlarged."""
    picture = to_picture(image)
    height = round(picture.height * width / picture.width)
    return picture.resize((width, height), Image.Resampling.BICUBIC)


def pixels(image: np.ndarray, width: int) -> Image.Image:
    """An image (1 or 3, H, W) as a picture about this wide, each pixel a plain square."""
    picture = to_picture(np.broadcast_to(image, (3, *image.shape[1:])).astype(np.float32))
    zoom = max(1, width // picture.width)
    return picture.resize((picture.width * zoom, picture.height * zoom), Image.Resampling.NEAREST)


def cells(
    values: np.ndarray, side: int, low: float | None = None, high: float | None = None
) -> Image.Image:
    """A map (h, w) in colours, each cell a square of this side."""
    return heat_picture(values, (values.shape[1] * side, values.shape[0] * side), low, high)


def shifted(box: Sequence[float], corner: Sequence[float], scale: float) -> Box:
    """A box in the pixels of an image, on a sheet where the image lies at ``corner``."""
    x1, y1, x2, y2 = (float(v) * scale for v in box)
    return x1 + corner[0], y1 + corner[1], x2 + corner[0], y2 + corner[1]


def paler(colour: Colour, share: float = 0.6) -> Colour:
    """The colour with that share of white."""
    return mix(colour, WHITE, share)


def farm() -> tuple[np.ndarray, dict]:
    """The scene that the chapters on detection share: 240 x 320 pixels, several animals."""
    return Farmyard(1, (240, 320), seed=6, objects=(4, 6))[0]
