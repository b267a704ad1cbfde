"""Faster R-CNN: anchors at one cell, which of them learn what, and the four losses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sheet import Sheet, farm, paler, photo, shifted

from minicv.data import Farmyard
from minicv.inspection.palette import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SKY_BLUE,
    VERMILLION,
    WHITE,
)
from minicv.models.backbones import SmallBackbone
from minicv.models.detection.faster_rcnn import FasterRCNN, FasterRCNNSettings
from minicv.vision import AnchorGrid
from minicv.vision.matching import NEGATIVE, POSITIVE, Matcher, balanced_sample

STRIDE = 16
SIZES = (32.0, 64.0, 128.0)
GRID = AnchorGrid(STRIDE, SIZES, (0.5, 1.0, 2.0))
COLOURS = (ORANGE, SKY_BLUE, VERMILLION)


def draw(out: Path) -> None:
    four_losses(out / "16_faster_rcnn.png")
    at_one_cell(out / "16_faster_rcnn_anchors.png")
    matched(out / "16_faster_rcnn_matched.png")


def at_one_cell(path: Path) -> None:
    """The nine anchors of one cell, beside the cells of the map."""
    image, _ = farm()
    rows, columns = image.shape[1] // STRIDE, image.shape[2] // STRIDE
    anchors = GRID.generate(rows, columns).reshape(rows, columns, 3, 3, 4)  # ratio, size
    row, column = 9, 10
    sheet = Sheet(720)
    scale = 2.7
    sheet.place(photo(image, round(320 * scale)), 0, 10)
    for x in range(columns):
        for y in range(rows):
            place = ((x + 0.5) * STRIDE * scale, 10 + (y + 0.5) * STRIDE * scale)
            sheet.canvas.disc(place, 3.5, WHITE)
    cell = (column * STRIDE, row * STRIDE, (column + 1) * STRIDE, (row + 1) * STRIDE)
    sheet.canvas.fill(shifted(cell, (0, 10), scale), (*WHITE, 150))
    for size in (2, 1, 0):
        for ratio in range(3):
            where = shifted(anchors[row, column, ratio, size], (0, 10), scale)
            sheet.canvas.outline(np.minimum(where, (864, 656, 864, 656)), COLOURS[size], 5)
    x = 900
    y = sheet.write(x, 16, f"{rows} x {columns} cells of {STRIDE} pixels,", 30)
    y = sheet.write(x, y, f"{GRID.anchors_per_cell} anchors at each:", 30)
    y = sheet.write(x, y, f"{rows * columns * GRID.anchors_per_cell:,} anchors", 30) + 24
    for size, colour in zip(SIZES, COLOURS, strict=True):
        sheet.canvas.fill((x, y + 4, x + 44, y + 34), colour, corner_radius=4)
        sheet.write(x + 60, y, f"size {size:g}", 28)
        for ratio in range(3):
            shape = anchors[row, column, ratio, SIZES.index(size)]
            wide, high = shape[2] - shape[0], shape[3] - shape[1]
            sheet.write(x + 60, y + 38 + ratio * 34, f"{wide:.0f} wide, {high:.0f} high", 26, GREY)
        y += 162
    sheet.save(path)


def matched(path: Path) -> None:
    """All positive anchors of the scene, and a drawn sample of both kinds."""
    image, target = farm()
    rows, columns = image.shape[1] // STRIDE, image.shape[2] // STRIDE
    anchors = GRID.generate(rows, columns)
    labels = Matcher(0.7, 0.3, allow_low_quality_matches=True)(target["boxes"], anchors).label
    positive, negative = balanced_sample(labels, 32, 0.5, np.random.default_rng(0))
    counts = {name: int((labels == kind).sum()) for name, kind in
              (("positive", POSITIVE), ("background", NEGATIVE))}  # fmt: skip
    left_out = len(labels) - sum(counts.values())
    sheet = Sheet(680)
    scale = 680 / 320
    titles = (
        f"{counts['positive']} positive anchors",
        f"a sample: {len(positive)} positive, {len(negative)} background",
    )
    for number, title in enumerate(titles):
        x = number * 720
        sheet.write(x, 4, title, 32)
        sheet.place(photo(image, 680), x, 56)
        for truth in target["boxes"]:
            sheet.dashed(shifted(truth, (x, 56), scale), WHITE, 4)
        if number:
            for box in anchors[negative]:
                self_clipped(sheet, box, x, scale, VERMILLION)
        for box in anchors[np.flatnonzero(labels == POSITIVE) if number == 0 else positive]:
            self_clipped(sheet, box, x, scale, BLUE)
    sheet.write(
        0,
        582,
        "White, dashed: the objects. Blue: anchors that learn an object. Red: background. Of "
        f"{len(labels):,} anchors {counts['background']:,} are background, and {left_out} that "
        "overlap an object by 0.3 to 0.7 are left out.",
        25,
        GREY,
    )
    sheet.save(path)


def self_clipped(sheet: Sheet, box: np.ndarray, x: float, scale: float, colour: tuple) -> None:
    """An anchor, cut at the edge of the picture."""
    inside = np.clip(box, 0, [320, 240, 320, 240])
    sheet.canvas.frame(shifted(inside, (x, 56), scale), colour, 3.5)


def four_losses(path: Path) -> None:
    """The diagram of the lecture, with the losses of an untrained network on the scene."""
    rng = np.random.default_rng(0)
    settings = FasterRCNNSettings(
        min_size=240, max_size=320, anchor_sizes=SIZES, rpn_channels=64, head_units=64
    )
    model = FasterRCNN(SmallBackbone(8, (16,), rng=rng), Farmyard.classes, settings, rng=rng)
    image, target = farm()
    losses = {name: loss.item() for name, loss in model.loss([image], [target]).items()}
    sheet = Sheet(640)
    sheet.place(photo(image, 190), 0, 449)
    sheet.write(0, 600, "image", 26, GREY)
    sheet.arrow((196, 520), (232, 520))
    sheet.block((240, 450, 390, 590), "convo-\nlutions", BLUE, 26)
    sheet.arrow((396, 520), (432, 520))
    sheet.block((440, 450, 580, 590), "feature\nmap", paler(BLUE), 26, INK)
    sheet.arrow((510, 444), (510, 196))
    sheet.block((400, 70, 640, 190), "region proposal\nnetwork", BLUE, 26)
    sheet.arrow((648, 112), (1002, 66))
    sheet.arrow((648, 150), (1002, 172))
    sheet.arrow((590, 196), (590, 310), (646, 310))
    sheet.block((654, 270, 830, 350), "proposals", paler(ORANGE), 26, INK)
    sheet.arrow((716, 356), (716, 444))
    sheet.arrow((586, 520), (632, 520))
    sheet.block((640, 450, 790, 590), "RoI\npooling", BLUE, 26)
    sheet.arrow((796, 520), (832, 520))
    sheet.block((840, 450, 960, 590), "head", BLUE, 26)
    sheet.arrow((966, 500), (1002, 474))
    sheet.arrow((966, 544), (1002, 576))
    for y, name, what, key in (
        (20, "1  objectness", "object or background", "loss_objectness"),
        (126, "2  anchor offsets", "from anchor to object", "loss_rpn_box_reg"),
        (428, "3  class", "one of K, or none", "loss_classifier"),
        (534, "4  box offsets", "from proposal to object", "loss_box_reg"),
    ):
        loss_block(sheet, (1010, y, 1400, y + 94), name, what, losses[key])
    sheet.save(path)


def loss_block(sheet: Sheet, box: tuple, name: str, what: str, value: float) -> None:
    """A loss with its name, what it compares, and its value."""
    sheet.canvas.fill(box, paler(ORANGE), corner_radius=12)
    x1, y1, x2, y2 = box
    sheet.canvas.text((x1 + 20, y1 + 32), name, 30, INK, "lm")
    sheet.canvas.text((x1 + 20, y1 + 70), what, 23, INK, "lm")
    sheet.canvas.text((x2 - 20, (y1 + y2) / 2), f"{value:.3f}", 32, INK, "rm")
