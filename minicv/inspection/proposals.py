"""Proposed boxes on a photograph, each in the colour of its score."""

from __future__ import annotations

import numpy as np
from PIL import Image

from minicv.inspection.canvas import Canvas, enlarged, line_width_for
from minicv.inspection.drawing import clip_line
from minicv.inspection.heatmap import colour_map
from minicv.inspection.palette import BLACK


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
