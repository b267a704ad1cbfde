"""SPP-net: one map for all regions, and the spatial pyramid over a region."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sheet import Sheet, cells, farm, photo, shifted

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.inspection import draw_bars
from minicv.inspection.heatmap import strongest_channels
from minicv.inspection.palette import GREY, class_colour
from minicv.inspection.regions import draw_pyramid
from minicv.models.backbones import SmallBackbone
from minicv.models.counting_multiplications import counting_multiplications
from minicv.models.detection.spp_net import region_on_map
from minicv.models.photographs import normalised_batch

PYRAMID = (6, 3, 2, 1)
STRIDE = 8
WARPED = 224  # side of R-CNN's squares, pixels


def draw(out: Path) -> None:
    backbone = SmallBackbone(16, rng=np.random.default_rng(2)).eval()
    image, target = farm()
    batch = normalised_batch([image], backbone.mean, backbone.std)
    with no_grad(), counting_multiplications(backbone) as of_the_image:
        (features,) = backbone(Tensor(batch))
    with no_grad(), counting_multiplications(backbone) as of_a_region:
        backbone(Tensor(np.zeros((1, 3, WARPED, WARPED), np.float32)))
    maps = features.data[0]  # (C, h, w)
    channel = strongest_channels(maps, 1)[0]
    one_map(out / "14_spp_net.png", image, target["boxes"], maps[channel])
    pyramid(out / "14_spp_net_pyramid.png", target["boxes"], maps, channel)
    cost(out / "14_spp_net_cost.png", of_a_region.multiplications, of_the_image.multiplications)


def one_map(path: Path, image: np.ndarray, truth: np.ndarray, heat: np.ndarray) -> None:
    """Three regions on the image, and the same regions on the map."""
    sheet = Sheet(640)
    scale = 640 / 320
    sheet.write(0, 4, "the image, once through the convolutions", 32)
    sheet.place(photo(image, 640), 0, 56)
    sheet.write(760, 4, f"one map: {heat.shape[1]} x {heat.shape[0]} cells", 32)
    side = 640 // heat.shape[1]
    sheet.place(cells(heat, side), 760, 56)
    sheet.arrow((656, 296), (744, 296), width=6, head=24)
    chosen = largest(truth, 3)
    on_map = region_on_map(chosen, STRIDE, heat.shape)
    for number, (box, region) in enumerate(zip(chosen, on_map, strict=True)):
        colour = class_colour(number)
        sheet.canvas.outline(shifted(box, (0, 56), scale), colour, 5)
        first_and_last = region + np.float32([0, 0, 1, 1])
        sheet.canvas.outline(shifted(first_and_last, (760, 56), side), colour, 6)
    y = 56 + 480 + 16
    sheet.write(0, y, "regions in pixels", 26, GREY)
    sheet.write(
        760,
        y,
        "the same regions in cells of 8 pixels; one channel of a network with random weights",
        26,
        GREY,
        width=640,
    )
    sheet.save(path)


def largest(truth: np.ndarray, count: int) -> np.ndarray:
    """The boxes with the greatest area."""
    return truth[np.argsort(-(truth[:, 2:] - truth[:, :2]).prod(axis=1), kind="stable")[:count]]


def pyramid(path: Path, truth: np.ndarray, maps: np.ndarray, channel: int) -> None:
    """A region of the map under grids of 6, 3, 2 and 1, and what is pooled from each."""
    region = region_on_map(largest(truth, 1), STRIDE, maps.shape[1:])[0].astype(int)
    x1, y1, x2, y2 = region.tolist()
    left, top = max(0, x1 - 2), max(0, y1 - 2)
    right, bottom = min(maps.shape[2], x2 + 3), min(maps.shape[1], y2 + 3)
    part = maps[channel, top:bottom, left:right]
    inside = (x1 - left, y1 - top, x2 - left, y2 - top)
    side = 320 // max(part.shape)
    levels = draw_pyramid(part, inside, PYRAMID, side)
    low, high = float(part.min()), float(part.max())
    pooled = [
        F.adaptive_max_pool2d(maps[None, channel : channel + 1, y1 : y2 + 1, x1 : x2 + 1], level)
        for level in PYRAMID
    ]
    sheet = Sheet(680)
    for number, (level, picture, result) in enumerate(zip(PYRAMID, levels, pooled, strict=True)):
        x = number * 354
        sheet.write(x, 4, f"{level} x {level} bins", 32)
        sheet.place(picture, x, 54)
        y = 54 + picture.height + 16
        sheet.arrow((x + 60, y), (x + 60, y + 40))
        tile = cells(result.data[0, 0], 120 // level, low, high)
        sheet.place(tile, x, y + 56)
        sheet.write(x + 140, y + 72, f"{level * level} number{'s' * (level > 1)}", 28)
        if number < 3:
            sheet.write(x + 318, y + 92, "+", 40)
    total = sum(level * level for level in PYRAMID)
    sheet.write(
        0,
        y + 200,
        f"{total} numbers for each channel, whatever the size and shape of the region",
        30,
    )
    sheet.save(path)


def cost(path: Path, of_a_region: int, of_the_image: int) -> None:
    """Multiplications of the convolutions by the number of regions."""
    millions = 1e-6
    rows = {
        f"{count} region{'s' * (count > 1)}": {
            "each region by itself (R-CNN)": count * of_a_region * millions,
            "the image once (SPP-net)": of_the_image * millions,
        }
        for count in (1, 10, 100)
    }
    title = "Multiplications of the convolutions, millions"
    draw_bars(title, rows, "M", 700).save(path)
