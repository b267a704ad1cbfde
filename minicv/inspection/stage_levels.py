"""How stages of a feature pyramid are drawn: anchors, objectness and regions of its levels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from minicv.inspection.boxes import clip_line
from minicv.inspection.canvas import Canvas, line_width_for
from minicv.inspection.heatmap import colour_bar, overlay_heatmap
from minicv.inspection.palette import INK, Colour, class_colour
from minicv.inspection.panels import GAP, LegendEntry, contact_sheet, mosaic, with_legend
from minicv.inspection.stage import Stage
from minicv.inspection.stage_scene import (
    PANEL_WIDTH,
    Drawn,
    Scene,
    at_width,
    halves,
    pale,
    regions_to_show,
)

MOST_BOXES = 40  # drawn; more would hide the image
MOST_DOTS = 60  # cells of a level along a side that are drawn as dots
COLUMNS = 2  # of levels on the overview, and of up to four levels
TILE = 400  # width of a picture that is made for the overview alone


class Level(NamedTuple):
    """The anchors of one level: boxes (A, 4), the cell of each, and where the cells are."""

    boxes: np.ndarray
    column: np.ndarray  # (A,)
    row: np.ndarray  # (A,)
    xs: np.ndarray  # (w,) centres of the columns, pixels
    ys: np.ndarray  # (h,)

    def cell_size(self, image: np.ndarray) -> tuple[float, float]:
        """Width and height of a cell; a single one covers the image."""
        across = np.diff(self.xs).min() if len(self.xs) > 1 else image.shape[2]
        down = np.diff(self.ys).min() if len(self.ys) > 1 else image.shape[1]
        return float(across), float(down)


def level_colour(level: int) -> Colour:
    """The same level has the same colour in all pictures.

    >>> level_colour(0) == class_colour(0)
    True
    """
    return class_colour(level)


def level_of_anchors(anchors: np.ndarray) -> Level:
    """Which anchors of one level (A, 4) share a cell: those with the same centre.

    >>> level = level_of_anchors(np.array([[0, 0, 8, 8], [2, 2, 6, 6], [8, 0, 16, 8.0]]))
    >>> level.column.tolist(), level.xs.tolist(), level.ys.tolist()
    ([0, 0, 1], [4.0, 12.0], [4.0])
    """
    centres = ((anchors[:, :2] + anchors[:, 2:]) / 2).astype(np.float64).round(1)
    xs, column = np.unique(centres[:, 0], return_inverse=True)
    ys, row = np.unique(centres[:, 1], return_inverse=True)
    return Level(anchors, column.reshape(-1), row.reshape(-1), xs, ys)


def _levels_of(arrays: Mapping[str, Any]) -> list[Level | None]:
    """The anchors of each level; None for a level without any."""
    levels, anchors = np.asarray(arrays["levels"]), np.asarray(arrays["anchors"])
    numbers = range(len(arrays["strides"]))
    return [
        level_of_anchors(anchors[levels == n]) if (levels == n).any() else None for n in numbers
    ]


def draw_anchors_of_levels(stage: Stage, scene: Scene) -> Drawn:
    """The anchors around the middle of the image, coloured by level; and level by level."""
    levels = _levels_of(stage.arrays)
    strides = [f"{float(s):g}" for s in stage.arrays["strides"]]
    picture, factor = scene.picture()
    canvas, line = Canvas(pale(picture)), line_width_for(picture)
    entries = []
    for number in reversed(range(len(levels))):  # the small ones on top
        level = levels[number]
        if level is not None:
            _paint_cell(canvas, level, _middle(level, scene), factor, level_colour(number), line)
    for number, level in enumerate(levels):
        entries.append(
            LegendEntry(level_colour(number), f"stride {strides[number]}", _sizes(level))
        )
    overview = canvas.finish()
    left = with_legend(at_width(overview, PANEL_WIDTH), entries, least=PANEL_WIDTH)
    columns, tile_width = _grid(len(levels))
    tiles, captions = [], []
    for number, level in enumerate(levels):
        small, share = scene.picture(tile_width)
        canvas = Canvas(pale(small))
        if level is not None:
            _paint_spread(canvas, level, share, level_colour(number))
        tiles.append(canvas.finish())
        captions.append(f"\nstride {strides[number]}: {_cells(level)}")
    right = contact_sheet(tiles, captions, columns, tile_width=tile_width, margin=0)
    note = "of each level, those of one cell in the middle"
    notes = "all levels", "level by level: a dot at each cell, where there is room for dots"
    return Drawn(overview, note, halves(left, right, *notes))


def _grid(levels: int) -> tuple[int, int]:
    """How many levels stand in a row beside the image, and the width of each."""
    columns = COLUMNS if levels <= 4 else COLUMNS + 1
    return columns, (PANEL_WIDTH - (columns - 1) * GAP) // columns


def _sizes(level: Level | None) -> str:
    """The sides of squares of the anchors' areas."""
    if level is None:
        return "no anchors"
    sides = np.sqrt((level.boxes[:, 2:] - level.boxes[:, :2]).prod(axis=1)).round()
    found = np.unique(sides)
    if len(found) > 3 and found[-1] - found[0] < 0.1 * found[-1]:  # rounded shapes of one size
        found = np.array([np.median(sides)])
    if len(found) > 3:
        return f"{found[0]:.0f} to {found[-1]:.0f} px"
    return ", ".join(f"{side:.0f}" for side in found) + " px"


def _cells(level: Level | None) -> str:
    return "no cells" if level is None else f"{len(level.ys)} × {len(level.xs)} cells"


def _middle(level: Level, scene: Scene) -> tuple[int, int]:
    """Row and column of the cell nearest to the middle of the image."""
    height, width = scene.on_image().shape[1:]
    row, column = np.abs(level.ys - height / 2).argmin(), np.abs(level.xs - width / 2).argmin()
    return int(row), int(column)


def _paint_cell(
    canvas: Canvas,
    level: Level,
    cell: tuple[int, int],
    factor: float,
    colour: Colour,
    line: float,
) -> None:
    """The anchors of one cell and its centre."""
    for box in level.boxes[(level.row == cell[0]) & (level.column == cell[1])]:
        canvas.outline(box * factor, colour, line)
    canvas.disc((level.xs[cell[1]] * factor, level.ys[cell[0]] * factor), 1.5 * line, INK)


def _paint_spread(canvas: Canvas, level: Level, factor: float, colour: Colour) -> None:
    """A dot at each cell, where they can be told apart, and the anchors of cells far apart."""
    radius = 1.3 if max(len(level.xs), len(level.ys)) > MOST_DOTS / 2 else 2.0
    if max(len(level.xs), len(level.ys)) <= MOST_DOTS:
        for x in level.xs:
            for y in level.ys:
                canvas.disc((x * factor, y * factor), radius, INK)
    extent = (level.boxes[:, 2:] - level.boxes[:, :2]).max(axis=0) * factor
    counts = [
        max(1, min(cells, int(length / (1.15 * side)))) if side > 0 else 1
        for cells, length, side in zip(
            (len(level.xs), len(level.ys)), (canvas.width, canvas.height), extent, strict=True
        )
    ]
    if max(counts) > 6:  # a few of many small ones
        counts = [min(4, count) for count in counts]
    for j in range(counts[1]):
        for i in range(counts[0]):
            cell = (
                int((j + 0.5) * len(level.ys) / counts[1]),
                int((i + 0.5) * len(level.xs) / counts[0]),
            )
            _paint_cell(canvas, level, cell, factor, colour, 1.4)


def draw_objectness_of_levels(stage: Stage, scene: Scene) -> Drawn:
    """The surest anchor of each cell over the image, level by level."""
    objectness = np.asarray(stage.arrays["objectness"])
    levels, image = _levels_of(stage.arrays), scene.on_image()
    pictures = []
    for width in (TILE, 2 * PANEL_WIDTH):
        columns = COLUMNS if width == TILE else 3
        tile_width = (width - (columns - 1) * GAP) // columns
        small, factor = scene.picture(tile_width)
        tiles, captions = [], []
        for number, level in enumerate(levels):
            stride = float(stage.arrays["strides"][number])
            captions.append(f"\nstride {stride:g}" + (f": {_cells(level)}" if columns > 2 else ""))
            if level is None:
                tiles.append(pale(small))
                continue
            own = objectness[np.asarray(stage.arrays["levels"]) == number]
            heat = np.zeros((len(level.ys), len(level.xs)), np.float32)
            np.maximum.at(heat, (level.row, level.column), own)
            cell = tuple(side * factor for side in level.cell_size(image))
            tiles.append(overlay_heatmap(small, heat, 0, 1, cell_size=(cell[0], cell[1])))
        pictures.append(contact_sheet(tiles, captions, columns, tile_width=tile_width, margin=0))
    detail = mosaic([pictures[1], colour_bar(pictures[1].width, "0", "1")], columns=1)
    return Drawn(pictures[0], "the surest anchor of each cell; bright is sure", detail)


def draw_levels(stage: Stage, scene: Scene) -> Drawn:
    """The regions over the image, coloured by the level from which they are pooled; and beside it
    each level's feature map, with the regions that are pooled from it."""
    boxes, levels = np.asarray(stage.arrays["boxes"]), np.asarray(stage.arrays["levels"])
    strides = [float(s) for s in stage.arrays["strides"]]
    shown = np.array(regions_to_show(boxes, -np.arange(len(boxes)), MOST_BOXES))
    picture, factor = scene.picture()
    overview = _paint_levels(pale(picture), boxes[shown] * factor, levels[shown])
    counts = np.bincount(levels, minlength=len(strides))
    entries = [
        LegendEntry(level_colour(n), f"stride {stride:g}", f"{counts[n]:,}")
        for n, stride in enumerate(strides)
    ]
    left = with_legend(at_width(overview, PANEL_WIDTH), entries, least=PANEL_WIDTH)
    columns, tile_width = _grid(len(strides))
    small, share = scene.picture(tile_width)
    tiles, captions = [], []
    for number, stride in enumerate(strides):
        own = shown[levels[shown] == number]
        features = _features_of(scene, stride)
        caption = f"\nstride {stride:g}"
        under = pale(small)
        if features is not None:
            strength = np.abs(features).mean(axis=0)  # (C, h, w) -> (h, w)
            under = _coarse(small, strength, stride * share)
            caption += f": {strength.shape[0]} × {strength.shape[1]} cells"
        tiles.append(_paint_levels(under, boxes[own] * share, levels[own]))
        captions.append(f"{caption}, {_counted(int(counts[number]))}")
    right = contact_sheet(tiles, captions, columns, tile_width=tile_width, margin=0)
    note = "each box in the colour of the level from which it is pooled"
    if len(shown) < len(boxes):
        note += f"; {len(shown)} of {len(boxes):,} are drawn"
    detail = halves(
        left, right, "how many regions each level has", "the strength of each level's map"
    )
    return Drawn(with_legend(overview, entries), note, detail)


def _paint_levels(picture: Image.Image, boxes: np.ndarray, levels: np.ndarray) -> Image.Image:
    """Boxes in pixels of the picture; those of fine levels on top."""
    canvas, width = Canvas(picture), line_width_for(picture)
    for i in np.argsort(-levels, kind="stable"):
        box = clip_line(boxes[i], picture.size, width)
        canvas.outline(box, level_colour(int(levels[i])), 0.8 * width)
    return canvas.finish()


def _features_of(scene: Scene, stride: float) -> np.ndarray | None:
    """The feature map of that stride, (C, h, w), if an earlier stage has it."""
    for other in reversed(scene.stages[: scene.index]):
        if other.kind == "features" and abs(float(other.arrays["stride"]) - stride) < 0.01 * stride:
            return np.asarray(other.arrays["features"])
    return None


def _coarse(picture: Image.Image, strength: np.ndarray, cell: float) -> Image.Image:
    """A map over the pale picture, every cell a plain square, so that its coarseness is seen."""
    height, width = strength.shape
    across, down = np.arange(picture.width) + 0.5, np.arange(picture.height) + 0.5
    columns = np.minimum((across / cell).astype(np.int64), width - 1)
    rows = np.minimum((down / cell).astype(np.int64), height - 1)
    return overlay_heatmap(picture, strength[rows][:, columns], opacity=0.6)


def _counted(regions: int) -> str:
    return "1 region" if regions == 1 else f"{regions:,} regions"
