"""A YOLO label file: a line for each object, in fractions of the picture.

``class cx cy w h`` is a box by its centre and size. Longer lines are of YOLO's other tasks, and a
box is made of them: ``class x y x y x y ...`` is an outline, and ``class cx cy w h`` followed by x,
y and visibility of each joint is a pose. All three are described at docs.ultralytics.com/datasets.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minicv.data.checks import clip_to_picture
from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError
from minicv.data.text_files import read_text

READER = "YoloDetection"
ROUNDING = 1e-3  # fractions are written with a few digits, so a box may reach out by so much
MOST_CLASSES = 1_000_000  # a larger number is no class
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class YoloBox:
    """An object of a label file.

    Attributes:
        index: number of its class.
        corners: x1, y1, x2, y2 in fractions of the picture, within it.
        line: number of its line.
    """

    index: int
    corners: tuple[float, float, float, float]
    line: int


def read_label_file(path: Path, joint_numbers: int, faults: Faults) -> list[YoloBox]:
    """The boxes of a label file; what is wrong is noted, and its line left out.

    Args:
        path: the file.
        joint_numbers: how many numbers of joints follow the box, as data.yaml says; 0 for none.
        faults: takes what is wrong.
    """
    try:
        text = read_text(path, READER)
    except AnnotationError as error:
        faults.error("damaged file", path, str(error).split(": ", 1)[1])
        return []
    boxes: dict[tuple[int, tuple[float, float, float, float]], YoloBox] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        where = f"line {number}"
        try:
            index, values = _numbers(words)
            corners, confidence = _corners(values, joint_numbers)
        except AnnotationError as error:
            faults.error("wrong value", path, f"{where}: {error}")
            continue
        if confidence:
            what = f"{where} has a sixth number, the score that a model gives"
            faults.repaired("predictions as labels", path, what, "taken as labels")
        x1, y1, x2, y2 = corners
        box, wrong = clip_to_picture(corners, 1, 1, ROUNDING)
        if wrong:
            flat = x2 <= x1 or y2 <= y1
            faults.repaired(
                "box without area" if flat else "box outside of its picture",
                path,
                f"{where} reaches from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}), in fractions",
                "dropped" if box is None else "clipped",
            )
        if box is None:
            continue
        found = YoloBox(index, (*box.tolist(),), number)
        if boxes.setdefault((index, found.corners), found) is not found:
            what = f"{where} repeats line {boxes[index, found.corners].line}"
            faults.repaired("duplicate box", path, what, "dropped")
    return list(boxes.values())


def looks_like_labels(path: Path) -> bool:
    """Whether the first line of a text file is five numbers or more."""
    try:
        lines = (line.split() for line in read_text(path, READER).splitlines())
    except (AnnotationError, OSError):
        return False
    first = next((words for words in lines if words), [])
    return len(first) >= 5 and all(_NUMBER.fullmatch(word.replace(",", ".")) for word in first)


def _numbers(words: list[str]) -> tuple[int, list[float]]:
    """The class and the other numbers of a line."""
    values = []
    for word in words:
        # 0,5 as it is written in much of Europe; blanks part the numbers.
        text = word.replace(",", ".") if len(words) >= 5 and word.count(",") == 1 else word
        if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
            parted = "; blanks, not commas, part the numbers" if word.count(",") > 1 else ""
            raise AnnotationError(f"{word[:40]!r} is no number{parted}")
        values.append(float(text))
    if values[0] != int(values[0]) or not 0 <= values[0] < MOST_CLASSES:
        raise AnnotationError(f"the class is {words[0]!r}, expected 0, 1, 2 and so on")
    return int(values[0]), values[1:]


def _corners(
    values: list[float], joint_numbers: int
) -> tuple[tuple[float, float, float, float], bool]:
    """x1, y1, x2, y2 of a line's numbers behind the class; and whether a score follows.

    Raises:
        AnnotationError: the numbers are no fractions, or so many that they mean nothing.
    """
    count = len(values)
    outline = count >= 6 and count % 2 == 0 and not _is_pose(values, joint_numbers)
    box_alone = count in (4, 5) or (count > 5 and _is_pose(values, joint_numbers))
    if not outline and not box_alone:
        raise AnnotationError(
            f"it has {count} numbers behind the class, expected the four of a box (cx cy w h), or "
            "an even number, six or more, of an outline (x y x y ...)"
        )
    fractions = values if outline else values[:4]
    largest, smallest = max(fractions), min(fractions)
    if largest > 1 + ROUNDING:
        pixels = "; they look like pixels: divide by width and height" if largest > 2 else ""
        raise AnnotationError(
            f"it holds {largest:g}, expected fractions of the picture, 0 to 1{pixels}"
        )
    if outline:
        points = np.array(fractions).reshape(-1, 2)
        (x1, y1), (x2, y2) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        if smallest < -ROUNDING:
            raise AnnotationError(f"it holds {smallest:g}, expected fractions of the picture")
        return (x1, y1, x2, y2), False
    cx, cy, w, h = fractions
    if min(cx, cy) < -ROUNDING:
        raise AnnotationError(
            f"the centre is ({cx:g}, {cy:g}), expected fractions of the picture, 0 to 1"
        )
    if count == 5 and not 0 <= values[4] <= 1:
        raise AnnotationError(
            f"it has a sixth number, {values[4]:g}, expected none; boxes that are turned by an "
            "angle are not read"
        )
    return (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2), count == 5


def _is_pose(values: list[float], joint_numbers: int) -> bool:
    """Whether joints follow the box: as many numbers as data.yaml says, or else by their values.

    Each joint is x, y and a visibility 0, 1 or 2. An outline has no 2; and where every third number
    of it happens to be 0 or 1, the first four are no box around the rest.
    """
    joints = values[4:]
    if joint_numbers:
        return len(joints) == joint_numbers
    seen = joints[2::3]
    if not joints or len(joints) % 3 or not set(seen) <= {0.0, 1.0, 2.0}:
        return False
    cx, cy, w, h = values[:4]
    fits = (
        (abs(x - cx) <= 0.6 * w and abs(y - cy) <= 0.6 * h) if visible else (x, y) == (0, 0)
        for x, y, visible in zip(joints[::3], joints[1::3], seen, strict=True)
    )
    return 2.0 in seen or len(values) % 2 == 1 or all(fits)
