"""How stages over the whole image are drawn: images, features, anchors, and maps of classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from minicv.backend import descending
from minicv.inspection.canvas import Canvas, line_width_for
from minicv.inspection.charts import draw_bars
from minicv.inspection.classification import draw_class_bars
from minicv.inspection.heatmap import (
    colour_bar,
    feature_tiles,
    overlay_heatmap,
    strongest_channels,
)
from minicv.inspection.label_maps import (
    CLEAR,
    checked_label_map,
    draw_segmentation,
    legend_entries,
    paint_label_map,
)
from minicv.inspection.label_pictures import background_labels
from minicv.inspection.palette import INK, class_colour
from minicv.inspection.panels import GAP, LegendEntry, contact_sheet, mosaic, with_legend
from minicv.inspection.reconstruction import draw_code
from minicv.inspection.regions import feature_picture
from minicv.inspection.stage import Stage
from minicv.inspection.stage_scene import PANEL_WIDTH, Drawn, Scene, at_width, halves, pale

TILE = 400  # width of a picture that is made for the overview alone
MOST_CHANNELS = 16
CHANNELS_ON_IMAGE = 4
MOST_BARS = 10
MOST_MAPS = 24  # class maps on their own picture
MOST_MAPS_IN_TILE = 4
MOST_NAMES = 9  # below the label map in the overview; on its own it has all


def draw_image(stage: Stage, scene: Scene) -> Drawn:
    """The image."""
    return Drawn(scene.picture()[0])


def draw_features(stage: Stage, scene: Scene) -> Drawn:
    """Four strong channels over the image; the detail adds more of them, without the image.

    The mean over all channels would show the sky: many channels react to it, and few to a cow.
    """
    features, stride = stage.arrays["features"], float(stage.arrays["stride"])
    count = len(features)
    channels = strongest_channels(features, MOST_CHANNELS)
    telling = [channel for channel in channels if np.ptp(features[channel]) > 0]
    if not telling and count > 1:  # a map of one cell: nothing to see over the image
        vector = np.abs(features).mean(axis=(1, 2))
        pictures = [feature_picture(vector, (width, width // 2)) for width in (TILE, PANEL_WIDTH)]
        where = "one cell for all" if features[0].size == 1 else "the same everywhere"
        note = f"{where}: the strength of each of {count} channels, row by row"
        return Drawn(pictures[0], note, pictures[1])
    few = (telling or channels)[:CHANNELS_ON_IMAGE]
    tile = _channel_tiles(scene, features, stride, few, TILE)
    shown = f"the strongest {len(channels)} of {count} channels that differ"
    detail = halves(
        _channel_tiles(scene, features, stride, few, PANEL_WIDTH),
        feature_tiles(features, tile_size=147, channels=channels),
        "where the strongest channels are strong",
        f"{shown}, each on a scale of its own" if count > 1 else "the channel",
    )
    which = f"{len(few)} of {count} channels" if len(few) < count else "its channels"
    return Drawn(tile, f"the strongest {which}; bright is strong", detail)


def _channel_tiles(
    scene: Scene,
    features: np.ndarray,
    stride: float,
    channels: Sequence[int],
    width: int,
) -> Image.Image:
    """The strength of some channels over the image, whatever its sign, each on a scale of its own;
    of several with their numbers above."""
    if len(channels) == 1:
        picture, factor = scene.picture()
        strength = np.abs(features[channels[0]])
        return overlay_heatmap(picture, strength, cell_size=(stride * factor, stride * factor))
    columns = 2
    tile_width = _column_width(width, columns)
    small, factor = scene.picture(tile_width)
    cell = (stride * factor, stride * factor)
    tiles = [
        overlay_heatmap(small, np.abs(features[channel]), cell_size=cell) for channel in channels
    ]
    captions = [f"\nchannel {channel}" for channel in channels]
    return contact_sheet(tiles, captions, columns, tile_width=tile_width, margin=0)


def draw_anchors(stage: Stage, scene: Scene) -> Drawn:
    """The anchors of the middle cell, coloured by size; the detail also has them size by size."""
    anchors = stage.arrays["anchors"]
    sizes, size_of = anchor_sizes(anchors)
    picture, factor = scene.picture()
    canvas = Canvas(pale(picture))
    centres = _centres(anchors[:, :, 0]) * factor  # of a cell; its anchors share it
    height, width = anchors.shape[:2]
    for centre in centres.reshape(-1, 2):
        canvas.disc(centre, min(2.5, max(picture.size) / max(height, width) / 5), INK)
    middle, line = anchors[height // 2, width // 2] * factor, line_width_for(picture)
    _paint_anchors(canvas, middle, size_of, line, 2 * line)
    overview = canvas.finish()
    entries = [LegendEntry(class_colour(n), f"{size:g} px") for n, size in enumerate(sizes)]
    detail = halves(
        with_legend(at_width(overview, PANEL_WIDTH), entries, least=PANEL_WIDTH),
        _anchors_by_size(scene, anchors, sizes, size_of),
        "all anchors of the middle dot",
        "size by size: the side of a square of the same area, in pixels of the image",
    )
    return Drawn(overview, "a dot at each cell; the anchors of the middle one are drawn", detail)


def anchor_sizes(anchors: np.ndarray) -> tuple[list[float], np.ndarray]:
    """The different sizes of (h, w, A, 4) anchors, and for each of the A the number of its size.

    The size is the square root of the area.

    >>> anchors = np.array([[[[0, 0, 8, 2], [0, 0, 8, 8], [0, 0, 2, 8]]]])
    >>> sizes, size_of = anchor_sizes(anchors)
    >>> sizes, size_of.tolist()
    ([4.0, 8.0], [0, 1, 0])
    """
    sides = anchors[0, 0, :, 2:] - anchors[0, 0, :, :2]  # (A, 2)
    sizes, number = np.unique(np.sqrt(sides.prod(axis=1)).round(1), return_inverse=True)
    return sizes.tolist(), number


def draw_objectness(stage: Stage, scene: Scene) -> Drawn:
    """The surest anchor of each cell over the image; the detail also has each anchor alone."""
    objectness, anchors = stage.arrays["objectness"], stage.arrays["anchors"]
    columns = max(3, len(anchor_sizes(anchors)[0]))
    width = _column_width(PANEL_WIDTH, columns)
    cell = _cell_size(anchors, scene.on_image())
    overlay = _overlay(objectness.max(axis=2), cell, *scene.picture())  # (h, w, A) -> (h, w)
    small, factor = scene.picture(width)
    tiles = [_overlay(heat, cell, small, factor) for heat in objectness.transpose(2, 0, 1)]
    sides = anchors[0, 0, :, 2:] - anchors[0, 0, :, :2]
    captions = [f"\n{across:.0f} × {down:.0f}" for across, down in sides]
    detail = halves(
        mosaic([at_width(overlay, PANEL_WIDTH), colour_bar(PANEL_WIDTH, "0", "1")], columns=1),
        contact_sheet(tiles, captions, columns, tile_width=width, margin=0),
        "the surest anchor of each cell",
        "anchor by anchor: width × height in pixels of the image",
    )
    return Drawn(overlay, "the surest anchor of each cell; bright is sure", detail)


def draw_code_of_stage(stage: Stage, scene: Scene) -> Drawn:
    """The numbers of a code, as bars or as cells."""
    return Drawn(draw_code(stage.arrays["code"]), "blue is above 0, red below")


def draw_class_scores(stage: Stage, scene: Scene) -> Drawn:
    """A bar for each class, the best first; those of an SVM may go to either side of 0."""
    scores = stage.arrays["class_scores"]
    best = descending(scores)[:MOST_BARS].tolist()
    if scores.min() < 0 or scores.max() > 1:
        named = [(scene.class_names[k], float(scores[k])) for k in best]
        bars = [draw_class_bars(named, longest=None, width=width) for width in (TILE, 760)]
        return Drawn(bars[0], detail=bars[1])
    rows = {scene.class_names[k]: {"score": float(scores[k])} for k in best}
    title = "All classes" if len(best) == len(scores) else f"The best of {len(scores)} classes"
    bars = [draw_bars(title, rows, width=width, longest=1) for width in (TILE, 760)]
    return Drawn(bars[0], detail=bars[1])


def draw_class_maps(stage: Stage, scene: Scene) -> Drawn:
    """A heat map over the image for each class, in the order of the classes; of many classes for
    those that have the greatest share of the image."""
    class_maps = stage.arrays["class_maps"]
    by_share = np.argsort(-class_maps.mean(axis=(1, 2)), kind="stable").tolist()
    few, many = sorted(by_share[:MOST_MAPS_IN_TILE]), sorted(by_share[:MOST_MAPS])
    tile = _map_tiles(scene, class_maps, few, TILE, columns=min(2, len(few)))
    sheet = _map_tiles(scene, class_maps, many, 1040, columns=min(4, max(2, len(many))))
    detail = mosaic([sheet, colour_bar(sheet.width, "0", "1")], columns=1)
    notes = [_maps_drawn(len(shown), len(class_maps)) for shown in (few, many)]
    return Drawn(tile, notes[0], detail, notes[1])


def _maps_drawn(shown: int, classes: int) -> str:
    which = "each class" if shown == classes else f"the {shown} largest of {classes} classes"
    return f"where {which} may be; bright is sure"


def draw_label_map(stage: Stage, scene: Scene) -> Drawn:
    """The class of each pixel, and the shares of the classes."""
    image, segmentation = stage.arrays["image"], stage.arrays["segmentation"]
    names = scene.class_names
    operation = f"draw_stages: stage {stage.name!r}"
    labels, colours = checked_label_map(segmentation, image.shape, names, scene.colours, operation)
    clear = background_labels(names)
    painted = at_width(paint_label_map(image, labels, colours, clear), TILE)
    colours[list(clear)] = CLEAR
    present, counts = np.unique(labels, return_counts=True)
    largest = sorted(present[np.argsort(-counts, kind="stable")[:MOST_NAMES]].tolist())
    entries = legend_entries(dict.fromkeys(largest, ""), names, colours)
    note = "" if len(largest) == len(present) else f"the largest {MOST_NAMES} classes are named"
    detail = draw_segmentation(image, segmentation, names, scene.colours, clear=clear)
    return Drawn(with_legend(painted, entries, least=TILE), note, detail, detail_note="")


def _anchors_by_size(
    scene: Scene, anchors: np.ndarray, sizes: Sequence[float], size_of: np.ndarray
) -> Image.Image:
    """A tile for each size: its shapes, at as many cells as have room beside each other."""
    columns = min(2, len(sizes))
    tile_width = _column_width(PANEL_WIDTH, columns)
    small, share = scene.picture(tile_width)
    tiles, captions = [], []
    for number, size in enumerate(sizes):
        shapes = anchors[:, :, size_of == number] * share
        canvas = Canvas(pale(small))
        extent = (shapes[0, 0, :, 2:] - shapes[0, 0, :, :2]).max(axis=0)
        for row in _spread(len(shapes), small.height, extent[1]):
            for column in _spread(len(shapes[0]), small.width, extent[0]):
                boxes = shapes[row, column]
                _paint_anchors(canvas, boxes, np.full(len(boxes), number), 2, 3)
        tiles.append(canvas.finish())
        count = shapes.shape[2]
        captions.append(f"\n{size:g} px: {count} shape{'s' * (count > 1)} at each dot")
    return contact_sheet(tiles, captions, columns, tile_width=tile_width, margin=0)


def _paint_anchors(
    canvas: Canvas, boxes: np.ndarray, size_of: np.ndarray, line_width: float, dot: float
) -> None:
    """Boxes of one cell in the colours of their sizes, the small ones on top, and its centre."""
    for a in np.argsort(-size_of, kind="stable"):
        canvas.outline(boxes[a], class_colour(int(size_of[a])), line_width)
    canvas.disc(_centres(boxes[0]), dot, INK)


def _centres(boxes: np.ndarray) -> np.ndarray:
    return (boxes[..., :2] + boxes[..., 2:]) / 2


def _spread(cells: int, length: int, extent: float) -> list[int]:
    """Cells, evenly spread, whose anchors of that extent lie side by side within the length."""
    count = max(1, min(cells, int(length / (1.15 * extent)))) if extent > 0 else 1
    return [int((i + 0.5) * cells / count) for i in range(count)]


def _cell_size(anchors: np.ndarray, image: np.ndarray) -> tuple[float, float]:
    """Width and height of a cell in pixels of the image: neighbouring anchors are a stride apart.

    Along an axis with a single cell, that cell covers the image.
    """
    height, width = anchors.shape[:2]
    across = anchors[0, 1, 0, 0] - anchors[0, 0, 0, 0] if width > 1 else image.shape[2]
    down = anchors[1, 0, 0, 1] - anchors[0, 0, 0, 1] if height > 1 else image.shape[1]
    return float(across), float(down)


def _overlay(
    heat: np.ndarray, cell: tuple[float, float], picture: Image.Image, factor: float
) -> Image.Image:
    """Probabilities (h, w) over a picture that is ``factor`` times as large as the image."""
    return overlay_heatmap(picture, heat, 0, 1, cell_size=(cell[0] * factor, cell[1] * factor))


def _column_width(width: int, columns: int) -> int:
    return (width - (columns - 1) * GAP) // columns


def _map_tiles(
    scene: Scene, class_maps: np.ndarray, classes: Sequence[int], width: int, columns: int
) -> Image.Image:
    """The maps of some classes in rows, in a given width, the name above each."""
    tile_width = _column_width(width, columns)
    small, _ = scene.picture(tile_width)
    tiles = [overlay_heatmap(small, class_maps[k], 0, 1) for k in classes]
    captions = [f"\n{scene.class_names[k]}" for k in classes]
    return contact_sheet(tiles, captions, columns, tile_width=tile_width, margin=0)
