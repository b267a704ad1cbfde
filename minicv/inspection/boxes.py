"""Boxes drawn on an image: proposals by score, boxes that moved, and plates with names."""

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
from minicv.inspection.palette import BLACK, WHITE, Colour, class_colour, text_colour_on


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


def draw_moved_boxes(
    image: np.ndarray, before: np.ndarray, after: np.ndarray, labels: np.ndarray
) -> Image.Image:
    """Each box in white where it was proposed, in the colour of its class where regression put it,
    and a line from each corner to where that corner went. The first boxes lie on top.

    Args:
        image: (3, H, W) floats in 0..1; shown in grey.
        before, after: (N, 4) pixels of the image.
        labels: (N,) classes 0..K-1.

    Raises:
        ValueError: the three do not have as many rows, or boxes not four columns.

    >>> box = np.array([[10.0, 10.0, 40.0, 50.0]])
    >>> draw_moved_boxes(np.zeros((3, 60, 512), np.float32), box, box + 5, np.array([0])).size
    (512, 60)
    """
    before, after, labels = np.asarray(before), np.asarray(after), np.asarray(labels)
    if before.ndim != 2 or before.shape[1:] != (4,) or before.shape != after.shape:
        raise ValueError(
            f"draw_moved_boxes: before and after expect the same shape (N, 4) but have "
            f"{before.shape} and {after.shape}"
        )
    if labels.shape != (len(before),):
        raise ValueError(
            f"draw_moved_boxes: labels expect the shape ({len(before)},), one for each box, but "
            f"have {labels.shape}"
        )
    picture, factor = enlarged(image)
    canvas = Canvas(picture.convert("L"))
    width = line_width_for(picture)
    for row in reversed(range(len(before))):
        colour = class_colour(int(labels[row]))
        old, new = (
            clip_line(boxes[row] * factor, picture.size, width) for boxes in (before, after)
        )
        canvas.frame(old, (*BLACK, 110), 1.6 * width)
        canvas.frame(old, (*WHITE, 215), 0.8 * width)
        canvas.frame(new, (*BLACK, 110), 2.2 * width)
        canvas.frame(new, colour, 1.3 * width)
        for x, y in ((0, 1), (2, 1), (0, 3), (2, 3)):
            canvas.line(((old[x], old[y]), (new[x], new[y])), colour, 0.7 * width)
            canvas.disc((old[x], old[y]), 0.9 * width, WHITE)
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
    picture: Image.Image,
    boxes: np.ndarray,
    colours: Sequence[Colour],
    texts: Sequence[str] | None = None,
    line_width: float | None = None,
) -> Image.Image:
    """Draw (N, 4) boxes in pixels of ``picture``, the most important first, and their plates.

    Each line lies on a thin dark halo, so that it stands out on any background.
    """
    width = line_width_for(picture) if line_width is None else line_width
    visible = [i for i, box in enumerate(boxes) if _touches(box, picture.size)]
    canvas = Canvas(picture)
    for i in reversed(visible):
        box = clip_line(boxes[i], picture.size, width)
        canvas.frame(box, (*BLACK, 110), 1.8 * width)
        canvas.frame(box, colours[i], width)
    if texts is not None:
        _paint_plates(
            canvas,
            picture,
            [boxes[i] for i in visible],
            [colours[i] for i in visible],
            [texts[i] for i in visible],
            width,
        )
    return canvas.finish()


def _paint_plates(
    canvas: Canvas,
    picture: Image.Image,
    boxes: Sequence[np.ndarray],
    colours: Sequence[Colour],
    texts: Sequence[str],
    line_width: float,
) -> None:
    text_size = text_size_for(picture)
    padding = text_size * 0.4
    height = round(text_size * 1.45)
    room = picture.width - 2 * padding
    texts = [shortened(text, text_size, room) for text in texts]
    if height > picture.height:
        return
    sizes = [(text_width(text, text_size) + 2 * padding, height) for text in texts]
    half = line_width / 2
    edges = [(box[0] - half, box[1] - half, box[2] + half, box[3] + half) for box in boxes]
    plates = place_plates(edges, [(min(w, picture.width), h) for w, h in sizes], picture.size)
    # The first plate is the most important one and comes last, on top.
    for plate, text, colour in reversed(list(zip(plates, texts, colours, strict=True))):
        if not text:
            continue
        canvas.fill(plate, colour, corner_radius=text_size * 0.2)
        middle = (plate[1] + plate[3]) / 2
        canvas.text(
            (plate[0] + padding, middle), text, text_size, text_colour_on(colour), anchor="lm"
        )


def clip_line(
    box: np.ndarray, picture_size: tuple[int, int], width: float
) -> tuple[float, float, float, float]:
    """The box, cut so that a line on its edge lies inside the picture."""
    half = width / 2
    right, bottom = (max(half, limit - half) for limit in picture_size)
    x1, y1, x2, y2 = (float(value) for value in box)
    return (
        min(max(x1, half), right),
        min(max(y1, half), bottom),
        min(max(x2, half), right),
        min(max(y2, half), bottom),
    )


def _touches(box: np.ndarray, picture_size: tuple[int, int]) -> bool:
    return box[0] < picture_size[0] and box[1] < picture_size[1] and box[2] >= 0 and box[3] >= 0


Box = tuple[float, float, float, float]  # x1, y1, x2, y2


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
    for box, size in zip(boxes, sizes, strict=True):
        best, least = (0.0, 0.0, *size), float("inf")
        for corner in _candidates(box, size):
            plate = _pushed_inside(corner, size, picture_size)
            covered = sum(_overlap(plate, other) for other in placed)
            if covered < least:
                best, least = plate, covered
            if covered == 0:
                break
        placed.append(best)
    return placed


def _candidates(box: Sequence[float], size: tuple[float, float]) -> list[tuple[float, float]]:
    """Upper left corners for the plate of ``box``, best first."""
    x1, y1, x2, y2 = box
    width, height = size
    left, right = x1, x2 - width
    corners = [(left, y1 - height), (left, y1), (left, y2), (left, y2 - height)]
    corners += [(right, y1 - height), (right, y1), (right, y2), (right, y2 - height)]
    rows = int((y2 - y1) // height) if height > 0 else 0
    corners += [(x, y1 + row * height) for row in range(1, min(rows, 40)) for x in (left, right)]
    # Stacked above and below the box, where several share nearly the same one.
    corners += [(left, y1 - row * height) for row in range(2, 5)]
    corners += [(left, y2 + row * height) for row in range(1, 4)]
    return corners


def _pushed_inside(
    corner: tuple[float, float], size: tuple[float, float], picture_size: tuple[float, float]
) -> Box:
    x, y = (
        min(max(position, 0), limit - length)
        for position, length, limit in zip(corner, size, picture_size, strict=True)
    )
    return (x, y, x + size[0], y + size[1])


def _overlap(first: Box, second: Box) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0, width) * max(0, height)
