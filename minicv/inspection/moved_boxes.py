"""Box regression made visible: where each box was, and where it went."""

from __future__ import annotations

import numpy as np
from PIL import Image

from minicv.inspection.canvas import Canvas, enlarged, line_width_for
from minicv.inspection.drawing import clip_line
from minicv.inspection.palette import BLACK, WHITE, class_colour


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
