"""The one object of an image: its box as predicted, and beside it the true one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from minicv.inspection.boxes import paint_boxes
from minicv.inspection.canvas import enlarged
from minicv.inspection.detections import checked_objects, draw_detections
from minicv.inspection.palette import WHITE, class_colour
from minicv.inspection.panels import contact_sheet
from minicv.vision.boxes import box_iou

RIGHT_IOU = 0.5  # of a box that counts as right


def draw_localization(
    image: np.ndarray, found: Mapping[str, np.ndarray], class_names: Sequence[str]
) -> Image.Image:
    """The box of the best class with its name and score, however low the score is.

    Args:
        image: (3, H, W) floats in 0..1.
        found: ``boxes`` (D, 4), ``labels`` (D,) and ``scores`` (D,), the best first.
        class_names: K names.

    >>> found = {"boxes": np.array([[20.0, 30.0, 90.0, 80.0]]), "labels": np.array([1]),
    ...          "scores": np.array([0.4])}
    >>> draw_localization(np.ones((3, 100, 200), np.float32), found, ["cow", "cat"]).size
    (600, 300)
    """
    boxes, labels, scores = (found[name][:1] for name in ("boxes", "labels", "scores"))
    return draw_detections(image, boxes, labels, scores, class_names)


def draw_localization_beside_truth(
    image: np.ndarray,
    found: Mapping[str, np.ndarray],
    label: int,
    box: np.ndarray,
    class_names: Sequence[str],
) -> Image.Image:
    """Both boxes on one picture, the true one in white, under a caption with their IoU.

    Args:
        image, found, class_names: see `draw_localization`.
        label, box: the true class and box (4,).

    >>> found = {"boxes": np.array([[20.0, 30.0, 90.0, 80.0]]), "labels": np.array([1]),
    ...          "scores": np.array([0.4])}
    >>> box = np.array([20.0, 30.0, 90.0, 70.0])
    >>> image = np.ones((3, 100, 200), np.float32)
    >>> draw_localization_beside_truth(image, found, 0, box, ["cow", "cat"]).width
    656
    """
    truth = np.asarray(box, np.float64)[None]  # (1, 4)
    boxes, labels, scores = (np.asarray(found[key][:1]) for key in ("boxes", "labels", "scores"))
    checked_objects(boxes, labels, scores, class_names, "draw_localization_beside_truth")
    picture, factor = enlarged(image)
    colours = [*(class_colour(own) for own in labels.tolist()), WHITE]
    texts = [
        f"{class_names[own]} {score:.2f}"
        for own, score in zip(labels.tolist(), scores.tolist(), strict=True)
    ]
    drawn = np.concatenate([boxes, truth]) * factor
    picture = paint_boxes(picture, drawn, colours, [*texts, f"truth: {class_names[label]}"])
    return contact_sheet([picture], [_verdict(boxes, labels, label, truth)])


def _verdict(boxes: np.ndarray, labels: np.ndarray, label: int, truth: np.ndarray) -> str:
    """Which half is right, and the IoU."""
    if not len(boxes):
        return "No answer"
    iou = float(box_iou(boxes, truth)[0, 0])
    named, placed = int(labels[0]) == label, iou >= RIGHT_IOU
    heading = {
        (True, True): "Class and box are right",
        (True, False): "The class is right, the box is not",
        (False, True): "The box is right, the class is not",
        (False, False): "Neither class nor box is right",
    }[named, placed]
    return f"{heading}\nIoU {iou:.2f} (white: the true box)"
