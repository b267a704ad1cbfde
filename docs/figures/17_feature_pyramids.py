"""Feature pyramids: which object is looked for on which map; voting; what each change brings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from sheet import Sheet, cells, farm, photo, shifted

from minicv.autograd import Tensor, no_grad
from minicv.inspection import draw_bars
from minicv.inspection.palette import BLUE, WHITE, class_colour
from minicv.models.backbones import FPN, SmallBackbone
from minicv.models.photographs import normalised_batch
from minicv.vision import assign_levels, box_iou, nms
from minicv.vision.box_voting import vote_boxes

RECORD = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "boxes_pennfudan.json"
STRIDES = (8, 16, 32)
CANONICAL = 64.0  # pixels of a region that belongs to stride 16


def draw(out: Path) -> None:
    levels(out / "17_feature_pyramids.png")
    voting(out / "17_feature_pyramids_voting.png")
    levers(out / "17_feature_pyramids_levers.png")


def levels(path: Path) -> None:
    """The maps of a pyramid from fine to coarse, and each object on the map that suits it."""
    rng = np.random.default_rng(1)
    pyramid = FPN(SmallBackbone(8, STRIDES, rng=rng), 16, rng=rng).eval()
    image, target = farm()
    batch = normalised_batch([image], pyramid.mean, pyramid.std)
    with no_grad():
        maps = pyramid(Tensor(batch))[:3]
    level_of = assign_levels(target["boxes"], STRIDES, canonical_size=CANONICAL)
    sheet = Sheet(1210)
    for number, (stride, features) in enumerate(zip(STRIDES, maps, strict=True)):
        x, y = (number + 1) % 2 * 720, (number + 1) // 2 * 570
        h, w = features.shape[2:]
        sheet.write(x, y + 4, f"stride {stride}: {w} x {h} cells", 32)
        heat = np.abs(features.data[0]).mean(axis=0)
        sheet.place(cells(heat, 2 * stride).crop((0, 0, 640, 480)), x, y + 54)
        for box, own in zip(target["boxes"], level_of, strict=True):
            if own == number:
                where = shifted(box, (x, y + 54), 2.0)
                sheet.canvas.outline(where, class_colour(number), 6)
    sheet.write(0, 4, "objects, coloured by level", 32)
    sheet.place(photo(image, 640), 0, 54)
    for box, own in zip(target["boxes"], level_of, strict=True):
        sheet.canvas.outline(shifted(box, (0, 54), 2.0), class_colour(int(own)), 6)
    sheet.save(path)


def voting(path: Path) -> None:
    """Ten predictions of one object, the best of them, and their mean."""
    image, target = farm()
    sides = target["boxes"][:, 2:] - target["boxes"][:, :2]
    truth = target["boxes"][int(sides.prod(axis=1).argmax())]
    rng = np.random.default_rng(12)
    noise = rng.normal(0, 0.07, (10, 4)) * np.tile(truth[2:] - truth[:2], 2)
    boxes = (truth + noise).astype(np.float32)
    scores = rng.uniform(0.6, 0.95, 10)
    kept = nms(boxes, scores, 0.5)[:1]
    voted = vote_boxes(boxes[kept], boxes, scores, 0.5)
    wide = truth[2] - truth[0]
    left, top = max(0, truth[0] - 0.3 * wide), max(0, truth[1] - 20)
    right, bottom = min(320, truth[2] + 0.3 * wide), min(240, truth[3] + 20)
    part = image[:, int(top) : int(bottom), int(left) : int(right)]
    scale = 440 / part.shape[2]
    high = part.shape[1] * scale
    sheet = Sheet(round(high) + 130)
    for number, (title, shown) in enumerate(
        (
            ("ten predictions", boxes),
            ("the best score (NMS)", boxes[kept]),
            ("voted: the mean", voted),
        )
    ):
        x = number * 480
        sheet.write(x, 4, title, 32)
        sheet.place(photo(part, 440), x, 54)
        corner = (x - int(left) * scale, 54 - int(top) * scale)
        for box in shown:
            sheet.canvas.outline(shifted(box, corner, scale), BLUE, 3 if number == 0 else 6)
        sheet.dashed(shifted(truth, corner, scale), WHITE, 4)
        iou = box_iou(shown, truth[None])[:, 0]
        text = f"IoU {iou.min():.2f} to {iou.max():.2f}" if number == 0 else f"IoU {iou[0]:.2f}"
        sheet.write(x, 54 + high + 14, text, 30)
    sheet.save(path)


def levers(path: Path) -> None:
    """AP of each step on Penn-Fudan, as recorded."""
    record = json.loads(RECORD.read_text("utf-8"))["levers"]
    rows = {
        own["lever"]: {"AP (COCO)": own["AP"], "AP75": own["AP75"]}
        for _, own in sorted(record.items(), key=lambda item: int(item[0]))
    }
    draw_bars("Each change with all before it", rows, "", 700, longest=1.0).save(path)
