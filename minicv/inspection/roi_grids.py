"""RoI pooling against RoIAlign on the cells of a feature map: what each reads for one box."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from minicv.functional.conv2d import as_pair
from minicv.functional.pooling_windows import Pair, adaptive_bins
from minicv.functional.roi_align import roi_align
from minicv.functional.roi_pool import roi_pool
from minicv.inspection.canvas import Canvas
from minicv.inspection.heatmap import colour_map, heat_picture
from minicv.inspection.palette import BLACK, INK, ORANGE, VERMILLION, WHITE, text_colour_on
from minicv.inspection.panels import LegendEntry, contact_sheet, mosaic, with_legend

MAP_SIDE = 560  # pixels of the longer side of the map
RESULT_SIDE = 240  # of the pooled values
AROUND = 1.5  # cells around the box that are shown
MOST_CELLS = 64  # along a side; of a larger part the cells could not be seen
LEAST_FOR_NUMBERS = 34  # pixels of a bin in which its value is written


def draw_roi_grids(
    features: np.ndarray,
    box: Sequence[float] | np.ndarray,
    spatial_scale: float,
    pooled_size: int | Pair,
    sampling_ratio: int = 2,
) -> Image.Image:
    """One box on one feature map, as RoI pooling reads it and as RoIAlign reads it.

    Left, RoI pooling: the box is rounded to whole cells, and the rounded box is cut into bins of
    whole cells; neighbouring bins may share cells. Right, RoIAlign: the box stays where it is, it
    is cut into equal bins, and the map is interpolated at the sample points of each. Of one sample
    the four cells are shown whose middles it is interpolated from. Below both stand the results.

    Args:
        features: (h, w), one channel. Of a large map the part around the box is shown.
        box: x1, y1, x2, y2 in pixels of the image.
        spatial_scale: cells per pixel, e.g. 1 / 16.
        pooled_size: bins, one number or (PH, PW).
        sampling_ratio: samples along each side of a bin; 0 or less takes ceil(bin size).

    Raises:
        ValueError: features are not (h, w); the box is not four finite numbers, is empty, or does
            not touch the map.

    Source: Girshick 2015, Fast R-CNN, section 2.1; He et al. 2017, Mask R-CNN, section 3.

    >>> draw_roi_grids(np.arange(48.0).reshape(6, 8), (20, 20, 90, 70), 1 / 16, 2).width > 1000
    True
    """
    features = np.asarray(features, np.float32)
    if features.ndim != 2 or features.size == 0:
        raise ValueError(
            f"draw_roi_grids: features expect the shape (h, w) with at least one cell but have "
            f"{features.shape}"
        )
    corners = np.asarray(box, np.float64)
    if corners.shape != (4,) or not np.isfinite(corners).all():
        raise ValueError(f"draw_roi_grids: box is {box}, expected four finite numbers")
    x1, y1, x2, y2 = (corners * spatial_scale).tolist()  # in cells
    height, width = features.shape
    if not (x1 < x2 and y1 < y2 and x2 > 0 and y2 > 0 and x1 < width and y1 < height):
        raise ValueError(
            f"draw_roi_grids: box {corners.tolist()} at the scale {spatial_scale:g} is "
            f"{[round(v, 2) for v in (x1, y1, x2, y2)]} in cells, which does not cover any of the "
            f"map of {height} rows and {width} columns; expected x1, y1, x2, y2 in pixels of the "
            "image"
        )
    size = as_pair("draw_roi_grids", "pooled_size", pooled_size, least=1)
    view = _View(features, (x1, y1, x2, y2))
    maps, one = features[None, None], np.zeros(1, np.int64)
    boxes = corners[None].astype(np.float32)
    pooled = roi_pool(maps, boxes, one, size, spatial_scale).data[0, 0]
    aligned = roi_align(maps, boxes, one, size, spatial_scale, sampling_ratio).data[0, 0]
    rounded = rounded_box((x1, y1, x2, y2))
    moved = max(abs(a - b) for a, b in zip(rounded, (x1, y1, x2, y2), strict=True))
    captions = [
        "RoI pooling\nThe box is rounded to whole cells: an edge moves by up to "
        f"{moved:.2f} cells, {moved / spatial_scale:.0f} pixels of the image. Each bin takes the "
        "greatest value of its cells.",
        "RoIAlign\nThe box is not rounded. Each bin takes the mean of its samples, and each sample "
        "is interpolated from the four cells whose middles are around it.",
    ]
    tops = [_draw_pooling(view, rounded, size), _draw_aligning(view, size, sampling_ratio)]
    low, high = float(features.min()), float(features.max())
    results = [_draw_values(values, low, high) for values in (pooled, aligned)]
    rows = [
        mosaic([top, below], columns=1, gap=16) for top, below in zip(tops, results, strict=True)
    ]
    sheet = contact_sheet(rows, captions, columns=2, tile_width=max(view.size[0], RESULT_SIDE))
    entries = [
        LegendEntry(WHITE_ON_DARK, "the box"),
        LegendEntry(VERMILLION, "the rounded box and its bins"),
        LegendEntry(ORANGE, "samples"),
    ]
    return with_legend(sheet, entries, margin=28, gap=0)


# Of the box, in the legend.
WHITE_ON_DARK = Image.new("RGB", (64, 64), INK)
WHITE_ON_DARK.paste(WHITE, (0, 5, 64, 11))


def rounded_box(box: Sequence[float]) -> tuple[int, int, int, int]:
    """The cells that RoI pooling reads for a box in cells: x1, y1, x2, y2, half-open.

    Both rounded corners belong to the region, as in `minicv.functional.roi_pool`.

    >>> rounded_box((1.4, 0.5, 3.6, 2.2))
    (1, 1, 5, 3)
    """
    left, top, right, bottom = (math.floor(v + 0.5) for v in box)
    return left, top, max(right + 1, left + 1), max(bottom + 1, top + 1)


def sample_points(start: float, end: float, bins: int, sampling_ratio: int) -> np.ndarray:
    """(bins, S) where RoIAlign takes its samples along one side, in the unit of the ends.

    >>> sample_points(0, 4, 2, 2).tolist()
    [[0.5, 1.5], [2.5, 3.5]]
    """
    side = (end - start) / bins
    samples = sampling_ratio if sampling_ratio > 0 else max(1, math.ceil(side))
    within = (np.arange(samples) + 0.5) / samples
    return start + (np.arange(bins)[:, None] + within) * side


class _View:
    """The part of the map around the box, and the way from cells to pixels of its picture."""

    def __init__(self, features: np.ndarray, box: tuple[float, float, float, float]) -> None:
        height, width = features.shape
        self.box = box
        rounded = rounded_box(box)
        starts = [math.floor(min(box[i], rounded[i]) - AROUND) for i in (0, 1)]
        ends = [math.ceil(max(box[i], rounded[i]) + AROUND) for i in (2, 3)]
        self.left, self.top = max(0, starts[0]), max(0, starts[1])
        right, bottom = min(width, ends[0]), min(height, ends[1])
        part = features[self.top : bottom, self.left : right]
        self.shape = part.shape
        self.cell = max(1, MAP_SIDE // max(part.shape))
        self.size = (part.shape[1] * self.cell, part.shape[0] * self.cell)
        low, high = float(features.min()), float(features.max())
        dimmed = heat_picture(part, self.size, low, high)
        self.picture = Image.blend(dimmed, Image.new("RGB", self.size, WHITE), 0.25)

    def canvas(self) -> Canvas:
        """The map, its cells parted by thin lines."""
        canvas = Canvas(self.picture)
        if max(self.shape) <= MOST_CELLS:
            for column in range(1, self.shape[1]):
                x = column * self.cell
                canvas.line(((x, 0), (x, self.size[1])), (*BLACK, 60), 1)
            for row in range(1, self.shape[0]):
                y = row * self.cell
                canvas.line(((0, y), (self.size[0], y)), (*BLACK, 60), 1)
        return canvas

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A point in cells of the map, in pixels of the picture."""
        return (x - self.left) * self.cell, (y - self.top) * self.cell

    def frame(self, box: Sequence[float]) -> list[float]:
        return [*self.at(box[0], box[1]), *self.at(box[2], box[3])]


def _draw_pooling(view: _View, rounded: Sequence[int], size: Pair) -> Image.Image:
    """The box, the rounded box, and a frame within the cells of each bin."""
    canvas = view.canvas()
    x1, y1, x2, y2 = rounded
    inset = min(6.0, view.cell / 6)
    for i, down in enumerate(adaptive_bins(y2 - y1, size[0])):
        for j, across in enumerate(adaptive_bins(x2 - x1, size[1])):
            cells = (x1 + across.start, y1 + down.start, x1 + across.stop, y1 + down.stop)
            left, top, right, bottom = view.frame(cells)
            own = inset * (1 + 0.8 * ((i + j) % 2))  # bins that share cells can be told apart
            inner = (left + own, top + own, right - own, bottom - own)
            canvas.fill(inner, (*VERMILLION, 50))
            canvas.frame(inner, VERMILLION, 1.6)
    canvas.frame(view.frame(rounded), VERMILLION, 4)
    canvas.outline(view.frame(view.box), WHITE, 2.5)
    return canvas.finish()


def _draw_aligning(view: _View, size: Pair, sampling_ratio: int) -> Image.Image:
    """The box, its bins, all samples, and the four cells of one sample."""
    canvas = view.canvas()
    x1, y1, x2, y2 = view.box
    for j in range(1, size[1]):
        x = x1 + j * (x2 - x1) / size[1]
        canvas.line((view.at(x, y1), view.at(x, y2)), (*BLACK, 130), 3.5)
        canvas.line((view.at(x, y1), view.at(x, y2)), WHITE, 1.5)
    for i in range(1, size[0]):
        y = y1 + i * (y2 - y1) / size[0]
        canvas.line((view.at(x1, y), view.at(x2, y)), (*BLACK, 130), 3.5)
        canvas.line((view.at(x1, y), view.at(x2, y)), WHITE, 1.5)
    canvas.outline(view.frame(view.box), WHITE, 2.5)
    xs = sample_points(x1, x2, size[1], sampling_ratio)
    ys = sample_points(y1, y2, size[0], sampling_ratio)
    spacing = min((x2 - x1) / xs.size, (y2 - y1) / ys.size) * view.cell
    radius = min(5.0, max(1.2, spacing / 4))
    for x in xs.ravel():
        for y in ys.ravel():
            canvas.disc(view.at(x, y), radius + 1.2, BLACK)
            canvas.disc(view.at(x, y), radius, ORANGE)
    one = xs.ravel()[0], ys.ravel()[0]
    column, row = math.floor(one[0] - 0.5), math.floor(one[1] - 0.5)
    for x in (column + 0.5, column + 1.5):  # the middles of the four cells
        for y in (row + 0.5, row + 1.5):
            canvas.line((view.at(*one), view.at(x, y)), (*BLACK, 150), 3.5)
            canvas.line((view.at(*one), view.at(x, y)), ORANGE, 1.8)
            canvas.disc(view.at(x, y), 0.9 * radius + 1, BLACK)
            canvas.disc(view.at(x, y), 0.9 * radius, WHITE)
    canvas.disc(view.at(*one), radius + 1.2, BLACK)
    canvas.disc(view.at(*one), radius, ORANGE)
    return canvas.finish()


def _draw_values(values: np.ndarray, low: float, high: float) -> Image.Image:
    """The pooled values (PH, PW) in the colours of the map, with their numbers."""
    cell = max(1, RESULT_SIDE // max(values.shape))
    size = (values.shape[1] * cell, values.shape[0] * cell)
    canvas = Canvas(heat_picture(values, size, low, high))
    if cell >= LEAST_FOR_NUMBERS:
        for i, j in np.ndindex(values.shape):
            red, green, blue = colour_map(values[i, j], low, high).tolist()
            ink = text_colour_on((red, green, blue))
            centre = ((j + 0.5) * cell, (i + 0.5) * cell)
            canvas.text(centre, f"{values[i, j]:.2f}", min(16, cell / 3.2), ink, anchor="mm")
    return canvas.finish()
