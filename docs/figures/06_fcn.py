"""What a coarse map can say at best, and how FCN-8s joins three of them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from board import Panel, board
from PIL import Image
from sheet import SMALL, TEXT, Sheet, paler

from minicv import Tensor, no_grad
from minicv import functional as F
from minicv.data import Farmyard
from minicv.inspection.canvas import to_picture
from minicv.inspection.label_maps import paint_label_map
from minicv.inspection.palette import BLUE, BLUISH_GREEN, GREY, INK, ORANGE
from minicv.metrics.segmentation import confusion_matrix, values_of_confusion
from minicv.models.backbones import SmallBackbone
from minicv.models.segmentation import FCN8s
from minicv.nn.initializers import bilinear_upsampling

STEM = Path(__file__).stem
CLASSES = Farmyard.segmentation_classes
SIDE = 128
SCENES, SHOWN = 20, 2


def draw(out: Path) -> None:
    draw_bounds().save(out / f"{STEM}_bounds.png")
    draw_skips().save(out / f"{STEM}_skips.png")


# --- the best that a coarse map can say --------------------------------------------------------


def best_at(truth: np.ndarray, stride: int) -> np.ndarray:
    """The label map from perfect scores of that stride: the shares of the classes in each cell,
    enlarged as FCN enlarges scores, and the largest taken. (H, W) -> (H, W)."""
    count = len(CLASSES)
    one_hot = (truth == np.arange(count)[:, None, None]).astype(np.float32)  # (K, H, W)
    scores = F.avg_pool2d(Tensor(one_hot[None]), stride)  # -> (1, K, H/s, W/s)
    weight = bilinear_upsampling((count, count, 2 * stride, 2 * stride))
    large = F.conv_transpose2d(scores, weight, stride=stride, padding=stride // 2)
    labels: np.ndarray = large.data[0].argmax(axis=0)
    return labels


def draw_bounds() -> Sheet:
    scenes = Farmyard(SCENES, (SIDE, SIDE), seed=21)
    truths = [scenes[i][1]["segmentation"] for i in range(SCENES)]
    image, truth = scenes[SHOWN][0], truths[SHOWN]
    colours = np.array(Farmyard.segmentation_colors)

    def shown(labels: np.ndarray) -> Image.Image:
        picture = paint_label_map(image, labels, colours)
        return picture.resize((400, 400), Image.Resampling.BICUBIC)

    panels = []
    for stride in (32, 16, 8):
        confusion = sum(confusion_matrix(best_at(t, stride), t, len(CLASSES)) for t in truths)
        note = f"at best, mean IoU {values_of_confusion(confusion).mean_iou:.2f}"
        panels.append(Panel(shown(best_at(truth, stride)), f"Scores of stride {stride}", note))
    picture = to_picture(image).resize((400, 400), Image.Resampling.BICUBIC)
    return board([[Panel(picture, "Image"), Panel(shown(truth), "Truth")], panels], top=True)


# --- the skips ---------------------------------------------------------------------------------


def draw_skips() -> Sheet:
    rng = np.random.default_rng(0)
    model = FCN8s(SmallBackbone(16, (8, 16, 32), rng=rng), CLASSES, rng=rng).eval()
    image, _ = Farmyard(1, (SIDE, SIDE), seed=21)[0]
    with no_grad():
        maps = model.backbone(Tensor(image[None]))
        at8, at16, at32 = (
            layer(map_)
            for layer, map_ in zip(
                (model.score_pool3, model.score_pool4, model.score_fr), maps, strict=True
            )
        )
        fused16 = model.upscore2(at32) + at16
        fused8 = model.upscore_pool4(fused16) + at8
        final = model.upscore8(fused8)
    assert final.shape[2:] == image.shape[1:]

    sheet = Sheet(690)
    sheet.write(60, 20, "What the backbone sees", TEXT, INK)
    sheet.write(440, 20, "Scores", TEXT, INK)
    sheet.write(760, 20, "Enlarged and added", TEXT, INK)
    rows = (84, 284, 484)
    tops = ("stride 8", "stride 16", "stride 32")
    for y, map_, score, name in zip(rows, maps, (at8, at16, at32), tops, strict=True):
        sheet.block(
            (60, y, 320, y + 100), f"{name}\n{size_of(map_)}", paler(BLUE, 0.75), SMALL, INK
        )
        sheet.block(
            (440, y, 640, y + 100), f"1x1 conv\n{size_of(score)}", paler(ORANGE, 0.65), SMALL, INK
        )
        sheet.arrow((324, y + 50), (434, y + 50))
    for y, below in pairwise(rows):
        sheet.arrow((190, y + 104), (190, below - 6))
    for y, fused in zip(rows[:2], (fused8, fused16), strict=True):
        centre = (820, y + 50)
        sheet.canvas.disc(centre, 34, paler(BLUISH_GREEN, 0.55))
        sheet.canvas.text(centre, "+", 44, INK, "mm")
        sheet.arrow((644, y + 50), (782, y + 50))
        sheet.canvas.text((870, y + 50), size_of(fused), SMALL, GREY, "lm")
    sheet.arrow((644, 534), (820, 534), (820, 374))
    sheet.canvas.text((836, 454), "x 2", TEXT, INK, "lm")
    sheet.arrow((820, 298), (820, 174))
    sheet.canvas.text((836, 236), "x 2", TEXT, INK, "lm")
    sheet.arrow((1010, 134), (1096, 134))
    sheet.canvas.text((1050, 118), "x 8", TEXT, INK, "mb")
    sheet.block((1102, 84, 1350, 184), f"scores\n{size_of(final)}", paler(ORANGE, 0.65), SMALL, INK)
    sheet.arrow((1010, 334), (1140, 334), (1140, 360), colour=paler(GREY, 0.3))
    sheet.write(1030, 370, "x 16 from here: FCN-16s", SMALL, GREY)
    sheet.arrow((824, 534), (1000, 534), colour=paler(GREY, 0.3))
    sheet.write(1010, 518, "x 32 from here: FCN-32s", SMALL, GREY)
    sheet.write(
        60,
        624,
        "Numbers are channels x height x width, for an image of 128 x 128 pixels.",
        SMALL,
        GREY,
    )
    return sheet


def size_of(x: Tensor) -> str:
    """Channels, height and width."""
    return " x ".join(map(str, x.shape[1:]))
