"""Interactive parts that show what a network looked at: Grad-CAM, and what one cell sees."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from minicv.explain.encoding import picture_url
from minicv.explain.saliency import (
    classifier_grad_cam,
    detection_grad_cam,
    effective_receptive_field,
    in_blocks,
    network_input,
    side_of_half,
)
from minicv.inspection.canvas import Canvas, scaled, to_picture
from minicv.inspection.heatmap import overlay_heatmap
from minicv.inspection.palette import WHITE
from minicv.inspection.stage import Stage
from minicv.models.backbones.backbone import Backbone
from minicv.models.classification.image_classifier import ImageClassifier
from minicv.models.classification.whole_network import WholeNetwork
from minicv.models.detection import FasterRCNN, FastRCNN
from minicv.models.model import Model
from minicv.models.receptive_field import ends_in
from minicv.nn import evaluating

MOST_CLASSES = 5
MOST_DETECTIONS = 6
WIDTH = 480  # of a picture in the page
MOST_CELLS = 56  # of the longer side of an effective field
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


def field_of_middle(stages: Sequence[Stage], index: int, model: Model) -> dict[str, Any] | None:
    """Of the last feature map of a backbone: what its middle cell can see, and what it looks at."""
    stage = stages[index]
    features, stride = np.asarray(stage.arrays["features"]), float(stage.arrays["stride"])
    later = [s.arrays["features"] for s in stages[index + 1 :] if s.kind == "features"]
    seen = next((s.arrays["image"] for s in stages if s.name == "input"), None)
    if seen is None or features[0].size == 1 or any(own[0].size > 1 for own in later):
        return None
    image = np.asarray(seen, np.float32)
    with evaluating(model):
        if isinstance(getattr(model, "backbone", None), Backbone):
            backbone: Any = model.backbone  # type: ignore[attr-defined]
            x = network_input(model, image, backbone.mean, backbone.std)
            of_stride = dict(zip(backbone.strides, backbone(x), strict=True))
        elif isinstance(model, WholeNetwork):
            x = network_input(model, image, model.mean, model.std)
            own = model.network.feature_map(x)  # type: ignore[attr-defined]
            of_stride = {stride: own}
        else:
            return None
        if stride not in of_stride or of_stride[stride].shape[1] != len(features):
            return None
        cells = of_stride[stride]
        row, column = cells.shape[2] // 2, cells.shape[3] // 2
        heat = effective_receptive_field(cells, x, row, column)  # (H, W)
        (y1, y2), (x1, x2) = (
            (int(first[at]), int(last[at]) + 1)
            for at, (first, last) in zip(
                (row, column), (ends_in(x, cells, axis) for axis in (0, 1)), strict=True
            )
        )
    height, width = heat.shape
    middle = [
        min(length - 1, int((at + 0.5) * stride))
        for at, length in zip((row, column), (height, width), strict=True)
    ]
    half = side_of_half(heat, *middle)
    scale = WIDTH / width
    block = -(-max(height, width) // MOST_CELLS)
    share = np.sqrt(_share(in_blocks(heat, block)))
    cell = (block * scale, block * scale)
    canvas = Canvas(overlay_heatmap(scaled(to_picture(image), scale), share, 0, 1, cell_size=cell))
    canvas.outline(np.array([x1, y1, x2, y2]) * scale, WHITE, 2)
    choice = _choice("The middle cell", canvas.finish(), heat)
    choice["note"] = (
        f"The cell in row {row} and column {column} of the map can see {x2 - x1} × {y2 - y1} "
        f"pixels, the frame. Half of the influence on it is within {half} × {half} pixels; bright "
        "is strong."
    )
    return _part("What the middle cell of the map sees", [choice])


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
    "features": field_of_middle,
    "class scores": class_saliency,
    "detections": detection_saliency,
}
