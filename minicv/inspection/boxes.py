"""Boxes drawn on an image: proposals by score, and boxes that have plates with names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from minicv.inspection.canvas import (
    Canvas,
    enlarged,
    line_width_for,
    shortened,
    text_size_for,
    text_width,
)
from minicv.inspection.heatmap import colour_map
from minicv.inspection.palette import BLACK, Colour, text_colour_on


def draw_proposals(
    image: np.ndarray,
    boxes: np.ndarray,
    scores: np.ndarray,
    most: int = 100,
    low: float | None = None,
    high: float | None = None,
) -> Image.Image:
    """The best boxes over the image in grey: bright and opaque for a high score, dark and faint
    for a low one, the best on top.

    Args:
        image: (3, H, W) floats in 0..1.
        boxes: (R, 4) pixels.
        scores: (R,) any numbers.
        most: how many boxes are drawn; more would hide the image.
        low, high: the ends of the colour scale; by default the least and greatest score drawn.

    Raises:
        ValueError: boxes are not (R, 4), or scores not (R,).

    >>> boxes = np.array([[10.0, 10.0, 40.0, 50.0]])
    >>> draw_proposals(np.zeros((3, 60, 512), np.float32), boxes, np.array([0.9])).size
    (512, 60)
    """
    boxes, scores = np.asarray(boxes), np.asarray(scores)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or scores.shape != (len(boxes),):
        raise ValueError(
            f"draw_proposals: expects boxes (R, 4) and a score for each, (R,), but boxes have "
            f"{boxes.shape} and scores {scores.shape}"
        )
    picture, factor = enlarged(image)
    canvas = Canvas(picture.convert("L"))
    width = line_width_for(picture)
    best = np.argsort(-scores, kind="stable")[:most]
    low = scores[best].min(initial=np.inf) if low is None else low
    high = scores[best].max(initial=-np.inf) if high is None else high
    for i in best[::-1]:
        share = min(1.0, max(0.0, float(scores[i] - low) / (high - low))) if high > low else 1.0
        box = clip_line(boxes[i] * factor, picture.size, width)
        canvas.frame(box, (*BLACK, int(110 * share)), (0.5 + share) * width + 1.5)
        colour = colour_map(share, 0, 1).tolist()
        canvas.frame(box, (*colour, int(90 + 165 * share)), (0.5 + 0.5 * share) * width)
    return canvas.finish()


def regions_behind(refined: np.ndarray, boxes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The region that each detection came from: the one whose box for its class is nearest.

    Args:
        refined: (R, K, 4) the box of every region for every class.
        boxes, labels: (D, 4) and (D,), the detections, in the pixels of ``refined``.

    Returns:
        (D,) numbers of regions.

    Raises:
        ValueError: detections without any region.

    >>> refined = np.array([[[0.0, 0, 4, 4], [0, 0, 5, 5]], [[8.0, 8, 9, 9], [8, 7, 9, 9]]])
    >>> regions_behind(refined, np.array([[8.0, 7, 9, 9], [0, 0, 4, 4]]), np.array([1, 0])).tolist()
    [1, 0]
    """
    if len(boxes) == 0:
        return np.zeros(0, np.int64)
    if len(refined) == 0:
        raise ValueError(f"regions_behind: {len(boxes)} detections, but refined holds no region")
    distances = np.abs(refined[:, labels] - boxes).sum(axis=2)  # (R, D, 4) -> (R, D)
    return distances.argmin(axis=0)


def paint_boxes(
    picture: Image.Image, boxes: np.ndarray, colours: Sequence[Colour], texts: Sequence[str]
) -> Image.Image:
    """Draw (N, 4) boxes in pixels of ``picture`` and their plates, the first ones on top.

    Boxes outside the picture are left out, and all plates where the picture is too low for one.
    """
    width = line_width_for(picture)
    inside = (boxes[:, :2] < picture.size).all(axis=1) & (boxes[:, 2:] >= 0).all(axis=1)
    visible = np.flatnonzero(inside).tolist()
    canvas = Canvas(picture)
    for i in reversed(visible):
        canvas.outline(clip_line(boxes[i], picture.size, width), colours[i], width)
    text_size = text_size_for(picture)
    padding = text_size * 0.4
    height = round(text_size * 1.45)
    if height > picture.height:
        return canvas.finish()
    names = [shortened(texts[i], text_size, picture.width - 2 * padding) for i in visible]
    lengths = [text_width(name, text_size) + 2 * padding for name in names]
    sizes = [(min(length, picture.width), height) for length in lengths]
    edges = boxes[visible] + width / 2 * np.array((-1, -1, 1, 1))
    plates = place_plates(edges.tolist(), sizes, picture.size)
    for i, name, plate in reversed(list(zip(visible, names, plates, strict=True))):
        if not name:
            continue
        canvas.fill(plate, colours[i], corner_radius=text_size * 0.2)
        place = (plate[0] + padding, (plate[1] + plate[3]) / 2)
        canvas.text(place, name, text_size, text_colour_on(colours[i]), anchor="lm")
    return canvas.finish()


Box = tuple[float, float, float, float]  # x1, y1, x2, y2


def clip_line(box: np.ndarray, picture_size: tuple[int, int], width: float) -> Box:
    """The box, cut so that a line on its edge lies inside the picture."""
    half = width / 2
    limits = [max(half, limit - half) for limit in picture_size]
    x1, y1, x2, y2 = np.clip(np.reshape(box, (2, 2)), half, limits).ravel().tolist()
    return x1, y1, x2, y2


def place_plates(
    boxes: Sequence[Sequence[float]],
    sizes: Sequence[tuple[float, float]],
    picture_size: tuple[float, float],
) -> list[Box]:
    """A place for the plate of each box, first box first.

    A plate sits on one of its box's edges: above the upper left corner if it can, else inside
    that corner, below the lower left one, or at the right. In a crowd it slides along the left
    edge. Every candidate is first pushed into the picture; the first that covers no
    earlier plate is taken, or the one that covers least of them.

    Args:
        boxes: N boxes x1, y1, x2, y2.
        sizes: N plate sizes (width, height), no larger than the picture.
        picture_size: (width, height).

    Returns:
        N plates x1, y1, x2, y2, all inside the picture.

    >>> place_plates([(10, 30, 50, 60), (12, 30, 52, 60)], [(30, 10), (30, 10)], (100, 100))
    [(10, 20, 40, 30), (12, 30, 42, 40)]
    """
    placed: list[Box] = []
    for box, (width, height) in zip(boxes, sizes, strict=True):
        best, least = (0.0, 0.0, width, height), float("inf")
        for left, top in _candidates(box, width, height):
            x = min(max(left, 0), picture_size[0] - width)
            y = min(max(top, 0), picture_size[1] - height)
            covered = sum(
                max(0, min(x + width, x2) - max(x, x1)) * max(0, min(y + height, y2) - max(y, y1))
                for x1, y1, x2, y2 in placed
            )
            if covered < least:
                best, least = (x, y, x + width, y + height), covered
            if covered == 0:
                break
        placed.append(best)
    return placed


def _candidates(box: Sequence[float], width: float, height: float) -> list[tuple[float, float]]:
    """Upper left corners for the plate of ``box``, best first."""
    x1, y1, x2, y2 = box
    left, right = x1, x2 - width
    corners = [(left, y1 - height), (left, y1), (left, y2), (left, y2 - height)]
    corners += [(right, y1 - height), (right, y1), (right, y2), (right, y2 - height)]
    rows = int((y2 - y1) // height)
    corners += [(x, y1 + row * height) for row in range(1, min(rows, 40)) for x in (left, right)]
    # Above and below the box, one over the other, for several nearly equal boxes.
    corners += [(left, y1 - row * height) for row in range(2, 5)]
    corners += [(left, y2 + row * height) for row in range(1, 4)]
    return corners
