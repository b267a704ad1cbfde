"""R-CNN: regions warped to squares, offsets, hard negatives, suppression, average precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from sheet import Sheet, farm, paler, photo, shifted

from minicv.data import Farmyard
from minicv.inspection.canvas import Canvas, to_picture
from minicv.inspection.palette import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE,
    VERMILLION,
    WHITE,
    class_colour,
    mix,
)
from minicv.metrics import voc_average_precision
from minicv.training.svms import HardNegativeMiner
from minicv.vision import box_iou, nms
from minicv.vision.boxes import decode_boxes, encode_boxes
from minicv.vision.linear_models import LinearSVM
from minicv.vision.warp import warp_boxes

CLASSES = Farmyard.classes


def draw(out: Path) -> None:
    warping(out / "13_rcnn.png")
    offsets(out / "13_rcnn_offsets.png")
    mining(out / "13_rcnn_mining.png")
    suppression(out / "13_rcnn_nms.png")
    average_precision(out / "13_rcnn_average_precision.png")


def warping(path: Path) -> None:
    """Three regions on their way to squares, and what each square goes through."""
    image, target = farm()
    chosen = some_boxes(target["boxes"])
    size, context, scale = 112, 8, 2.0
    crops = 0.5 + warp_boxes(image - 0.5, chosen, size, context)  # beyond the image: grey
    sheet = Sheet(640)
    sheet.write(0, 4, "regions of the image", 32)
    corner = (0, 56)
    sheet.place(photo(image, round(320 * scale)), *corner)
    sheet.write(720, 4, "warped", 32)
    sheet.write(1010, 4, "the same network for each", 32)
    inner = context / size * 168
    for row, (box, crop) in enumerate(zip(chosen, crops, strict=True)):
        colour = class_colour(row)
        where = shifted(box, corner, scale)
        sheet.canvas.outline(where, colour, 5)
        sheet.tag(where[0], where[1] + 36, str(row + 1), colour, 28)
        y = 56 + row * 194
        place = sheet.place(to_picture(crop).resize((168, 168), Image.Resampling.BICUBIC), 720, y)
        x1, y1, x2, y2 = place
        sheet.canvas.outline((x1 + inner, y1 + inner, x2 - inner, y2 - inner), colour, 4)
        sheet.arrow((902, y + 84), (990, y + 84))
        sheet.block((1006, y + 34, 1150, y + 134), "ConvNet", BLUE)
        sheet.arrow((1160, y + 70), (1216, y + 50))
        sheet.arrow((1160, y + 98), (1216, y + 118))
        sheet.block((1230, y + 22, 1400, y + 78), "SVMs", paler(ORANGE), 26, INK)
        sheet.block((1230, y + 90, 1400, y + 146), "box offsets", paler(ORANGE), 26, INK)
    sheet.write(
        0,
        56 + 480 + 14,
        "The colour marks the region itself; around it is context, an even frame after the warp.",
        25,
        GREY,
        width=640,
    )
    sheet.save(path)


def some_boxes(truth: np.ndarray) -> np.ndarray:
    """Three regions near objects, of different shapes: the widest, the highest, the smallest."""
    wide, high = (truth[:, 2:] - truth[:, :2]).T
    order = [int(np.argmax(wide / high)), int(np.argmin(wide / high))]
    rest = [i for i in np.argsort(wide * high).tolist() if i not in order]
    order.append(rest[0] if rest else order[0])
    moved = truth[order].copy()
    moved += np.float32([[-4, -3, 6, 2], [-3, -4, 2, 3], [-2, -2, 3, 2]])
    return moved


def offsets(path: Path) -> None:
    """A proposal, its object, and the four numbers between them."""
    image, target = farm()
    truth = target["boxes"][
        int(np.argmax((target["boxes"][:, 2:] - target["boxes"][:, :2]).prod(1)))
    ]
    wide, high = truth[2:] - truth[:2]
    proposal = truth + np.float32([-0.22 * wide, -0.12 * high, -0.26 * wide, 0.2 * high])
    dx, dy, dw, dh = encode_boxes(truth[None], proposal[None])[0].tolist()
    scale = 1.9
    sheet = Sheet(480)
    sheet.place(photo(image, round(320 * scale)), 0, 10)
    t, p = (shifted(box, (0, 10), scale) for box in (truth, proposal))
    sheet.dashed(p, VERMILLION, 5)
    sheet.canvas.outline(t, BLUE, 5)
    centres = [((b[0] + b[2]) / 2, (b[1] + b[3]) / 2) for b in (p, t)]
    sheet.canvas.disc(centres[0], 8, VERMILLION)
    sheet.canvas.disc(centres[1], 8, BLUE)
    sheet.arrow(*centres, colour=WHITE, width=5)
    x = 660
    y = sheet.write(x, 16, "red, dashed: the proposal (centre P, size w, h)", 28, VERMILLION)
    y = sheet.write(x, y + 4, "blue: the object (centre G)", 28, BLUE)
    y += 22
    for name, formula, value in (
        ("dx", "(Gx - Px) / w", dx),
        ("dy", "(Gy - Py) / h", dy),
        ("dw", "log(width of the object / w)", dw),
        ("dh", "log(height of the object / h)", dh),
    ):
        sheet.write(x, y, f"{name} = {formula}", 30)
        sheet.write(1330, y, f"{value:+.3f}", 30, INK, "right")
        y += 52
    moved = decode_boxes(np.array([[dx, dy, dw, dh]]), proposal[None])
    before, after = box_iou(truth[None], np.concatenate([proposal[None], moved]))[0]
    sheet.write(
        x,
        y + 16,
        f"IoU {before:.2f} before, {after:.2f} after a move by exactly these four. "
        "They do not depend on the size of the picture, so one regressor serves all sizes.",
        26,
        GREY,
        width=730,
    )
    sheet.save(path)


def mining(path: Path) -> None:
    """A miner in the plane: what the SVM is after one image, and after all of them."""
    rng = np.random.default_rng(3)
    positives = rng.normal((1.4, 1.2), 0.55, (40, 2))
    images = [rng.normal((-1.2, -1.0), 1.1, (count, 2)) for count in (40, *[400] * 7)]
    images = [own[own.sum(axis=1) < 1.6] for own in images]
    miner = HardNegativeMiner(positives, c=1.0, retrain_after=20, bias_feature=10.0)
    seen, moments = np.zeros((0, 2)), []
    for number, own in enumerate(images):
        miner.offer(own)
        seen = np.concatenate([seen, own])
        if number in (0, len(images) - 1):
            moments.append((seen, miner.finish(), miner.held))
    sheet = Sheet(860)
    titles = ("after the first image", "after eight images")
    for column, (title, (so_far, svm, held)) in enumerate(zip(titles, moments, strict=True)):
        x = column * 720
        sheet.write(x, 4, title, 32)
        sheet.place(plane(so_far, positives, svm), x, 54)
        sheet.write(x, 684, f"{len(so_far):,} pieces of background seen, {held} held", 28)
    note = (
        "Blue: the class. Red: background within the margin or beyond the line. Grey: background "
        "beyond the margin, of which little is held. The line is f = 0, the dashes f = 1 and -1."
    )
    sheet.write(0, 740, note, 25, GREY, width=1390)
    sheet.save(path)


def plane(seen: np.ndarray, positives: np.ndarray, svm: LinearSVM, side: int = 660) -> Image.Image:
    """Points of the plane from -4 to 4, and the SVM's line with its margins."""
    canvas = Canvas(Image.new("RGB", (side, 620), WHITE))

    def at(point: np.ndarray) -> tuple[float, float]:
        return (point[0] + 4) / 8 * side, 620 - (point[1] + 3.6) / 7.2 * 620

    hard = svm.scores(seen) > -1.0
    for point in seen[~hard]:
        canvas.disc(at(point), 4, (*GREY, 110))
    for point in positives:
        canvas.disc(at(point), 6, BLUE)
    for point in seen[hard]:
        canvas.disc(at(point), 6, VERMILLION)
    normal = svm.weight / (svm.weight @ svm.weight)
    along = np.array([-svm.weight[1], svm.weight[0]]) / np.linalg.norm(svm.weight)
    for level in (-1, 0, 1):
        foot = normal * (level - svm.bias)
        steps = np.linspace(-8, 8, 80)
        if level == 0:
            canvas.line([at(foot - 8 * along), at(foot + 8 * along)], INK, 4)
            continue
        for start, end in zip(steps[::2], steps[1::2], strict=False):
            canvas.line([at(foot + start * along), at(foot + end * along)], INK, 2.5)
    return canvas.finish()


def jittered(
    truth: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes around each true box, as a detector gives them, and scores that favour good ones."""
    sides = np.tile(truth[:, 2:] - truth[:, :2], 2)
    boxes = np.repeat(truth, count, axis=0)
    boxes = boxes + np.repeat(sides, count, axis=0) * rng.normal(0, 0.09, boxes.shape)
    quality = box_iou(boxes.astype(np.float32), truth.astype(np.float32)).max(axis=1)
    scores = np.clip(quality + rng.normal(0, 0.06, len(boxes)), 0.05, 0.99)
    return boxes.astype(np.float32), scores


def suppression(path: Path) -> None:
    """Many boxes for a few objects, and those that suppression leaves."""
    image, target = farm()
    boxes, scores = jittered(target["boxes"], 8, np.random.default_rng(5))
    kept = nms(boxes, scores, 0.3)
    sheet = Sheet(720)
    scale = 680 / 320
    for column, (title, shown) in enumerate(
        ((f"before: {len(boxes)} boxes", np.argsort(scores)), (f"after: {len(kept)}", kept[::-1]))
    ):
        x = column * 720
        sheet.write(x, 4, title, 32)
        sheet.place(photo(image, 680), x, 56)
        for i in shown.tolist():
            where = shifted(boxes[i], (x, 56), scale)
            label = int(box_iou(boxes[i : i + 1], target["boxes"]).argmax())
            colour = class_colour(label)
            sheet.canvas.outline(where, colour, 3 if column == 0 else 5)
            if column:
                sheet.tag(where[0], where[1] + 34, f"{scores[i]:.2f}", colour)
    cows = target["boxes"][target["labels"] == CLASSES.index("cow")]
    overlap = box_iou(cows, cows)[0, 1]
    note = (
        "Suppression at an IoU of 0.3: the best box stays, and all that overlap it by more go; "
        f"then the best of the rest. The true boxes of the two cows overlap by {overlap:.2f}, so "
        "one cow is lost."
    )
    sheet.write(0, 584, note, 25, GREY, width=1390)
    sheet.save(path)


def average_precision(path: Path) -> None:
    """A ranking of ten detections and its precision-recall curve."""
    truth = np.array([[20.0 * k, 0, 20 * k + 10, 10] for k in range(5)], np.float32)
    right = [1, 1, 0, 1, 0, 1, 0, 0, 1, 0]
    boxes, found = [], 0
    for hit in right:
        boxes.append(truth[found] if hit else [300 + 20 * len(boxes), 0, 310 + 20 * len(boxes), 10])
        found += hit
    scores = np.linspace(0.95, 0.32, len(right))
    result = voc_average_precision(
        [{"boxes": np.array(boxes, np.float32), "scores": scores, "labels": np.zeros(10, int)}],
        [{"boxes": truth, "labels": np.zeros(5, int)}],
    )
    recall, precision = result.recall[0], result.precision[0]
    sheet = Sheet(600)
    sheet.write(0, 4, "detections, best first; five objects to find", 30)
    heads = (0, 150, 330, 500)
    for x, head in zip(heads, ("score", "right?", "precision", "recall"), strict=True):
        sheet.write(x, 54, head, 26, GREY)
    for row in range(10):
        y = 94 + row * 47
        if right[row]:
            sheet.canvas.fill((-4, y - 5, 620, y + 39), mix(BLUE, WHITE, 0.82))
        sheet.write(heads[0] + 4, y, f"{scores[row]:.2f}", 28)
        sheet.write(
            heads[1], y, "yes" if right[row] else "no", 28, BLUE if right[row] else VERMILLION
        )
        sheet.write(heads[2], y, f"{precision[row]:.2f}", 28)
        sheet.write(heads[3], y, f"{recall[row]:.1f}", 28)
    left, top, right_edge, bottom = 790, 100, 1380, 500

    def at(r: float, p: float) -> tuple[float, float]:
        return left + r * (right_edge - left), bottom - p * (bottom - top)

    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    before = 0.0
    for r, p in zip(recall, envelope, strict=True):
        sheet.canvas.fill((*at(before, p), *at(r, 0)), mix(ORANGE, WHITE, 0.55))
        before = r
    for value in (0, 0.5, 1):
        sheet.canvas.line([at(0, value), at(1, value)], PALE, 2)
        sheet.canvas.text((left - 14, at(0, value)[1]), f"{value:g}", 26, GREY, "rm")
        sheet.canvas.text((at(value, 0)[0], bottom + 12), f"{value:g}", 26, GREY, "ma")
    sheet.canvas.line(
        [at(0, 1), *(at(r, p) for r, p in zip(recall, precision, strict=True))], BLUE, 4
    )
    for r, p in zip(recall, precision, strict=True):
        sheet.canvas.disc(at(r, p), 8, BLUE)
    sheet.write(left, 4, f"area: average precision {result.mean_area:.2f}", 30)
    sheet.write((left + right_edge) / 2, bottom + 50, "recall", 26, GREY, "centre")
    sheet.write(left - 30, top - 46, "precision", 26, GREY)
    sheet.save(path)
