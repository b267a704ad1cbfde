"""Fast R-CNN: RoI pooling in numbers, its two losses, and smooth L1 beside L2."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sheet import Sheet, farm, paler, photo, shifted

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.data import Farmyard
from minicv.functional.pooling_windows import adaptive_bins
from minicv.inspection import draw_curves, draw_number_grid
from minicv.inspection.palette import (
    BLUE,
    BLUISH_GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    REDDISH_PURPLE,
    SKY_BLUE,
    VERMILLION,
)
from minicv.inspection.roi_grids import rounded_box
from minicv.models.backbones import SmallBackbone
from minicv.models.detection.fast_rcnn import FastRCNN, FastRCNNSettings
from minicv.proposals import SelectiveSearch

BINS = (SKY_BLUE, ORANGE, REDDISH_PURPLE, BLUISH_GREEN)
STRIDE = 16
LOSSES = {
    "smooth L1, beta = 1": lambda x, y: F.smooth_l1(x, y, beta=1.0, reduction="none"),
    "half of the squared error (L2)": lambda x, y: 0.5 * F.l2_loss(x, y, reduction="none"),
}


def draw(out: Path) -> None:
    pooling(out / "15_fast_rcnn.png")
    losses(out / "15_fast_rcnn_losses.png")
    smooth_l1(out / "15_fast_rcnn_smooth_l1.png")


def pooling(path: Path) -> None:
    """A map of whole numbers, a box, its rounded cells in four bins, and the maxima."""
    values = np.random.default_rng(6).integers(0, 10, (6, 8)).astype(np.float32)
    box = np.array([[20.0, 26.0, 92.0, 70.0]])
    x = Tensor(values[None, None], requires_grad=True)
    pooled = F.roi_pool(x, box, np.array([0]), 2, 1 / STRIDE)
    pooled.sum().backward()
    x1, y1, x2, y2 = rounded_box((box[0] / STRIDE).tolist())
    colours: list[list[tuple]] = [[() for _ in range(8)] for _ in range(6)]
    for i, down in enumerate(adaptive_bins(y2 - y1, 2)):
        for j, across in enumerate(adaptive_bins(x2 - x1, 2)):
            for row in range(y1 + down.start, y1 + down.stop):
                for column in range(x1 + across.start, x1 + across.stop):
                    colours[row][column] += (BINS[2 * i + j],)
    side = 84
    sheet = Sheet(640)
    sheet.write(0, 4, "the map, cells of 16 pixels", 32)
    grid = sheet.place(draw_number_grid(values, colours, side), 0, 60, None)
    sheet.dashed(shifted(box[0] / STRIDE, grid[:2], side), VERMILLION, 6)
    sheet.write(
        0,
        580,
        "red, dashed: the box; colours: the bins of the rounded box; two colours: a "
        "cell of two bins",
        25,
        GREY,
        width=690,
    )
    sheet.arrow((700, 310), (770, 310), width=6, head=24)
    sheet.write(800, 4, "pooled", 32)
    result = [[(BINS[2 * i + j],) for j in range(2)] for i in range(2)]
    sheet.place(draw_number_grid(pooled.data[0, 0], result, 110), 800, 60, None)
    sheet.write(800, 300, "the maximum of each bin", 26, GREY)
    sheet.write(800, 350, "where the gradient goes", 32)
    taken = [[(VERMILLION,) if value else () for value in row] for row in x.grad[0, 0].tolist()]
    sheet.place(draw_number_grid(x.grad[0, 0], taken, 36), 800, 400, None)
    sheet.write(
        1110,
        420,
        "1 to the cell that was the maximum, 0 to all others; the sum where a "
        "cell was the maximum of two bins",
        25,
        GREY,
        width=290,
    )
    sheet.save(path)


def losses(path: Path) -> None:
    """The way of a region through Fast R-CNN, with the losses of an untrained network."""
    rng = np.random.default_rng(0)
    settings = FastRCNNSettings(min_size=240, max_size=320, head_units=64, dropout=0.0)
    model = FastRCNN(
        SmallBackbone(8, (16,), rng=rng), Farmyard.classes, SelectiveSearch(min_side=12), settings,
        rng=rng,
    )  # fmt: skip
    image, target = farm()
    values = {name: loss.item() for name, loss in model.loss([image], [target]).items()}
    sheet = Sheet(500)
    sheet.place(photo(image, 200), 0, 105)
    sheet.write(0, 60, "image", 26, GREY)
    sheet.arrow((206, 180), (240, 180))
    sheet.block((248, 110, 408, 250), "convo-\nlutions", BLUE, 26)
    sheet.arrow((414, 180), (448, 180))
    sheet.block((456, 110, 596, 250), "feature\nmap", paler(BLUE), 26, INK)
    sheet.arrow((602, 180), (636, 180))
    sheet.block((644, 110, 794, 250), "RoI\npooling", BLUE, 26)
    sheet.arrow((800, 180), (834, 180))
    sheet.block((842, 110, 962, 250), "fully\nconn.", BLUE, 26)
    sheet.arrow((968, 150), (1000, 96))
    sheet.arrow((968, 210), (1000, 264))
    sheet.block((1008, 40, 1178, 130), "K + 1\nscores", paler(BLUE), 26, INK)
    sheet.block((1008, 230, 1178, 320), "4 offsets\nof each", paler(BLUE), 26, INK)
    sheet.arrow((1184, 85), (1214, 85))
    sheet.arrow((1184, 275), (1214, 275))
    for y, name, key in ((40, "softmax", "loss_classifier"), (230, "smooth L1", "loss_box_reg")):
        sheet.block((1222, y, 1400, y + 90), f"{name}\n{values[key]:.3f}", paler(ORANGE), 26, INK)
    sheet.block((644, 350, 794, 430), "proposals", PALE, 26)
    sheet.arrow((719, 344), (719, 258))
    sheet.arrow((1310, 28), (1310, 8), (328, 8), (328, 102), colour=VERMILLION, width=5, head=20)
    note = (
        "Red: the gradient of both losses goes back through RoI pooling into the convolutions. "
        "The losses are those of random weights on this scene."
    )
    sheet.write(0, 330, note, 26, GREY, width=610)
    sheet.save(path)


def smooth_l1(path: Path) -> None:
    """Both losses and their gradients over the error of one offset."""
    errors = np.linspace(-3, 3, 121)
    curves: dict[str, dict] = {"Loss": {}, "Gradient": {}}
    for name, loss in LOSSES.items():
        x = Tensor(errors, requires_grad=True)
        of_each = loss(x, np.zeros_like(errors))
        of_each.sum().backward()
        curves["Loss"][name] = (errors, of_each.data)
        curves["Gradient"][name] = (errors, x.grad)
    draw_curves(curves, "error of an offset", (700, 300)).save(path)
