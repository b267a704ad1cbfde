"""A picture for each stage of Faster R-CNN; `minicv.inspection.stages` puts them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from minicv.inspection.boxes import draw_proposals
from minicv.inspection.canvas import Canvas, enlarged, line_width_for
from minicv.inspection.heatmap import (
    colour_bar,
    feature_tiles,
    heat_picture,
    overlay_heatmap,
)
from minicv.inspection.palette import GREY, INK, WHITE, class_colour
from minicv.inspection.panels import GAP, contact_sheet
from minicv.inspection.regions import crop_of_box

Stages = Mapping[str, Any]

MOST_BEFORE_NMS = 300  # proposals drawn; more would hide the image
MOST_AFTER_NMS = 40
MOST_REGIONS = 8  # shown with their pooled features
CROP_SIDE = 112  # pixels of a region's crop and of its pooled map
CHANNELS_OF_A_REGION = 8


def feature_map_overlay(stages: Stages) -> Image.Image:
    """The mean absolute feature of each cell, over the image."""
    picture, factor = enlarged(stages["input"])
    mean = np.abs(stages["feature_map"]).mean(axis=0)  # (C, h, w) -> (h, w)
    return overlay_heatmap(picture, mean, cell_size=_cell_size(stages, factor))


def anchor_picture(stages: Stages) -> Image.Image:
    """All the anchors of the middle cell, coloured by size, and a dot at the centre of each."""
    picture, factor = enlarged(stages["input"])
    picture = _pale(picture)
    anchors = anchors_by_cell(stages) * factor
    height, width = anchors.shape[:2]
    canvas = Canvas(picture)
    # The anchors of a cell share their centre.
    centres = (anchors[:, :, 0, :2] + anchors[:, :, 0, 2:]) / 2  # (h, w, 2)
    spacing = max(picture.size) / max(height, width)
    for centre in centres.reshape(-1, 2):
        canvas.disc(centre, min(2.5, spacing / 5), INK)
    _, number_of_size = anchor_sizes(stages)
    middle = (height // 2, width // 2)
    _draw_anchors(canvas, anchors[middle], number_of_size, line_width_for(picture))
    canvas.disc(centres[middle], 2 * line_width_for(picture), INK)
    return canvas.finish()


def anchor_tiles(stages: Stages, width: int) -> Image.Image:
    """A tile for each size: its shapes, at as many cells as have room beside each other."""
    sizes, number_of_size = anchor_sizes(stages)
    columns = min(2, len(sizes))
    tile_width = (width - (columns - 1) * GAP) // columns
    small, share = _reduced(stages, tile_width)
    anchors = anchors_by_cell(stages) * share
    tiles, captions = [], []
    for number, size in enumerate(sizes):
        shapes = number_of_size == number
        canvas = Canvas(_pale(small))
        extent = (anchors[0, 0, shapes, 2:] - anchors[0, 0, shapes, :2]).max(axis=0)
        for row in _spread(anchors.shape[0], small.height, extent[1]):
            for column in _spread(anchors.shape[1], small.width, extent[0]):
                boxes = anchors[row, column, shapes]
                _draw_anchors(canvas, boxes, number_of_size[shapes], 2)
                canvas.disc((boxes[0, :2] + boxes[0, 2:]) / 2, 3, INK)
        tiles.append(canvas.finish())
        captions.append(f"\nsize {size:g}: {_counted_shapes(int(shapes.sum()))} at each dot")
    return contact_sheet(tiles, captions, columns, tile_width=tile_width, margin=0)


def anchor_legend(stages: Stages, width: int) -> Image.Image:
    """The colour of each anchor size."""
    sizes, _ = anchor_sizes(stages)
    canvas = Canvas(Image.new("RGB", (width, 36), WHITE))
    room = width / max(1, len(sizes))
    for number, size in enumerate(sizes):
        x = number * min(room, 110)
        canvas.fill((x, 12, x + 18, 26), class_colour(number), corner_radius=3)
        canvas.text((x + 24, 19), f"{size:g} px", 14, GREY, anchor="lm")
    return canvas.finish()


def objectness_overlay(stages: Stages) -> Image.Image:
    """The surest anchor of each cell, as a probability over the image."""
    picture, factor = enlarged(stages["input"])
    best = _probability(stages["objectness"]).max(axis=0)  # (A, h, w) -> (h, w)
    return overlay_heatmap(picture, best, 0, 1, cell_size=_cell_size(stages, factor))


def objectness_tiles(stages: Stages, width: int) -> Image.Image:
    """The objectness of each anchor shape in a tile of its own."""
    sizes, _ = anchor_sizes(stages)
    columns = max(3, len(sizes))
    tile_width = (width - (columns - 1) * GAP) // columns
    small, share = _reduced(stages, tile_width)
    tiles, captions = [], []
    for anchor, heat in zip(
        anchors_by_cell(stages)[0, 0], _probability(stages["objectness"]), strict=True
    ):
        tiles.append(overlay_heatmap(small, heat, 0, 1, cell_size=_cell_size(stages, share)))
        x1, y1, x2, y2 = anchor
        captions.append(f"\n{x2 - x1:.0f} × {y2 - y1:.0f}")
    return contact_sheet(tiles, captions, columns, tile_width=tile_width, margin=0)


def proposal_picture(
    stages: Stages, boxes: np.ndarray, scores: np.ndarray, most: int
) -> Image.Image:
    """The ``most`` surest proposals, each in the colour of its score; unsure ones are fainter."""
    return draw_proposals(stages["input"], boxes, scores, most, low=0, high=1)


def region_cards(stages: Stages, class_names: Sequence[str]) -> tuple[list[Image.Image], list[str]]:
    """For each of the surest proposals its crop, its pooled mean and strongest channels, and what
    the head says about it."""
    cards, captions = [], []
    for number, region in enumerate(surest_proposals(stages), start=1):
        crop = crop_of_box(stages["input"], stages["proposals"][region], CROP_SIDE)
        card = region_card(crop, stages["region_features"][region])
        cards.append(card)
        captions.append(f"\n{number}.  {_verdict(stages, region, class_names)}")
    return cards, captions


def region_card(crop: Image.Image, features: np.ndarray) -> Image.Image:
    """A square crop, the mean of its pooled features (C, h, w), and the strongest channels."""
    side = crop.width
    mean = np.abs(features).mean(axis=0)  # (C, h, w) -> (h, w)
    tiles = feature_tiles(
        features, CHANNELS_OF_A_REGION, (side - 4) // 2, CHANNELS_OF_A_REGION // 2
    )
    card = Image.new("RGB", (2 * (side + 10) + tiles.width, side), WHITE)
    card.paste(crop, (0, 0))
    card.paste(heat_picture(mean, (side, side)), (side + 10, 0))
    card.paste(tiles, (2 * (side + 10), 0))
    return card


def region_mosaic(stages: Stages) -> Image.Image:
    """Crops of the surest proposals beside their pooled means, on the area of the image."""
    picture, _ = enlarged(stages["input"])
    mosaic = Image.new("RGB", picture.size, WHITE)
    gap = max(4, picture.width // 80)
    columns = 2
    side = max(1, (picture.width - gap * (2 * columns - 1)) // (2 * columns))
    rows = max(1, round((picture.height + gap) / (side + gap)))
    side = max(1, min(side, (picture.height + gap) // rows - gap))
    for number, region in enumerate(surest_proposals(stages)[: rows * columns]):
        row, column = divmod(number, columns)
        x, y = column * 2 * (side + gap), row * (side + gap)
        mean = np.abs(stages["region_features"][region]).mean(axis=0)
        mosaic.paste(crop_of_box(stages["input"], stages["proposals"][region], side), (x, y))
        mosaic.paste(heat_picture(mean, (side, side)), (x + side + gap // 2, y))
    return mosaic


def with_score_bar(picture: Image.Image) -> Image.Image:
    """The picture above the scale of its colours, from 0 to 1."""
    bar = colour_bar(picture.width, "score 0", "1")
    sheet = Image.new("RGB", (picture.width, picture.height + 8 + bar.height), WHITE)
    sheet.paste(picture, (0, 0))
    sheet.paste(bar, (0, picture.height + 8))
    return sheet


def at_width(picture: Image.Image, width: int) -> Image.Image:
    """The picture at that width; narrower where it would be more than twice as high as wide."""
    share = min(width / picture.width, 2 * width / picture.height)
    size = (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def anchors_by_cell(stages: Stages) -> np.ndarray:
    """(A_total, 4) anchors in their order rows, columns, anchors of a cell -> (h, w, A, 4)."""
    height, width = stages["feature_map"].shape[1:]
    return stages["anchors"].reshape(height, width, stages["anchors_per_location"], 4)


def anchor_sizes(stages: Stages) -> tuple[list[float], np.ndarray]:
    """The different sizes (square root of the area) and, for each anchor of a cell, its number."""
    cell = anchors_by_cell(stages).reshape(-1, stages["anchors_per_location"], 4)[0]
    sides = cell[:, 2:] - cell[:, :2]  # (A, 2)
    sizes, number = np.unique(np.sqrt(sides.prod(axis=1)).round(1), return_inverse=True)
    return [float(size) for size in sizes], number


def surest_proposals(stages: Stages) -> list[int]:
    """The numbers of the few proposals whose pooled features are shown, best first."""
    order = np.argsort(-stages["proposal_scores"], kind="stable")
    return order[:MOST_REGIONS].tolist()


def _verdict(stages: Stages, region: int, class_names: Sequence[str]) -> str:
    """The proposal's objectness and the head's first choice."""
    scores = stages["class_scores"][region]  # (K + 1,)
    best = int(scores.argmax())
    name = "background" if best == 0 else class_names[best - 1]
    objectness = stages["proposal_scores"][region]
    return f"objectness {objectness:.2f}, then {name} {scores[best]:.2f}"


def _draw_anchors(
    canvas: Canvas, boxes: np.ndarray, number_of_size: np.ndarray, line_width: float
) -> None:
    """Boxes of one cell in the colours of their sizes; the large ones first, under the others."""
    for a in np.argsort(-number_of_size, kind="stable"):
        canvas.frame(boxes[a], (*INK, 90), 1.6 * line_width)
        canvas.frame(boxes[a], class_colour(int(number_of_size[a])), line_width)


def _spread(cells: int, length: int, extent: float) -> list[int]:
    """Cells, evenly spread, whose anchors of that extent lie side by side within the length."""
    count = max(1, min(cells, int(length / (1.15 * extent)))) if extent > 0 else 1
    return [int((i + 0.5) * cells / count) for i in range(count)]


def _counted_shapes(count: int) -> str:
    return "1 shape" if count == 1 else f"{count} shapes"


def _reduced(stages: Stages, width: int) -> tuple[Image.Image, float]:
    """The input as a picture of that width, and how many times as large it is."""
    picture, factor = enlarged(stages["input"])
    small = at_width(picture, width)
    return small, factor * small.width / picture.width


def _pale(picture: Image.Image) -> Image.Image:
    """The picture in light grey, so that all colour is what is drawn on it."""
    grey = picture.convert("L").convert("RGB")
    return Image.blend(grey, Image.new("RGB", grey.size, WHITE), 0.45)


def _cell_size(stages: Stages, factor: float) -> tuple[float, float]:
    """Width and height of a cell in pixels of a picture ``factor`` times as large as the input.

    Read off the anchors: neighbours are one stride apart.
    """
    anchors = anchors_by_cell(stages)
    _, image_height, image_width = stages["input"].shape
    height, width = anchors.shape[:2]
    across = anchors[0, 1, 0, 0] - anchors[0, 0, 0, 0] if width > 1 else image_width
    down = anchors[1, 0, 0, 1] - anchors[0, 0, 0, 1] if height > 1 else image_height
    return float(across) * factor, float(down) * factor


def _probability(logits: np.ndarray) -> np.ndarray:
    """The logistic function, without overflow for large negative logits."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(logits, dtype=np.float64)))
