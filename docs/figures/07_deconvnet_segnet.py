"""Where edges come back to, and the hourglass with its switches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from board import Panel, board
from PIL import Image
from sheet import SMALL, TEXT, Sheet, cells, paler, scene

from minicv import Tensor, no_grad
from minicv import functional as F
from minicv.inspection.palette import BLUE, GREY, INK, ORANGE, VERMILLION, Colour
from minicv.models.segmentation import DeconvNet, DeconvNetSettings
from minicv.models.segmentation.upsampling import pool, unpool

STEM = Path(__file__).stem
SIDE = 96  # pixels of the picture
SHOWN = (slice(0, 56), slice(24, 80))  # rows and columns of it
STEEP = 0.35  # of the steepest place
POOLINGS = 2


def draw(out: Path) -> None:
    draw_switches().save(out / f"{STEM}_switches.png")
    draw_hourglass().save(out / f"{STEM}_hourglass.png")


# --- edges -----------------------------------------------------------------------------------


def draw_switches() -> Sheet:
    image, _ = scene(3, (SIDE, SIDE), seed=5)
    steep = np.hypot(*np.gradient(image.mean(axis=0))).astype(np.float32)
    before = steep / steep.max()
    x, switches = Tensor(before[None, None]), []
    for _ in range(POOLINGS):
        x, places = pool(x)
        switches.append(places)
    small = x.data[0, 0]
    back = x
    for places in reversed(switches):
        back = unpool(back, places)
    nearest, nails = F.unpool_nearest(x, 2**POOLINGS), F.unpool_bed_of_nails(x, 2**POOLINGS)
    sizes = [f"{side} x {side} numbers in all" for side in (SIDE, len(small))]
    panels = [
        Panel(heat(before), "How steep the picture is", sizes[0]),
        Panel(heat(nearest.data[0, 0]), "Pooled twice", sizes[1]),
    ]
    ways = {"Nearest neighbour": nearest, "Bed of nails": nails, "Max unpooling": back}
    results = []
    for name, result in ways.items():
        brought_back = result.data[0, 0]
        share = (before[brought_back > STEEP] > STEEP).mean()
        note = f"{share:.0%} of its steep places were steep"
        results.append(Panel(heat(brought_back), name, note, 410))
    return board([panels, results], top=True)


def heat(values: np.ndarray) -> Image.Image:
    """The part that is shown, in colours."""
    return cells(values[SHOWN], 7, 0, 0.8)


# --- the hourglass ---------------------------------------------------------------------------


def draw_hourglass() -> Sheet:
    rng = np.random.default_rng(0)
    model = DeconvNet(("cow", "sky"), DeconvNetSettings(width=1 / 64), rng=rng).eval()
    with no_grad():
        x, switches = model.encoder(Tensor(np.zeros((1, 3, 224, 224), np.float32)))
        down = [places.size[0] for places in switches] + [x.shape[2]]  # 224, 112, ... 7
        x = model.fc7(model.fc6(x))
        middle = x.shape[2]
        x = model.fc6_back(x)
        up = [x.shape[2]]
        for blocks in reversed(list(model.decoder)):
            x = blocks(unpool(x, switches.pop()))
            up.append(x.shape[2])
    sides = [*down, middle, *up]
    sheet = Sheet(690)
    width, top, highest = 62, 180, 380
    step = (1400 - 2 * 50 - width) / (len(sides) - 1)
    lefts = [50 + number * step for number in range(len(sides))]
    centre = top + highest / 2
    for number, (side, left) in enumerate(zip(sides, lefts, strict=True)):
        tall = max(14.0, highest * side / 224)
        colour: Colour = ORANGE if side == 1 else BLUE if number < len(down) else VERMILLION
        box = (left, centre - tall / 2, left + width, centre + tall / 2)
        sheet.canvas.fill(box, paler(colour, 0.55), corner_radius=6)
        sheet.canvas.text((left + width / 2, top + highest + 16), str(side), SMALL, INK, "ma")
    last = len(sides) - 1
    for level in range(
        5
    ):  # the pooling after map `level` gives its switches to the unpooling before
        start, end = lefts[level] + width / 2, lefts[last - level] + width / 2
        y = 62 + 20 * level
        tall = max(14.0, highest * sides[level] / 224)
        above = centre - tall / 2 - 6
        points = ((start, above), (start, y), (end, y), (end, above))
        sheet.arrow(*points, colour=paler(GREY, 0.25), width=3, head=13)
    sheet.canvas.text((700, 20), "switches: where each maximum was", SMALL, GREY, "ma")
    y = top + highest + 62
    sheet.canvas.text((lefts[0], y), "encoder: convolutions, poolings", TEXT, BLUE, "la")
    sheet.canvas.text(
        (lefts[last] + width, y), "decoder: unpoolings, convolutions", TEXT, VERMILLION, "ra"
    )
    sheet.canvas.text((700, y), "4096 units", TEXT, INK, "ma")
    return sheet
