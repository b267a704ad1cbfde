"""One network with two losses, and the box that L2 puts between two things."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from board import Panel, board
from PIL import Image
from sheet import SMALL, TEXT, Sheet, paler, photo

from minicv import Tensor, no_grad
from minicv import functional as F
from minicv.data import Farmyard
from minicv.inspection.canvas import Canvas
from minicv.inspection.palette import (
    BLUE,
    BLUISH_GREEN,
    GREY,
    INK,
    ORANGE,
    SKY_BLUE,
    VERMILLION,
    WHITE,
)
from minicv.models.backbones import ConvNetBackbone
from minicv.models.localization import SingleObjectDetector, SingleObjectSettings
from minicv.vision.boxes import box_iou

STEM = Path(__file__).stem
CLASSES = Farmyard.classes


def draw(out: Path) -> None:
    draw_heads().save(out / f"{STEM}_heads.png")
    draw_mean().save(out / f"{STEM}_mean.png")


# --- two losses ------------------------------------------------------------------------------


def draw_heads() -> Sheet:
    image, target = Farmyard(1, (128, 128), seed=12, objects=(1, 1), only=("cow",))[0]
    rng = np.random.default_rng(0)
    settings = SingleObjectSettings(size=128, units=256, dropout=0.0)
    model = SingleObjectDetector(ConvNetBackbone(8, (16,), rng=rng), CLASSES, settings, rng=rng)
    model.eval()
    with no_grad():
        losses = model.loss([image], [target])
        (features,) = model.backbone(Tensor(np.zeros((1, 3, 128, 128), np.float32)))
    (found,) = model.predict([image])
    side = 280
    picture = with_boxes(image, side, [(target["boxes"][0], WHITE), (found["boxes"][0], ORANGE)])
    sheet = Sheet(600)
    sheet.write(36, 24, "Before any training", TEXT, INK)
    sheet.write(36, 62, "white: the true box; orange: the predicted one", SMALL, GREY, width=310)
    sheet.place(picture, 36, 300 - side / 2, edge=None)
    shape = " x ".join(map(str, features.shape[1:]))
    sheet.block((368, 250, 548, 350), f"ConvNet\n{shape}", paler(BLUE, 0.75), SMALL, INK)
    units = f"2 layers\n{settings.units} units"
    sheet.block((602, 250, 762, 350), units, paler(BLUE, 0.75), SMALL, INK)
    sheet.arrow((320, 300), (362, 300))
    sheet.arrow((552, 300), (596, 300))
    scores, numbers = f"{len(CLASSES)} scores", "4 numbers\nx1 y1 x2 y2"
    sheet.block((838, 70, 1008, 170), scores, paler(SKY_BLUE, 0.6), SMALL, INK)
    sheet.block((838, 430, 1008, 530), numbers, paler(ORANGE, 0.6), SMALL, INK)
    log = f"log {len(CLASSES)} would be {np.log(len(CLASSES)):.3f}"
    times = f"{settings.box_weight:g} x mean square"
    for y, name, key, note in (
        (120, "softmax loss", "loss_classifier", log),
        (480, "L2 loss", "loss_box_reg", times),
    ):
        turn = 300 + (y - 300) * 0.08
        sheet.arrow((766, turn), (800, turn), (800, y), (832, y))
        sheet.arrow((1012, y), (1052, y))
        sheet.canvas.text((1066, y - 36), name, TEXT, INK, "lm")
        sheet.canvas.text((1066, y), f"{float(losses[key].data):.3f}", TEXT, VERMILLION, "lm")
        sheet.canvas.text((1066, y + 36), note, SMALL, GREY, "lm")
        toward = -1 if y > 300 else 1
        sheet.arrow((1160, y + 62 * toward), (1160, 300 - 40 * toward))
    sheet.canvas.disc((1160, 300), 34, paler(BLUISH_GREEN, 0.55))
    sheet.canvas.text((1160, 300), "+", 44, INK, "mm")
    total = sum(float(loss.data) for loss in losses.values())
    sheet.canvas.text((1214, 300), f"{total:.3f}", TEXT, VERMILLION, "lm")
    return sheet


def with_boxes(image: np.ndarray, width: int, boxes: list) -> Image.Image:
    """A photograph with boxes (4,) in its pixels, each in its colour."""
    picture = photo(image, width)
    zoom = width / image.shape[2]
    canvas = Canvas(picture)
    for box, colour in boxes:
        canvas.outline([float(v) * zoom for v in box], colour, 4)
    return canvas.finish()


# --- the mean of two boxes -------------------------------------------------------------------


def draw_mean() -> Sheet:
    image, target = two_things()
    height, width = image.shape[1:]
    truth = (target["boxes"] / [width, height, width, height]).astype(np.float32)  # (2, 4)
    box = Tensor(np.array([0.25, 0.25, 0.75, 0.75], np.float32), requires_grad=True)
    path = [box.data.copy()]
    for _ in range(60):  # gradient descent on the four numbers themselves
        both = F.stack([box, box])  # (2, 4): one answer for two objects
        box.grad = None
        F.l2_loss(both, truth).backward()
        box.data = box.data - 0.3 * box.grad
        path.append(box.data.copy())
    assert np.allclose(path[-1], truth.mean(axis=0), atol=1e-3)
    ious = box_iou(path[-1][None], truth)[0]
    pixels = np.array([width, height, width, height])
    true = [(own * pixels, WHITE) for own in truth]
    on_the_way = [(path[step] * pixels, SKY_BLUE) for step in (0, 3, 8)]
    panels = [
        Panel(with_boxes(image, 620, true), "Two animals, one answer", "white: the true boxes"),
        Panel(
            with_boxes(image, 620, [*true, *on_the_way, (path[-1] * pixels, ORANGE)]),
            "Where L2 pulls the four numbers",
            f"blue: on the way; orange: the end, IoU {ious[0]:.2f} and {ious[1]:.2f}",
        ),
    ]
    return board([panels])


def two_things() -> tuple[np.ndarray, dict]:
    """The first scene with two animals far apart."""
    scenes = Farmyard(200, (120, 180), seed=31, objects=(2, 2), only=("cow", "dog"))
    for index in range(len(scenes)):
        image, target = scenes[index]
        boxes = target["boxes"]
        if len(boxes) == 2 and target["area"].min() > 700:
            apart = abs(boxes[0, [0, 2]].mean() - boxes[1, [0, 2]].mean())
            if apart > 80:
                return image, target
    raise LookupError("no scene has two animals that are far apart")
