"""Regions one by one: the pixels of each, its features, and its scores as bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

from minicv.inspection.canvas import Canvas, enlarged, shortened
from minicv.inspection.palette import GREY, INK, PALE, WHITE, Colour, class_colour
from minicv.inspection.panels import contact_sheet

SIDE = 132  # of a region's picture, pixels
NAMES, BARS, NUMBERS = 96, 110, 48  # widths of the three columns beside it
TEXT_SIZE = 13


def crop_of_box(image: np.ndarray, box: Sequence[float], side: int) -> Image.Image:
    """The pixels within a box, stretched to ``side`` x ``side`` and framed: as pooling sees them.

    Args:
        image: (3, H, W) floats in 0..1.
        box: x1, y1, x2, y2 in pixels of the image; what lies outside is cut off, and at least one
            pixel of the enlarged picture is shown.
        side: of the result, pixels.

    >>> crop_of_box(np.ones((3, 40, 60), np.float32), (10, 10, 30, 15), 112).size
    (112, 112)
    """
    picture, factor = enlarged(image)
    x1, y1, x2, y2 = (float(v) * factor for v in box)
    left, top = min(max(0, x1), picture.width - 1), min(max(0, y1), picture.height - 1)
    right = min(max(x2, left + 1), picture.width)
    bottom = min(max(y2, top + 1), picture.height)
    square = picture.resize((side, side), Image.Resampling.BICUBIC, box=(left, top, right, bottom))
    return ImageOps.expand(square.crop((1, 1, side - 1, side - 1)), 1, GREY) if side > 4 else square


def draw_region_scores(
    regions: Sequence[Image.Image],
    scores: np.ndarray,
    class_names: Sequence[str],
    captions: Sequence[str] | None = None,
    columns: int = 3,
    title: str | None = None,
) -> Image.Image:
    """A tile for each region: its picture, and its scores as bars on one common scale.

    The scale reaches from the least of all scores, or 0, to the greatest, so that margins, which
    have both signs, and probabilities look right. The best score of a region is written in black.

    Args:
        regions: R pictures, each shown as a square.
        scores: (R, K), or (R, K + 1) with the background first.
        class_names: K names.
        captions: one for each region.
        columns: tiles in a row.
        title: a line above everything.

    Raises:
        ValueError: scores have another shape.

    >>> tiles = [Image.new("RGB", (64, 64))] * 2
    >>> scores = np.array([[0.5, -1.0], [0.1, 0.2]])
    >>> draw_region_scores(tiles, scores, ["cow", "duck"], columns=2).height
    188
    """
    scores = np.asarray(scores, dtype=np.float64)
    known = len(class_names)
    if scores.ndim != 2 or len(scores) != len(regions) or scores.shape[1] not in (known, known + 1):
        raise ValueError(
            f"draw_region_scores: scores expect the shape (R, K) or (R, K + 1) for R = "
            f"{len(regions)} regions and K = {known} classes but have {scores.shape}"
        )
    names, colours = list(class_names), [class_colour(k) for k in range(known)]
    if scores.shape[1] == known + 1:
        names, colours = ["background", *names], [GREY, *colours]
    low, high = min(0.0, scores.min(initial=0)), max(1e-9, scores.max(initial=0))
    tiles = [
        _tile(region, row, names, colours, (low, high))
        for region, row in zip(regions, scores, strict=True)
    ]
    return contact_sheet(tiles, captions, columns, title)


def _tile(
    region: Image.Image,
    scores: np.ndarray,
    names: Sequence[str],
    colours: Sequence[Colour],
    scale: tuple[float, float],
) -> Image.Image:
    """The picture at the left; at the right a row for each class: name, bar from 0, number."""
    low, high = scale
    left = SIDE + 12
    canvas = Canvas(Image.new("RGB", (left + NAMES + BARS + NUMBERS, SIDE), WHITE))
    canvas.paste(region.resize((SIDE, SIDE), Image.Resampling.BICUBIC), (0, 0))
    start = left + NAMES
    zero = start + BARS * -low / (high - low)
    height = SIDE / max(1, len(names))
    canvas.line(((zero, 0), (zero, SIDE)), PALE, 1)
    for number, (name, colour, score) in enumerate(zip(names, colours, scores, strict=True)):
        middle = (number + 0.5) * height
        end = zero + BARS * score / (high - low)
        bar = (min(zero, end), middle - 0.36 * height, max(zero, end), middle + 0.36 * height)
        canvas.fill(bar, colour)
        ink = INK if score == scores.max() else GREY
        text = shortened(name, TEXT_SIZE, NAMES - 8)
        canvas.text((start - 8, middle), text, TEXT_SIZE, ink, anchor="rm")
        place = (start + BARS + NUMBERS, middle)
        canvas.text(place, f"{score:.2f}", TEXT_SIZE, ink, anchor="rm")
    return canvas.finish()
