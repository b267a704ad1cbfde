"""Mask R-CNN: what pooling and aligning read, and masks of few cells stretched over their box."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from sheet import Sheet, cells, farm, photo, shifted

from minicv import functional as F
from minicv.functional.pooling_windows import adaptive_bins
from minicv.inspection.palette import BLACK, BLUE, GREY, ORANGE, VERMILLION, WHITE
from minicv.inspection.roi_grids import rounded_box, sample_points
from minicv.vision import mask_iou, mask_targets, paste_masks

STRIDE = 16


def draw(out: Path) -> None:
    pool_or_align(out / "18_mask_rcnn.png")
    stretched(out / "18_mask_rcnn_28.png")
    coarse(out / "18_mask_rcnn_sizes.png")


def the_object(target: dict) -> int:
    """The largest object of the scene."""
    return int(target["masks"].sum(axis=(1, 2)).argmax())


def pool_or_align(path: Path) -> None:
    """One box on one map: the cells that RoI pooling reads, the points that RoIAlign reads."""
    _, target = farm()
    index = the_object(target)
    mask, box = target["masks"][index], target["boxes"][index]
    covered = F.avg_pool2d(mask[None, None].astype(np.float32), STRIDE).data[0, 0]  # (15, 20)
    x1, y1, x2, y2 = (box / STRIDE).tolist()
    rounded = rounded_box((x1, y1, x2, y2))
    left, top = max(0, int(min(x1, rounded[0])) - 1), max(0, int(min(y1, rounded[1])) - 1)
    right, bottom = min(20, rounded[2] + 1), min(15, rounded[3] + 1)
    part = covered[top:bottom, left:right]
    side = min(640 // part.shape[1], 560 // part.shape[0])
    sheet = Sheet(54 + part.shape[0] * side + 150)
    bins = 3
    moved = max(abs(a - b) for a, b in zip(rounded, (x1, y1, x2, y2), strict=True)) * STRIDE
    notes = (
        f"The box is rounded to whole cells: an edge moves by up to {moved:.0f} pixels. Each bin "
        "takes the greatest value of its cells.",
        "The box stays where it is. Each bin is the mean of four samples, interpolated between "
        "the middles of cells.",
    )
    for number, (name, note) in enumerate(zip(("RoI pooling", "RoIAlign"), notes, strict=True)):
        x = number * 720
        sheet.write(x, 4, name, 32)
        corner = sheet.place(cells(part, side, 0, 1), x, 54)[:2]
        for column in range(1, part.shape[1]):
            at = x + column * side
            sheet.canvas.line(((at, 54), (at, 54 + part.shape[0] * side)), (*BLACK, 70), 1.5)
        for row in range(1, part.shape[0]):
            at = 54 + row * side
            sheet.canvas.line(((x, at), (x + part.shape[1] * side, at)), (*BLACK, 70), 1.5)

        def on_sheet(own: tuple, corner: tuple = corner) -> tuple:
            moved_box = np.subtract(own, (left, top, left, top))
            return shifted(moved_box, corner, side)

        if number == 0:
            for i, down in enumerate(adaptive_bins(rounded[3] - rounded[1], bins)):
                for j, across in enumerate(adaptive_bins(rounded[2] - rounded[0], bins)):
                    one = on_sheet((rounded[0] + across.start, rounded[1] + down.start,
                                    rounded[0] + across.stop, rounded[1] + down.stop))  # fmt: skip
                    inset = 6 + 6 * ((i + j) % 2)
                    inner = (one[0] + inset, one[1] + inset, one[2] - inset, one[3] - inset)
                    sheet.canvas.frame(inner, VERMILLION, 4)
            sheet.canvas.frame(on_sheet(rounded), VERMILLION, 7)
        else:
            edges_x, edges_y = np.linspace(x1, x2, bins + 1), np.linspace(y1, y2, bins + 1)
            for k in range(1, bins):
                a, b = (
                    on_sheet((edges_x[k], y1, edges_x[k], y2)),
                    on_sheet((x1, edges_y[k], x2, edges_y[k])),
                )
                for line in (a, b):
                    sheet.canvas.line((line[:2], line[2:]), (*BLACK, 120), 5)
                    sheet.canvas.line((line[:2], line[2:]), WHITE, 2.5)
            for px in sample_points(x1, x2, bins, 2).ravel():
                for py in sample_points(y1, y2, bins, 2).ravel():
                    place = on_sheet((px, py, px, py))[:2]
                    sheet.canvas.disc(place, 9, BLACK)
                    sheet.canvas.disc(place, 6.5, ORANGE)
        sheet.canvas.outline(on_sheet((x1, y1, x2, y2)), WHITE, 5)
        sheet.write(x, 54 + part.shape[0] * side + 14, note, 26, GREY, width=660)
    sheet.save(path)


def stretched(path: Path) -> None:
    """From the true mask to 28 x 28 cells, and back into the box."""
    image, target = farm()
    index = the_object(target)
    mask, box = target["masks"][index], target["boxes"][index]
    grid = mask_targets(mask[None], np.array([0]), box[None], 28)[0]
    pasted = paste_masks(grid[None], box[None], *mask.shape)[0]
    iou = float(mask_iou(mask[None], pasted[None])[0, 0])
    x1, y1 = (max(0, int(v) - 12) for v in box[:2])
    x2, y2 = int(box[2]) + 12, int(box[3]) + 12
    scale = min(430 / (x2 - x1), 400 / (y2 - y1))
    part = image[:, y1:y2, x1:x2]
    wide = round(part.shape[2] * scale)
    true_part = photo(tinted(part, mask[y1:y2, x1:x2]), wide)
    pasted_part = photo(tinted(part, pasted[y1:y2, x1:x2]), wide)
    sheet = Sheet(560)
    beside = 60 + (392 - true_part.height) // 2
    corner = sheet.place(true_part, 0, beside)[:2]
    sheet.write(0, 8, "the true mask, in its box", 30)
    sheet.canvas.outline(
        shifted(box, np.subtract(corner, np.multiply((x1, y1), scale)), scale), WHITE, 4
    )
    sheet.arrow((452, 256), (500, 256), width=6, head=22)
    sheet.write(512, 8, "28 x 28 cells", 30)
    sheet.place(cells(grid, 14, 0, 1), 512, 60)
    sheet.arrow((914, 256), (960, 256), width=6, head=22)
    sheet.write(968, 8, "stretched over the box", 30)
    corner = sheet.place(pasted_part, 968, beside)[:2]
    sheet.canvas.outline(
        shifted(box, np.subtract(corner, np.multiply((x1, y1), scale)), scale), WHITE, 4
    )
    sheet.write(968, 60 + 392 + 12, f"IoU with the true mask {iou:.2f}", 28)
    sheet.write(512, 60 + 392 + 12, "bright: covered by the object", 26, GREY)
    sheet.save(path)


def tinted(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The image with a mask in orange."""
    colour = np.array(ORANGE, np.float32)[:, None, None] / 255
    return np.where(mask, 0.45 * image + 0.55 * colour, image).astype(np.float32)


def coarse(path: Path) -> None:
    """What is left of the mask with 7, 14, 28 and 56 cells a side."""
    _, target = farm()
    index = the_object(target)
    mask, box = target["masks"][index], target["boxes"][index]
    x1, y1 = (max(0, int(v) - 4) for v in box[:2])
    x2, y2 = int(box[2]) + 4, int(box[3]) + 4
    scale = min(320 / (x2 - x1), 320 / (y2 - y1))
    sheet = Sheet(56 + round((y2 - y1) * scale) + 60)
    for number, size in enumerate((7, 14, 28, 56)):
        x = number * 354
        grid = mask_targets(mask[None], np.array([0]), box[None], size)
        pasted = paste_masks(grid, box[None], *mask.shape)[0]
        iou = float(mask_iou(mask[None], pasted[None])[0, 0])
        colours = np.full((*mask.shape, 3), 255, np.uint8)
        colours[mask & pasted] = BLUE
        colours[pasted & ~mask] = ORANGE
        colours[mask & ~pasted] = VERMILLION
        picture = Image.fromarray(colours[y1:y2, x1:x2])
        size_of = (round((x2 - x1) * scale), round((y2 - y1) * scale))
        sheet.write(x, 4, f"{size} x {size}: IoU {iou:.2f}", 30)
        sheet.place(picture.resize(size_of, Image.Resampling.NEAREST), x, 54)
    y = 54 + round((y2 - y1) * scale) + 12
    sheet.write(0, y, "blue: right; orange: too much; red: missing", 26, GREY)
    sheet.save(path)
