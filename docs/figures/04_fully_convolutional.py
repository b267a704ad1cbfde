"""The patch net as convolutions, holes instead of strides, and a stack of class maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from board import Panel, board
from PIL import Image
from sheet import SMALL, Sheet, cells, photo

from minicv import Tensor, no_grad
from minicv import functional as F
from minicv.data import Cached, DataLoader, Farmyard
from minicv.functional.conv2d import as_pair
from minicv.inspection import colour_map, draw_number_grid
from minicv.inspection.canvas import Canvas
from minicv.inspection.label_maps import paint_label_map
from minicv.inspection.palette import BLUE, INK, ORANGE, SKY_BLUE, WHITE
from minicv.models.segmentation import (
    FullResolution,
    FullResolutionSettings,
    a_trous,
    convolutionalize,
)
from minicv.nn import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential
from minicv.optim import Adam, ConstantLR
from minicv.training import GradientStep

STEM = Path(__file__).stem
PATCH = 6


def draw(out: Path) -> None:
    draw_same_numbers().save(out / f"{STEM}_same.png")
    draw_holes().save(out / f"{STEM}_holes.png")
    draw_class_maps().save(out / f"{STEM}_maps.png")


# --- the same numbers ------------------------------------------------------------------------


def draw_same_numbers() -> Sheet:
    rng = np.random.default_rng(4)
    net = Sequential(
        Conv2d(1, 2, 3, rng=rng), ReLU(), MaxPool2d(2), Flatten(), Linear(8, 1, rng=rng)
    )  # a patch of 6x6 -> 4x4 -> 2x2 -> one score
    dense = convolutionalize(net, (1, PATCH, PATCH))
    image = rng.random((10, 12), dtype="float32")
    with no_grad():
        scores = dense(Tensor(image[None, None])).data[0, 0]  # (3, 4)
        chosen = {(0, 0): ORANGE, (1, 2): SKY_BLUE}
        of_patches = {
            (p, q): float(net(Tensor(cut(image, p, q)[None, None])).data[0, 0]) for p, q in chosen
        }
    assert all(np.isclose(scores[at], score, rtol=1e-5) for at, score in of_patches.items())
    side = 38
    canvas = Canvas(cells(image, side))
    for (p, q), colour in chosen.items():
        x, y = 2 * q * side, 2 * p * side
        canvas.outline((x, y, x + PATCH * side, y + PATCH * side), colour, 7)
    whole = canvas.finish()
    colours = [[[] for _ in range(4)] for _ in range(3)]
    for (p, q), colour in chosen.items():
        colours[p][q] = [colour]
    rounded = [[f"{v:.2f}" for v in row] for row in scores]
    windows: list[Panel | str] = []
    for (p, q), colour in chosen.items():
        number = draw_number_grid([[f"{of_patches[p, q]:.2f}"]], [[[colour]]], 110)
        heading = f"Window at ({2 * p}, {2 * q})"
        windows += [
            Panel(framed(cells(cut(image, p, q), side), colour), heading),
            arrow("patch net", 150),
            Panel(number, "Score"),
        ]
    return board(
        [
            windows,
            [
                Panel(whole, "The whole image at once"),
                arrow("as convolutions", 210),
                Panel(
                    draw_number_grid(rounded, colours, 110),
                    "All scores",
                    "one for every second pixel",
                ),
            ],
        ]
    )


def cut(image: np.ndarray, p: int, q: int) -> np.ndarray:
    """The window whose score stands at (p, q)."""
    return image[2 * p : 2 * p + PATCH, 2 * q : 2 * q + PATCH]


def framed(picture: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    canvas = Canvas(picture)
    canvas.frame((3, 3, picture.width - 3, picture.height - 3), colour, 7)
    return canvas.finish()


def arrow(words: str, length: int) -> Panel:
    """An arrow under the name of what it does."""
    sheet = Sheet(104, length)
    sheet.canvas.text((length / 2, 6), words, SMALL, INK, "ma")
    sheet.arrow((6, 52), (length - 6, 52))
    return Panel(sheet.canvas.finish())


# --- holes -----------------------------------------------------------------------------------


def draw_holes() -> Sheet:
    rng = np.random.default_rng(0)
    with_strides = Sequential(MaxPool2d(2), Conv2d(1, 1, 3, rng=rng))
    captions = {
        "Pooling with stride 2": "then 3 x 3 taps on neighbouring cells",
        "Pooling with stride 1": "then the same 3 x 3 taps, two cells apart",
    }
    panels = []
    for net, (heading, note) in zip(
        (with_strides, a_trous(with_strides)), captions.items(), strict=True
    ):
        apart = 2 // as_pair("figure", "stride", net[0].stride, least=1)[0]  # kept cells: 1 or 2
        reach = apart * 5
        x = Tensor(np.ones((1, 1, reach, reach)), requires_grad=True)
        y = F.conv2d(x, np.ones((1, 1, 3, 3)), dilation=net[1].dilation)
        one = np.zeros(y.shape)
        one[0, 0, apart, apart] = 1
        y.backward(one)
        taps = x.grad[0, 0] > 0  # what one result looks at
        fills = [
            [
                [ORANGE] if taps[r, c] else [BLUE] if r % apart == c % apart == 0 else []
                for c in range(reach)
            ]
            for r in range(reach)
        ]
        grid = draw_number_grid([[""] * reach] * reach, fills, 440 // reach)
        panels.append(Panel(grid, heading, note, 500))
    return board([panels])


# --- class maps ------------------------------------------------------------------------------


def draw_class_maps() -> Sheet:
    classes = Farmyard.segmentation_classes
    model = trained()
    image, target = Farmyard(8, (64, 64), seed=91)[5]
    found = model.predict([image])[0]
    maps = found["probabilities"]  # (K, H, W)
    colours = np.array(Farmyard.segmentation_colors)
    labels, truth = (
        paint_label_map(image, each["segmentation"], colours).resize((360, 360))
        for each in (found, target)
    )
    right = (found["segmentation"] == target["segmentation"]).mean()
    first = [
        Panel(photo(image, 360), "Image", "3 x H x W"),
        "→",
        Panel(stack(maps[::-1], classes[::-1]), "A map for each class", f"{len(classes)} x H x W"),
    ]
    second = [
        Panel(labels, "The largest score wins", f"H x W; {right:.0%} of the pixels are right", 440),
        Panel(truth, "Truth"),
    ]
    return board([first, second])


def trained() -> FullResolution:
    """A small stack of convolutions after a few seconds of training."""
    rng = np.random.default_rng(0)
    settings = FullResolutionSettings(width=12, depth=5)
    model = FullResolution(Farmyard.segmentation_classes, settings, rng=rng)
    scenes = Cached(Farmyard(96, (64, 64), seed=90), keep=("segmentation", "image_id"))
    step = GradientStep(model, Adam(model.parameters(), lr=0.01), ConstantLR(0.01))
    for _ in range(10):
        for images, targets in DataLoader(scenes, 8, shuffle=True, rng=rng):
            step(images, targets, rng)
    return model.eval()


def stack(maps: np.ndarray, names: tuple[str, ...]) -> Image.Image:
    """Maps behind each other, the first in front; of each the name on the strip that is seen."""
    side, step, strip = 260, (52, 36), 32
    count = len(maps)
    size = (side + step[0] * (count - 1) + 4, side + step[1] * (count - 1) + 4)
    canvas = Canvas(Image.new("RGB", size, WHITE))
    for number in reversed(range(count)):
        x, y = 2 + step[0] * number, 2 + step[1] * (count - 1 - number)
        tile = Image.fromarray(colour_map(maps[number], 0, 1))
        tile_canvas = Canvas(tile.resize((side, side), Image.Resampling.NEAREST))
        tile_canvas.fill((0, 0, side, strip), (*INK, 255))
        tile_canvas.text((8, strip / 2), names[number], 24, WHITE, "lm")
        canvas.paste(tile_canvas.finish(), (x, y))
        canvas.frame((x, y, x + side, y + side), WHITE, 3)
    return canvas.finish()
