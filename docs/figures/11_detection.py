"""Detection: how many numbers describe a scene, what a window is asked, what IoU measures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sheet import TEXT, Sheet, farm, photo, pixels, shifted

from minicv.data import Farmyard
from minicv.inspection.palette import BLUE, GREY, ORANGE, VERMILLION, class_colour
from minicv.proposals import SlidingWindow
from minicv.vision import box_iou
from minicv.vision.matching import Matcher
from minicv.vision.warp import warp_boxes

CLASSES = Farmyard.classes
WORDS = ("no", "one", "two", "three", "four", "five")
LATTICE = SlidingWindow(sizes=(64.0, 96.0, 128.0), step=0.2)


def draw(out: Path) -> None:
    how_many_numbers(out / "11_detection.png")
    windows(out / "11_detection_windows.png")
    overlaps(out / "11_detection_iou.png")


def how_many_numbers(path: Path) -> None:
    """Three scenes, and how many numbers say where their objects are."""
    side, gap, top = 440, 40, 60
    sheet = Sheet(top + 330 + 120)
    for column, (placed, seed) in enumerate(((1, 3), (2, 4), (5, 5))):
        image, target = Farmyard(1, (180, 240), seed=seed, objects=(placed, placed))[0]
        x, scale = column * (side + gap), side / 240
        count = len(target["boxes"])
        sheet.write(x, 6, f"{WORDS[count]} object{'s' * (count > 1)}", 32)
        sheet.place(photo(image, side), x, top)
        for box, label in zip(target["boxes"], target["labels"], strict=True):
            where = shifted(box, (x, top), scale)
            sheet.canvas.outline(where, class_colour(label), 4)
        y = top + 330 + 14
        sheet.write(x, y, f"{count} x 4 = {4 * count} numbers for boxes,", TEXT)
        sheet.write(x, y + 38, f"and {count} class{'es' * (count > 1)}", TEXT)
    sheet.save(path)


def windows(path: Path) -> None:
    """Windows of the lattice, and what a classifier with a background class should answer."""
    image, target = farm()
    truth = target["boxes"]
    scale = 2.2
    every, _ = LATTICE.propose(image, np.random.default_rng(0))
    chosen = windows_to_show(every, truth)
    matches = Matcher(0.5, 0.4)(truth, chosen)
    sheet = Sheet(760)
    corner = (0, 60)
    sheet.write(0, 6, f"five of {len(every):,} windows", 32)
    sheet.place(photo(image, round(320 * scale)), *corner)
    crops = warp_boxes(image, chosen, 32, context=0)
    sheet.write(760, 6, "each stretched to 32 x 32 pixels", 32)
    for row, (window, crop) in enumerate(zip(chosen, crops, strict=True)):
        colour = class_colour(row)
        where = shifted(window, corner, scale)
        sheet.canvas.outline(where, colour, 5)
        sheet.tag(where[0], where[1] + 36, str(row + 1), colour, 28)
        y = 60 + row * 136
        sheet.place(pixels(crop, 128), 760, y, colour)
        sheet.arrow((900, y + 64), (966, y + 64))
        name = CLASSES[int(target["labels"][matches.target_index[row]])]
        answer = name if matches.label[row] > 0 else "background"
        if matches.label[row] < 0:
            answer = "neither: left out"
        sheet.write(985, y + 24, f"{row + 1}: {answer}", 32)
        overlap = f"greatest overlap {matches.iou[row]:.2f}, with a {name}"
        sheet.write(985, y + 68, overlap if matches.iou[row] else "overlaps nothing", 24, GREY)
    sheet.write(
        0,
        610,
        "The answer that training asks for is the class of the object that the window "
        "overlaps most, if the overlap is 0.5 or more; below 0.4 it is background.",
        26,
        GREY,
        width=700,
    )
    sheet.save(path)


def windows_to_show(windows: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Five of the windows: two that fit an object, one between, two of background; (5, 4)."""
    overlaps = box_iou(windows, truth)  # (R, G)
    best = overlaps.max(axis=1)
    large = np.argsort(-(truth[:, 2:] - truth[:, :2]).prod(axis=1), kind="stable")[:2]
    fitting = overlaps[:, large].argmax(axis=0).tolist()
    between = int(np.flatnonzero((best > 0.43) & (best < 0.47))[0])
    touching = int(np.flatnonzero((best > 0.15) & (best < 0.25))[0])
    empty = int(np.flatnonzero(best == 0)[0])
    return windows[[*fitting, between, touching, empty]]


def overlaps(path: Path) -> None:
    """Four pairs of boxes and their intersection over union."""
    image, target = farm()
    largest = int(np.argmax((target["boxes"][:, 2:] - target["boxes"][:, :2]).prod(axis=1)))
    truth = target["boxes"][largest]
    wide = truth[2] - truth[0]
    left, top = int(truth[0]) - 6, int(truth[1]) - 8
    right, bottom = int(truth[2] + 0.58 * wide), int(truth[3]) + 8
    part = image[:, top:bottom, left:right]
    scale = 335 / part.shape[2]
    sheet = Sheet(520)
    for column, share in enumerate((0.54, 1 / 3, 0.1765, 0.0527)):
        moved = truth + np.float32([share * wide, 0, share * wide, 0])
        iou = float(box_iou(truth[None], moved[None])[0, 0])
        x, y = column * 355, 60
        corner = (x - left * scale, y - top * scale)
        sheet.place(photo(part, 335), x, y)
        a, b = (shifted(box, corner, scale) for box in (truth, moved))
        sheet.canvas.fill((b[0], b[1], a[2], a[3]), (*ORANGE, 130))
        sheet.canvas.frame(a, BLUE, 6)
        sheet.dashed(b, VERMILLION, 6)
        sheet.write(x, 4, f"IoU {iou:.2f}", 34)
    y = 60 + part.shape[1] * scale + 16
    note = (
        "Blue: the true box. Red, dashed: another box. Orange: what they share. The IoU is the "
        "shared area over the area that both cover together."
    )
    sheet.write(0, y, note, 26, GREY, width=1390)
    sheet.save(path)
