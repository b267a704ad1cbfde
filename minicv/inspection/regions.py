"""Regions one by one: the pixels of each, its features, and its scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

from minicv.inspection.canvas import Canvas, enlarged, shortened, text_width
from minicv.inspection.heatmap import colour_map, feature_tiles, heat_picture
from minicv.inspection.palette import (
    GREY,
    INK,
    PALE,
    WHITE,
    Colour,
    class_colour,
    text_colour_on,
)
from minicv.inspection.panels import contact_sheet

SIDE = 132  # of a region's picture beside its bars, pixels
NAMES, BARS, NUMBERS = 96, 110, 48  # widths of the three columns beside it
TEXT_SIZE = 13
MOST_BARS = 8  # of a region; more would not have room for their names
MOST_COLUMNS = 12  # classes in a table
CHANNELS_OF_A_REGION = 8
GAP = 10  # between the parts of a card


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


def region_card(crop: Image.Image, features: np.ndarray) -> Image.Image:
    """A square crop, and beside it the features of that region.

    Args:
        crop: the region's pixels.
        features: (C, h, w): their mean strength and the strongest channels are shown; or (P,): all
            of them, row by row.

    >>> crop = Image.new("RGB", (112, 112))
    >>> region_card(crop, np.zeros((16, 7, 7))).size == region_card(crop, np.zeros(4096)).size
    True
    """
    side = crop.width
    small = (side - 4) // 2
    columns = CHANNELS_OF_A_REGION // 2
    width = columns * (small + 4) - 4  # of the channels
    card = Image.new("RGB", (2 * (side + GAP) + width, side), WHITE)
    card.paste(crop, (0, 0))
    if features.ndim == 3:
        card.paste(feature_picture(features, (side, side)), (side + GAP, 0))
        card.paste(
            feature_tiles(features, CHANNELS_OF_A_REGION, small, columns), (2 * (side + GAP), 0)
        )
    else:
        card.paste(feature_picture(features, (side + GAP + width, side)), (side + GAP, 0))
    return card


def feature_picture(features: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """A region's features as colours: the mean strength of channels (C, h, w), or all of (P,).

    The P numbers stand row by row, in cells that are about square; what is left of the last row is
    white.

    >>> pixels = np.asarray(feature_picture(np.array([1.0, 3.0, 2.0]), (40, 40)))
    >>> pixels[10, 30].tolist() == colour_map(1.0, 0, 1).tolist(), pixels[30, 30].tolist()
    (True, [255, 255, 255])
    """
    if features.ndim == 3:
        return heat_picture(np.abs(features).mean(axis=0), size)
    flat = np.ravel(features)
    columns = max(1, math.ceil(math.sqrt(len(flat) * size[0] / size[1])))
    rows = max(1, math.ceil(len(flat) / columns))
    cells = np.full((rows * columns, 3), 255, np.uint8)
    cells[: len(flat)] = colour_map(flat)
    return Image.fromarray(cells.reshape(rows, columns, 3)).resize(size, Image.Resampling.NEAREST)


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
    Of more than 8 classes a region shows its best 8.

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
    return contact_sheet(score_cards(regions, scores, class_names), captions, columns, title)


def score_cards(
    regions: Sequence[Image.Image], scores: np.ndarray, class_names: Sequence[str]
) -> list[Image.Image]:
    """The tiles of `draw_region_scores`, one for each region.

    >>> score_cards([Image.new("RGB", (64, 64))], np.array([[0.5]]), ["cow"])[0].size
    (398, 132)
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
    cards = []
    for region, row in zip(regions, scores, strict=True):
        best = sorted(np.argsort(-row, kind="stable")[:MOST_BARS].tolist())
        chosen = [names[k] for k in best], [colours[k] for k in best]
        cards.append(_tile(region, row[best], *chosen, (low, high)))
    return cards


def draw_score_table(
    regions: Sequence[Image.Image],
    scores: np.ndarray,
    class_names: Sequence[str],
    width: int = 400,
    row_height: int = 44,
) -> Image.Image:
    """A row for each region, a column for each class: the score as a colour, and as a number.

    Of more than 12 classes those are shown that have the greatest score in any region.

    Args:
        regions: R pictures, each shown as a square at the left.
        scores: (R, K) in 0..1.
        class_names: K names; stand upright where they are wider than their column.
        width: of the picture, pixels.
        row_height: of the picture, pixels.

    >>> draw_score_table([Image.new("RGB", (64, 64))], np.array([[0.9, 0.1]]), ["cow", "cat"]).size
    (400, 72)
    """
    best = np.argsort(-scores.max(axis=0, initial=0), kind="stable")[:MOST_COLUMNS]
    columns = sorted(best.tolist())
    left = row_height + 8  # where the cells begin
    cell = (width - left) / max(1, len(columns))
    names = [class_names[k] for k in columns]
    upright = max((text_width(name, TEXT_SIZE) for name in names), default=0) > cell - 6
    head = min(110, 12 + int(max(text_width(n, TEXT_SIZE) for n in names))) if upright else 28
    canvas = Canvas(Image.new("RGB", (width, head + len(regions) * row_height), WHITE))
    for column, name in enumerate(names):
        x = left + column * cell
        if upright:
            text = Canvas(Image.new("RGB", (head, TEXT_SIZE + 7), WHITE))
            text.text((4, 2), shortened(name, TEXT_SIZE, head - 8), TEXT_SIZE, INK)
            turned = text.finish().transpose(Image.Transpose.ROTATE_90)
            canvas.paste(turned, (int(x + (cell - turned.width) / 2), 0))
        else:
            canvas.text((x + cell / 2, head / 2), name, TEXT_SIZE, INK, anchor="mm")
    for row, region in enumerate(regions):
        y = head + row * row_height
        side = row_height - 2
        canvas.paste(region.resize((side, side), Image.Resampling.BICUBIC), (0, y))
        for column, k in enumerate(columns):
            x = left + column * cell
            red, green, blue = colour_map(float(scores[row, k]), 0, 1).tolist()
            canvas.fill((x, y, x + cell - 2, y + side), (red, green, blue))
            number = f"{scores[row, k]:.2f}".removeprefix("0")
            if text_width(number, TEXT_SIZE) < cell - 4:
                ink = text_colour_on((red, green, blue))
                middle = (x + cell / 2 - 1, y + side / 2)
                canvas.text(middle, number, TEXT_SIZE, ink, anchor="mm")
    return canvas.finish()


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
