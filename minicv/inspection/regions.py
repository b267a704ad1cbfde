"""Regions one by one: the pixels of each, its features, its spatial pyramid, and its scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

from minicv.backend import descending
from minicv.functional.pooling_windows import adaptive_bins
from minicv.inspection.canvas import Canvas, enlarged, shortened
from minicv.inspection.heatmap import colour_map, feature_tiles, heat_picture
from minicv.inspection.palette import GREY, INK, PALE, VERMILLION, WHITE, class_colour
from minicv.inspection.panels import contact_sheet

SIDE = 132  # of a region's picture beside its bars, pixels
THICKEST = 24  # bar
NAMES, BARS, NUMBERS = 96, 110, 48  # widths of the three columns beside it
TEXT_SIZE = 13
MOST_BARS = 8  # of a region; more would not have room for their names
CHANNELS_OF_A_REGION = 8
LEAST_CELL = 6  # pixels a side of a number of a feature vector; smaller ones look like noise
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
    widths = [side, side, columns * (small + 4) - 4]
    if features.ndim == 3:
        mean = feature_picture(features, (side, side))
        pictures = [crop, mean, feature_tiles(features, CHANNELS_OF_A_REGION, small, columns)]
    else:
        widths = [side, side + GAP + widths[2]]
        pictures = [crop, feature_picture(features, (widths[1], side))]
    return contact_sheet(pictures, columns=len(widths), tile_width=widths, margin=0, gap=GAP)


def feature_picture(features: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """A region's features as colours: the mean strength of channels (C, h, w), or all of (P,).

    The P numbers stand row by row, in cells that are about square; the rest of the last row is
    white. Where cells would be smaller than `LEAST_CELL` pixels, a cell is the greatest of several
    numbers in a row.

    >>> pixels = np.asarray(feature_picture(np.array([1.0, 3.0, 2.0]), (40, 40)))
    >>> pixels[10, 30].tolist() == colour_map(1.0, 0, 1).tolist(), pixels[30, 30].tolist()
    (True, [255, 255, 255])
    """
    if features.ndim == 3:
        return heat_picture(np.abs(features).mean(axis=0), size)
    flat = np.ravel(features)
    room = max(1, size[0] // LEAST_CELL) * max(1, size[1] // LEAST_CELL)
    group = math.ceil(len(flat) / room)
    if group > 1:
        flat = np.maximum.reduceat(flat, np.arange(0, len(flat), group))
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

    The scale reaches from the least of all scores, or 0, to the greatest, so that probabilities and
    SVM scores, which have both signs, look right. The best score of a region is written in black.
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
    per_unit = BARS / (high - low)
    start = SIDE + 12 + NAMES  # of the bars
    zero = start - low * per_unit
    cards = []
    for region, row in zip(regions, scores, strict=True):
        canvas = Canvas(Image.new("RGB", (start + BARS + NUMBERS, SIDE), WHITE))
        canvas.paste(region.resize((SIDE, SIDE), Image.Resampling.BICUBIC), (0, 0))
        canvas.line(((zero, 0), (zero, SIDE)), PALE, 1)
        best = sorted(descending(row)[:MOST_BARS].tolist())
        for number, k in enumerate(best):
            height = SIDE / len(best)
            y, end = (number + 0.5) * height, zero + row[k] * per_unit
            half = min(0.36 * height, THICKEST / 2)
            bar = (min(zero, end), y - half, max(zero, end), y + half)
            canvas.fill(bar, colours[k])
            ink = INK if row[k] == row.max() else GREY
            name = shortened(names[k], TEXT_SIZE, NAMES - 8)
            canvas.text((start - 8, y), name, TEXT_SIZE, ink, anchor="rm")
            canvas.text((canvas.width, y), f"{row[k]:.2f}", TEXT_SIZE, ink, anchor="rm")
        cards.append(canvas.finish())
    return cards


def draw_pyramid(
    heat: np.ndarray, region: Sequence[int], pyramid: Sequence[int], cell_size: int = 16
) -> list[Image.Image]:
    """A picture of the map for each level of a spatial pyramid: the region framed, its bins within.

    Bin i of l reaches over the n cells of the region from ``floor(i n / l)`` to, not included,
    ``ceil((i + 1) n / l)``, as in `minicv.functional.roi_pool`: where the region has fewer cells
    than bins, neighbours share some.

    Args:
        heat: (h, w), one number for each cell of a feature map.
        region: x, y of the first and x, y of the last cell, both included.
        pyramid: rows and columns of each level, such as 6, 3, 2, 1.
        cell_size: side of a cell in the picture, pixels.

    Raises:
        ValueError: the region is not within the map.

    >>> [level.size for level in draw_pyramid(np.zeros((8, 8)), (1, 1, 6, 4), (2, 1))]
    [(128, 128), (128, 128)]
    """
    height, width = np.shape(heat)
    x1, y1, x2, y2 = (int(cell) for cell in region)
    if not (0 <= x1 <= x2 < width and 0 <= y1 <= y2 < height):
        raise ValueError(
            f"draw_pyramid: region {(x1, y1, x2, y2)} is not within a map of {height} rows and "
            f"{width} columns; expected its first and last cell"
        )
    picture = heat_picture(heat, (width * cell_size, height * cell_size))
    levels = []
    for level in pyramid:
        canvas = Canvas(picture)
        for across in adaptive_bins(x2 - x1 + 1, level):
            for down in adaptive_bins(y2 - y1 + 1, level):
                cells = (x1 + across.start, y1 + down.start, x1 + across.stop, y1 + down.stop)
                canvas.outline(np.multiply(cells, cell_size), WHITE, 1.5)
        canvas.frame(np.multiply((x1, y1, x2 + 1, y2 + 1), cell_size), VERMILLION, 3)
        levels.append(canvas.finish())
    return levels
