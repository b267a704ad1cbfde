"""Two patches of neighbouring pixels, and how a label map is judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from board import Panel, board, table
from PIL import Image
from sheet import Sheet, paler, photo, pixels, scene

from minicv.data import Farmyard
from minicv.inspection import draw_number_grid
from minicv.inspection.canvas import Canvas
from minicv.inspection.palette import BLUE, ORANGE, SKY_BLUE, VERMILLION, WHITE
from minicv.metrics.segmentation import confusion_matrix, values_of_confusion
from minicv.models.segmentation.patches import cut_patches, mirror_border

STEM = Path(__file__).stem
PATCH = 46  # pixels a side, as in Farabet et al. 2013
STEP = 8  # pixels from one of the two centres to the other
NAMES = ("grass", "cow")


def draw(out: Path) -> None:
    draw_patches().save(out / f"{STEM}_patches.png")
    draw_iou().save(out / f"{STEM}_iou.png")


# --- patches ---------------------------------------------------------------------------------


def draw_patches() -> Sheet:
    image, target = scene(3, (96, 128), seed=5)
    box = target["boxes"][target["area"].argmax()]
    row, column = int(box[1:4:2].mean()), int(box[0])  # on the left border of the largest animal
    rows, columns = np.array([row, row]), np.array([column, column + STEP])
    bordered = mirror_border(image, PATCH)  # (3, H + P - 1, W + P - 1)
    patches = cut_patches(bordered, rows, columns, PATCH)  # (2, 3, P, P)
    names = [
        Farmyard.segmentation_classes[target["segmentation"][r, c]]
        for r, c in zip(rows, columns, strict=True)
    ]
    far = 1 - STEP / PATCH
    zoom = 4
    picture = photo(bordered, zoom * bordered.shape[2])
    canvas = Canvas(picture)
    before = PATCH // 2
    inner = (before, before, before + image.shape[2], before + image.shape[1])
    canvas.frame([zoom * v for v in inner], WHITE, 3)
    for r, c, colour in zip(rows.tolist(), columns.tolist(), (ORANGE, SKY_BLUE), strict=True):
        canvas.outline([zoom * v for v in (c, r, c + PATCH, r + PATCH)], colour, 5)
        canvas.disc((zoom * (c + before + 0.5), zoom * (r + before + 0.5)), 9, (0, 0, 0))
        canvas.disc((zoom * (c + before + 0.5), zoom * (r + before + 0.5)), 7, colour)
    note = "White: the picture; around it its mirror image, so that each pixel has a patch."
    panels = [Panel(canvas.finish(), "A patch around each pixel", note)]
    right = [
        Panel(with_centre(patch, colour), f"Centre: {name}", words)
        for patch, colour, name, words in zip(
            patches, (ORANGE, SKY_BLUE), names,
            (f"{PATCH} x {PATCH} pixels", f"{STEP} pixels on: {far:.0%} the same"), strict=True,
        )
    ]  # fmt: skip
    return board([panels + right], top=True)


def with_centre(patch: np.ndarray, colour: tuple[int, int, int]) -> Image.Image:
    """A patch (3, P, P) enlarged, framed, its centre pixel framed."""
    picture = pixels(patch, 276)
    zoom = picture.width // patch.shape[2]
    canvas = Canvas(picture)
    centre = zoom * (PATCH // 2)
    canvas.outline((centre, centre, centre + zoom, centre + zoom), colour, 4)
    canvas.frame((3, 3, picture.width - 3, picture.height - 3), colour, 6)
    return canvas.finish()


# --- intersection over union -----------------------------------------------------------------


def draw_iou() -> Sheet:
    truth = np.array(
        [[0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0]]
    )
    said = np.array(
        [[0, 0, 0, 0, 0, 0], [0, 1, 1, 0, 0, 0], [0, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0]]
    )
    values = values_of_confusion(confusion_matrix(said, truth, 2))
    counts = values.confusion.tolist()
    rows = [["", *(f"as {name}" for name in NAMES)]]
    rows += [[name, *map(str, own)] for name, own in zip(NAMES, counts, strict=True)]
    hit = paler(BLUE, 0.7)
    fills: list = [[[]] * 3, [[], [hit], []], [[], [], [hit]]]
    ious = [["", "IoU"]] + [[n, f"{v:.2f}"] for n, v in zip(NAMES, values.class_iou, strict=True)]
    both = (truth == 1) & (said == 1)
    one = (truth == 1) ^ (said == 1)
    overlay = [
        [[BLUE] if both[r, c] else [VERMILLION] if one[r, c] else [] for c in range(6)]
        for r in range(4)
    ]
    words = [
        ["both" if both[r, c] else "one" if one[r, c] else "" for c in range(6)] for r in range(4)
    ]
    return board(
        [
            [
                Panel(labels(truth), "Truth", "1 is the cow"),
                Panel(labels(said), "Predicted", "one column too far left"),
                Panel(
                    draw_number_grid(words, overlay, 66), "Compared",
                    f"IoU of the cow: {both.sum()} / ({both.sum()} + {one.sum()})",
                ),
            ],
            [
                Panel(
                    table(rows, fills),
                    "Confusion",
                    f"pixels right: {values.pixel_accuracy:.2f}",
                ),
                Panel(table(ious, [[[]] * 2] * 3), "By class", f"mean IoU: {values.mean_iou:.2f}"),
            ],
        ]
    )  # fmt: skip


def labels(map_: np.ndarray) -> Image.Image:
    """A label map of two classes as numbers on their colours."""
    return draw_number_grid(map_, [[[ORANGE] if v else [] for v in row] for row in map_], 66)
