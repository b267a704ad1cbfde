"""Detections drawn on an image: boxes, names, scores, and masks and joints where there are any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
from minicv.inspection.keypoints import LSP_SKELETON, Skeleton, paint_keypoints
from minicv.inspection.label_plates import place_plates
from minicv.inspection.masks import paint_masks
from minicv.inspection.palette import BLACK, Colour, class_colour, text_colour_on
from minicv.inspection.panels import contact_sheet


def draw_detections(
    image: np.ndarray,
    boxes: np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray | None = None,
    class_names: Sequence[str] | None = None,
    *,
    masks: np.ndarray | None = None,
    keypoints: np.ndarray | None = None,
    skeleton: Skeleton = LSP_SKELETON,
) -> Image.Image:
    """Draw boxes with a colour for each class and a plate with its name and score.

    The surest detections lie on top. Lines and letters grow with the picture, and small images
    are enlarged by a whole factor to at least 512 pixels on the longer side, so that labels can
    be read. Plates stay inside the picture and off each other where there is room. Boxes are cut
    at the edge of the picture; one that lies outside altogether is left out.

    Args:
        image: (3, H, W) floats in 0..1.
        boxes: (N, 4) x1, y1, x2, y2 in pixels of the image; N may be 0.
        labels: (N,) class labels 0..K-1.
        scores: (N,) in 0..1; without them the plates hold the names alone, as for ground truth.
        class_names: K names; without them the plates hold the label's number.
        masks: (N, H, W) bool, tinted in the class colour.
        keypoints: (M, J, 3) joints of people, drawn with ``skeleton``.

    Returns:
        A picture; ``.save("detections.png")`` writes it.

    Raises:
        ValueError: shapes that do not go together, a box that is not finite, or a label
            without a name.

    >>> image = np.ones((3, 100, 200), dtype=np.float32)
    >>> boxes = np.array([[20.0, 30.0, 90.0, 80.0]])
    >>> draw_detections(image, boxes, np.array([1]), np.array([0.93]), ["cow", "cat"]).size
    (600, 300)
    """
    boxes, labels, scores = _checked(boxes, labels, scores, class_names)
    picture, factor = enlarged(image)
    by_score = np.arange(len(boxes))
    if scores is not None:
        by_score = np.argsort(-scores, kind="stable")  # surest first
    colours = [class_colour(int(label)) for label in labels]
    if masks is not None:
        masks = np.asarray(masks)
        if len(masks) != len(boxes):
            raise ValueError(f"draw_detections: {len(boxes)} boxes but {len(masks)} masks")
        lowest_first = by_score[::-1]
        picture = paint_masks(
            picture, np.shape(image), masks[lowest_first], [colours[i] for i in lowest_first]
        )
    if keypoints is not None:
        picture = paint_keypoints(picture, factor, keypoints, skeleton)
    texts = [_text(int(label), class_names) for label in labels]
    if scores is not None:
        texts = [f"{text} {score:.2f}" for text, score in zip(texts, scores, strict=True)]
    return paint_boxes(
        picture,
        boxes[by_score] * factor,
        [colours[i] for i in by_score],
        [texts[i] for i in by_score],
    )


def draw_ground_truth(
    image: np.ndarray,
    truth: Mapping[str, np.ndarray],
    detections: Mapping[str, np.ndarray],
    class_names: Sequence[str] | None = None,
) -> Image.Image:
    """What is there, and beside it what was found.

    Args:
        image: (3, H, W) floats in 0..1.
        truth: ``boxes`` (N, 4), ``labels`` (N,), and maybe ``masks`` (N, H, W).
        detections: ``boxes`` (M, 4), ``labels`` (M,), ``scores`` (M,), and maybe ``masks``. Masks
            are drawn where both have them.
        class_names: K names.

    >>> nothing = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0, int), "scores": np.zeros(0)}
    >>> sheet = draw_ground_truth(np.ones((3, 40, 40), dtype=np.float32), nothing, nothing)
    >>> sheet.width > 2 * sheet.height * 0.8
    True
    """
    both = "masks" in truth and "masks" in detections
    true_masks, found_masks = (truth["masks"], detections["masks"]) if both else (None, None)
    left = draw_detections(
        image, truth["boxes"], truth["labels"], None, class_names, masks=true_masks
    )
    right = draw_detections(
        image,
        detections["boxes"],
        detections["labels"],
        detections["scores"],
        class_names,
        masks=found_masks,
    )
    captions = [
        f"Ground truth\n{_counted(len(truth['boxes']), 'object')}",
        f"Detections\n{_counted(len(detections['boxes']), 'object')} found",
    ]
    return contact_sheet([left, right], captions, columns=2)


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


def _checked(
    boxes: np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray | None,
    class_names: Sequence[str] | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    boxes, labels = np.asarray(boxes), np.asarray(labels)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"draw_detections: boxes expect the shape (N, 4) but have {boxes.shape}")
    if not np.isfinite(boxes).all():
        row = int(np.flatnonzero(~np.isfinite(boxes).all(axis=1))[0])
        raise ValueError(f"draw_detections: box {row} is not finite: {boxes[row].tolist()}")
    if labels.shape != (len(boxes),):
        raise ValueError(
            f"draw_detections: labels expect the shape ({len(boxes)},), one for each box, but "
            f"have {labels.shape}"
        )
    if scores is not None:
        scores = np.asarray(scores)
        if scores.shape != (len(boxes),):
            raise ValueError(
                f"draw_detections: scores expect the shape ({len(boxes)},), one for each box, "
                f"but have {scores.shape}"
            )
    known = None if class_names is None else len(class_names)
    if len(labels) and (labels.min() < 0 or (known is not None and labels.max() >= known)):
        wrong = int(labels.min() if labels.min() < 0 else labels.max())
        expected = "0 or more" if known is None else f"0..{known - 1}, one for each class name"
        raise ValueError(f"draw_detections: label {wrong} is not in {expected}")
    return boxes, labels, scores


def _text(label: int, class_names: Sequence[str] | None) -> str:
    return f"class {label}" if class_names is None else str(class_names[label])


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
