"""Interactive parts that show what speaks for a class: Grad-CAM of a classifier, of a detector."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from minicv.explain.encoding import picture_url
from minicv.explain.saliency import classifier_grad_cam, detection_grad_cam
from minicv.inspection.canvas import Canvas, scaled, to_picture
from minicv.inspection.heatmap import overlay_heatmap
from minicv.inspection.palette import WHITE
from minicv.inspection.stage import Stage
from minicv.models.classification.image_classifier import ImageClassifier
from minicv.models.detection import FasterRCNN, FastRCNN
from minicv.models.model import Model

MOST_CLASSES = 5
MOST_DETECTIONS = 6
WIDTH = 480  # of a picture in the page
CLOSE = 1.6  # a detection is shown with so many times its sides


def class_saliency(stages: Sequence[Stage], index: int, model: Model) -> dict[str, Any] | None:
    """Where the picture speaks for each of the best classes."""
    if not isinstance(model, ImageClassifier):
        return None
    square = stages[0].arrays["image"]
    scores = np.asarray(stages[index].arrays["class_scores"])
    best = np.argsort(-scores, kind="stable")[:MOST_CLASSES].tolist()
    heats = classifier_grad_cam(model, square, best)
    picture = scaled(to_picture(square), WIDTH / square.shape[2])
    choices = [
        _choice(
            f"{model.classes[label]} {scores[label]:.2f}",
            overlay_heatmap(picture, _share(heat), 0, 1),
            heat,
        )
        for label, heat in zip(best, heats, strict=True)
    ]
    return _part("Where the picture speaks for a class (Grad-CAM)", choices)


def detection_saliency(stages: Sequence[Stage], index: int, model: Model) -> dict[str, Any] | None:
    """What speaks for the class of each of the best detections."""
    stage = stages[index]
    if not isinstance(model, (FasterRCNN, FastRCNN)) or "region_indices" not in stage.arrays:
        return None
    image = stage.arrays["image"]
    arrays = {name: np.asarray(stage.arrays[name])[:MOST_DETECTIONS] for name in
              ("boxes", "labels", "scores", "region_indices")}  # fmt: skip
    if len(arrays["boxes"]) == 0:
        return None
    regions, labels = arrays["region_indices"].tolist(), arrays["labels"].tolist()
    resized = next(s for s in stages if s.name == "input").arrays["image"]
    boxes = arrays["boxes"] * (resized.shape[2] / np.shape(image)[2])
    choices = []
    cams = detection_grad_cam(model, np.asarray(image), regions, labels)
    for box, label, score, (heat, stride) in zip(
        boxes, labels, arrays["scores"].tolist(), cams, strict=True
    ):
        overlay = overlay_heatmap(resized, _share(heat), 0, 1, cell_size=(stride, stride))
        name = f"{model.classes[label]} {score:.2f}"
        choices.append(_choice(name, _close_to(overlay, box), heat))
    return _part("What speaks for the class of a detection (Grad-CAM)", choices)


def _part(title: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": "saliency", "title": title, "data": {"choices": choices}}


def _choice(name: str, picture: Image.Image, heat: np.ndarray) -> dict[str, Any]:
    """A class or a detection: its name, and the picture with its map."""
    return {
        "name": name,
        "src": picture_url(picture),
        "width": picture.width,
        "height": picture.height,
        "cells": [heat.shape[1], heat.shape[0]],
        "nothing": bool(heat.max(initial=0) <= 0),
    }


def _share(heat: np.ndarray) -> np.ndarray:
    most = heat.max(initial=0)
    return heat / most if most > 0 else heat


def _close_to(picture: Image.Image, box: np.ndarray) -> Image.Image:
    """What is in a box and around it, with the box drawn."""
    x1, y1, x2, y2 = box.tolist()
    margin = (CLOSE - 1) / 2 * max(x2 - x1, y2 - y1)
    left, top = max(0, math.floor(x1 - margin)), max(0, math.floor(y1 - margin))
    right = max(left + 1, min(picture.width, math.ceil(x2 + margin)))
    bottom = max(top + 1, min(picture.height, math.ceil(y2 + margin)))
    cut = picture.crop((left, top, right, bottom))
    scale = min(WIDTH / cut.width, WIDTH / cut.height)
    size = (max(1, round(cut.width * scale)), max(1, round(cut.height * scale)))
    canvas = Canvas(cut.resize(size, Image.Resampling.BICUBIC))
    inside = np.array([x1 - left, y1 - top, x2 - left, y2 - top]) * scale
    canvas.outline(inside, WHITE, 2)
    return canvas.finish()


WIDGETS: Mapping[str, Callable[[Sequence[Stage], int, Model], dict[str, Any] | None]] = {
    "class scores": class_saliency,
    "detections": detection_saliency,
}
