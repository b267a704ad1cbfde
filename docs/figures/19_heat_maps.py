"""Joints as heat maps: a joint is one cell of many; a mean of two guesses is no guess."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sheet import Sheet, cells, photo

from minicv import functional as F
from minicv.data import Farmyard
from minicv.inspection import overlay_heatmap
from minicv.inspection.keypoints import LSP_SKELETON, paint_keypoints
from minicv.inspection.palette import (
    BLUE,
    GREY,
    ORANGE,
    REDDISH_PURPLE,
    SKY_BLUE,
    VERMILLION,
    WHITE,
    Colour,
)
from minicv.vision import heatmaps_to_keypoints, joint_positions

SIZE = 56  # cells of a map, each way
SIDE = 6  # pixels of a cell on the sheet
JOINTS = Farmyard.joint_names
SHOWN = {"head top": ORANGE, "right wrist": SKY_BLUE, "left knee": REDDISH_PURPLE}
GRID = np.arange(SIZE)


def draw(out: Path) -> None:
    as_cells(out / "19_heat_maps.png")
    two_guesses(out / "19_heat_maps_two_guesses.png")


def person() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A drawn person: the region's pixels (3, h, w), its box (4,) and its joints (14, 3)."""
    image, target = Farmyard(1, (360, 360), seed=11, objects=(1, 1), only=("person",))[0]
    x1, y1, x2, y2 = (int(v) for v in target["boxes"][0])
    return image[:, y1:y2, x1:x2], target["boxes"][0], target["keypoints"][0]


def hill(row: int, column: int, height: float, width: float) -> np.ndarray:
    """Logits (56, 56) that fall off around a cell."""
    far = (GRID[:, None] - row) ** 2 + (GRID[None] - column) ** 2
    return (height * np.exp(-far / (2 * width**2))).astype(np.float32)


def shares_of(logits: np.ndarray) -> np.ndarray:
    """The softmax over all cells."""
    return F.softmax(logits.reshape(1, -1), dim=1).data.reshape(logits.shape)


def as_cells(path: Path) -> None:
    """The region as the head sees it, the targets of three joints, and joints found from maps."""
    part, box, joints = person()
    positions, valid = joint_positions(joints[None], box[None], SIZE)
    rows, columns = np.divmod(positions[0], SIZE)
    logits = np.stack([hill(r, c, 8, 3) for r, c in zip(rows, columns, strict=True)])
    found, _ = heatmaps_to_keypoints(logits[None], box[None])
    distance = np.hypot(*(found[0, :, :2] - joints[:, :2])[valid[0]].T)
    side = SIZE * SIDE
    square = photo(part, side).resize((side, side))
    sheet = Sheet(1000)
    sheet.write(0, 4, "the region, square", 30)
    region = sheet.place(square, 0, 54)
    second = 500
    for number, (name, colour) in enumerate(SHOWN.items(), start=1):
        j, x = JOINTS.index(name), number * 354
        target = np.zeros((SIZE, SIZE))
        target[rows[j], columns[j]] = 1
        sheet.write(x, 4, name, 30)
        place = sheet.place(cells(target, SIDE, 0, 1), x, 54)
        ring(sheet, place, rows[j], columns[j], colour)
        ring(sheet, region, rows[j], columns[j], colour)
        map_on_region = overlay_heatmap(square, shares_of(logits[j]))
        sheet.place(map_on_region, x, second)
    note = f"The targets: one cell of {SIZE} x {SIZE} for each joint."
    sheet.write(354, 54 + side + 14, note, 26, GREY)
    sheet.write(0, second - 50, "joints at the peaks", 30)
    wide, high = side / part.shape[2], side / part.shape[1]
    at = found.copy()
    at[..., :2] = (at[..., :2] - box[:2].astype(int)) * (wide, high)
    sheet.place(paint_keypoints(square, 1, at, LSP_SKELETON), 0, second)
    note = (
        "Lower row: maps as a network might give them, drawn around the targets. Their peaks "
        f"are {distance.mean():.1f} pixels from the joints on average, for a cell is "
        f"{(box[2] - box[0]) / SIZE:.1f} pixels wide and {(box[3] - box[1]) / SIZE:.1f} high."
    )
    sheet.write(0, second + side + 14, note, 26, GREY, width=1390)
    sheet.save(path)


def ring(sheet: Sheet, corner: tuple, row: int, column: int, colour: Colour) -> None:
    """A circle around a cell that would be overlooked."""
    x, y = corner[0] + (column + 0.5) * SIDE, corner[1] + (row + 0.5) * SIDE
    turn = np.linspace(0, 2 * np.pi, 40)
    points = [(x + 20 * np.cos(a), max(corner[1], y + 20 * np.sin(a))) for a in turn]
    sheet.canvas.line(points, WHITE, 8)
    sheet.canvas.line(points, colour, 5)


def two_guesses(path: Path) -> None:
    """A joint that may be in two places: the mean lies between, the peak decides."""
    part, box, joints = person()
    positions, _ = joint_positions(joints[None], box[None], SIZE)
    rows, columns = np.divmod(positions[0], SIZE)
    left, right = (JOINTS.index(f"{side} wrist") for side in ("left", "right"))
    logits = hill(rows[right], columns[right], 10, 3) + hill(rows[left], columns[left], 9.8, 3)
    shares = shares_of(logits)
    mean = np.array([(shares.sum(axis=axis) * (GRID + 0.5)).sum() for axis in (0, 1)])  # x, y
    peak, _ = heatmaps_to_keypoints(logits[None, None], box[None])
    side = 9 * SIZE
    picture = photo(part, side).resize((side, side))
    sheet = Sheet(620)
    sheet.write(0, 4, "a map with two peaks", 32)
    sheet.place(cells(shares, 9), 0, 56)
    sheet.write(540, 4, "the same on the region", 32)
    corner = np.array(sheet.place(picture, 540, 56)[:2])
    on_region = (peak[0, 0, :2] - box[:2]) / (box[2:] - box[:2])
    places = ((mean / SIZE, VERMILLION), (on_region, BLUE))
    for place, colour in places:
        sheet.canvas.disc(corner + place * side, 20, WHITE)
        sheet.canvas.disc(corner + place * side, 15, colour)
    sheet.write(1080, 90, "Red: the mean over the map.", 28, VERMILLION, width=310)
    note = "It is what regression by L2 learns where the network cannot tell which wrist it is."
    sheet.write(1080, 170, note, 28, width=310)
    sheet.write(1080, 380, "Blue: the peak.", 28, BLUE, width=310)
    sheet.write(1080, 424, "It is one of the two wrists.", 28, width=310)
    sheet.save(path)
