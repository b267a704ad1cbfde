"""Detections to follow back, with thresholds to move; and proposals to look at, best first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from minicv.explain.encoding import packed, picture_url
from minicv.explain.traces import anchors_of, candidates_of, last_of, strong_channels
from minicv.explain.widgets_proposals import proposals
from minicv.inspection.canvas import to_picture
from minicv.inspection.heatmap import colour_map
from minicv.inspection.stage import Stage
from minicv.models.model import Model

LOWEST_SCORE = 0.01  # of a box in the page; less, if the model's own threshold is less
MOST_CANDIDATES = 2000
SURE = 0.5  # the page opens with this threshold, as the pictures of stages do
MOST_CLASSES = 6  # whose scores are shown of a region
MOST_SEEN = 400  # regions with features in the page, the surest ones
MOST_CROPS, CROP_SIDE = 100, 64
MOST_MASKS = 100
MOST_BODIES, HEAT_SIDE = 12, 28  # detections with heat maps, and their rows and columns


def detections(stages: Sequence[Stage], index: int, model: Model) -> dict[str, Any] | None:
    """The boxes that suppression chose from, and the way that each came.

    All boxes are in the pixels of the image that the system looked at, the last one before the
    detections. Where instances follow, the part stands with these.
    """
    stage = stages[index]
    if stage.kind == "detections" and last_of(stages[index:], "instances") is not None:
        return None
    found = last_of(stages[: index + 1], "detections")
    scores_stage = last_of(stages[:index], "region scores")
    seen = last_of(stages[:index], "image")
    if found is None or scores_stage is None or seen is None:
        return None
    if "region_indices" not in found.arrays:
        return None
    settings = model.settings
    class_scores = np.asarray(scores_stage.arrays["class_scores"], np.float32)  # (R, K)
    candidates = candidates_of(
        _moved_boxes(stages[:index], scores_stage),
        class_scores,
        lowest=min(LOWEST_SCORE, float(settings.score_threshold)),
        most=MOST_CANDIDATES,
    )
    regions = _surest_first(candidates.regions, candidates.scores)  # (R',) numbers of regions
    row_of_region = np.zeros(len(class_scores), np.int64)
    row_of_region[regions] = np.arange(len(regions))
    height, width = np.shape(seen.arrays["image"])[1:]
    data = {
        "size": [width, height],
        "classes": list(model.classes),
        "boxes": packed(candidates.boxes, "float32"),
        "labels": packed(candidates.labels, "int32"),
        "scores": packed(candidates.scores, "float32"),
        "regions": packed(row_of_region[candidates.regions], "int32"),
        "lowest": candidates.lowest,
        "settings": {
            "score": float(settings.score_threshold),
            "nms": float(settings.nms_threshold),
            "most": int(settings.detections_per_image),
            "vote": float(getattr(settings, "vote_iou", 1.0)),
        },
        "start": _start(np.asarray(found.arrays["scores"]), float(settings.score_threshold)),
        "of_regions": _of_regions(stages[:index], regions, class_scores, scores_stage, model),
        "heat": colour_map(np.arange(256), 0, 255).tolist(),
    }
    own = _own_candidates(found, candidates.regions, candidates.labels)
    data["masks"] = _masks(stages[:index], own)
    data["bodies"] = _bodies(stages[: index + 1], own, (width, height))
    title = "Follow a detection back, and move the thresholds"
    return {"name": "detections", "title": title, "data": data}


def _moved_boxes(stages: Sequence[Stage], scores_stage: Stage) -> np.ndarray:
    """(R, K, 4): the box of each region for each class; the region itself, if none is moved."""
    refined = last_of(stages, "refined boxes")
    if refined is not None:
        return np.asarray(refined.arrays["refined_boxes"], np.float32)
    boxes = np.asarray(scores_stage.arrays["boxes"], np.float32)
    classes = np.shape(scores_stage.arrays["class_scores"])[1]
    return np.repeat(boxes[:, None], classes, axis=1)


def _surest_first(regions: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The regions that occur, each once, that of the highest score first.

    >>> _surest_first(np.array([4, 2, 4]), np.array([0.1, 0.5, 0.9])).tolist()
    [4, 2]
    """
    in_order = regions[np.argsort(-scores, kind="stable")]
    _, first = np.unique(in_order, return_index=True)
    return in_order[np.sort(first)]


def _start(scores: np.ndarray, own: float) -> float:
    """The threshold at which the page opens."""
    return max(SURE, own) if (scores > SURE).any() else own


def _of_regions(
    stages: Sequence[Stage],
    regions: np.ndarray,
    class_scores: np.ndarray,
    scores_stage: Stage,
    model: Model,
) -> dict[str, Any]:
    """What is known of the regions (R',) that some box of the page came from."""
    proposed = last_of(stages, "boxes")
    boxes = np.asarray(scores_stage.arrays["boxes"], np.float32)[regions]
    best = np.argsort(-class_scores[regions], axis=1, kind="stable")[:, :MOST_CLASSES]
    data: dict[str, Any] = {
        "numbers": packed(regions, "int32"),
        "of": len(class_scores),
        "boxes": packed(boxes, "float32"),  # as proposed
        "best_classes": packed(best, "int32"),
        "best_scores": packed(np.take_along_axis(class_scores[regions], best, 1), "float32"),
    }
    total = class_scores.sum(axis=1)
    if _scored_by_svms(model):
        svm_scores = np.asarray(scores_stage.arrays["svm_scores"])[regions]
        data["svm_scores"] = packed(np.take_along_axis(svm_scores, best, 1), "float32")
    elif total.size and total.max() < 1 + 1e-3:
        data["background"] = packed(1 - total[regions], "float32")
    if proposed is not None and len(proposed.arrays["boxes"]) == len(class_scores):
        first = np.asarray(proposed.arrays["boxes"], np.float32)[regions]
        if not np.array_equal(first, boxes):  # the head looked again
            data["moved"] = data["boxes"]
            data["boxes"] = packed(first, "float32")
        data["scores"] = packed(np.asarray(proposed.arrays["scores"])[regions], "float32")
        if "anchor_indices" in proposed.arrays:
            data["anchors"] = _anchors(stages, proposed.arrays["anchor_indices"][regions])
    levels = last_of(stages, "levels")
    if levels is not None:
        strides = np.asarray(levels.arrays["strides"])
        data["pooled_from"] = packed(strides[levels.arrays["levels"][regions]], "int32")
    data["features"] = _features(stages, regions[:MOST_SEEN])
    data["crops"] = _crops(stages, regions[:MOST_CROPS])
    return data


def _scored_by_svms(model: Model) -> bool:
    svms = getattr(model, "svms", None)
    return svms is not None and svms.is_fitted and model.settings.scoring == "svm"


def _anchors(stages: Sequence[Stage], indices: np.ndarray) -> dict[str, Any] | None:
    found = anchors_of(stages, np.asarray(indices))
    if found is None:
        return None
    return {
        "numbers": packed(indices, "int32"),
        "boxes": packed(found.boxes, "float32"),
        "cells": packed(found.cells, "int32"),
        "strides": found.strides,
        "per_cell": found.per_cell,
    }


def _features(stages: Sequence[Stage], regions: np.ndarray) -> dict[str, Any] | None:
    stage = last_of(stages, "region features")
    strongest = None if stage is None else strong_channels(stage, regions)
    if strongest is None:
        return None
    return {
        "maps": packed(strongest.maps, "uint8"),
        "channels": packed(strongest.channels, "int32"),
        "ends": packed(strongest.ends, "float32"),
        "of": strongest.of,
    }


def _crops(stages: Sequence[Stage], regions: np.ndarray) -> dict[str, Any] | None:
    """What the system cut out of the image, one below the other in one picture."""
    stage = last_of(stages, "regions")
    if stage is None or "crops" not in stage.arrays or len(regions) == 0:
        return None
    sheet = Image.new("RGB", (CROP_SIDE, CROP_SIDE * len(regions)))
    for row, region in enumerate(regions.tolist()):
        crop = to_picture(np.asarray(stage.arrays["crops"])[region])
        sheet.paste(crop.resize((CROP_SIDE, CROP_SIDE)), (0, CROP_SIDE * row))
    return {"src": picture_url(sheet), "side": CROP_SIDE, "count": len(regions)}


def _own_candidates(found: Stage, regions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(D,) which of the candidates each detection of the model is, -1 if none.

    The regions (N,) and labels (N,) are those of the candidates.
    """
    places = {pair: i for i, pair in enumerate(zip(regions.tolist(), labels.tolist(), strict=True))}
    pairs = zip(
        np.asarray(found.arrays["region_indices"]).tolist(),
        np.asarray(found.arrays["labels"]).tolist(),
        strict=True,
    )
    return np.array([places.get(pair, -1) for pair in pairs], np.int64)


def _masks(stages: Sequence[Stage], own: np.ndarray) -> dict[str, Any] | None:
    """The mask probabilities of the first detections, by the number of the candidate."""
    stage = last_of(stages, "mask probabilities")
    if stage is None:
        return None
    probabilities = np.asarray(stage.arrays["mask_probabilities"])[:MOST_MASKS]
    shades = np.floor(probabilities * 255 + 0.5)
    return {"candidates": own[:MOST_MASKS].tolist(), "maps": packed(shades, "uint8")}


def _bodies(
    stages: Sequence[Stage], own: np.ndarray, size: tuple[int, int]
) -> dict[str, Any] | None:
    """The heat maps of the joints of the first detections, and where the joints are."""
    stage, result = last_of(stages, "heat maps"), last_of(stages, "instances")
    if stage is None or result is None or "keypoints" not in result.arrays:
        return None
    keypoints = np.asarray(result.arrays["keypoints"])  # (D, J, 3), 0 for a class without joints
    bodies = np.flatnonzero(keypoints.any(axis=(1, 2)))[:MOST_BODIES]
    heatmaps = np.asarray(stage.arrays["heatmaps"], np.float32)[bodies]  # (B, J, M, M)
    step = max(1, heatmaps.shape[-1] // HEAT_SIDE)
    count, joints, side = heatmaps.shape[0], heatmaps.shape[1], heatmaps.shape[-1] // step
    cut = heatmaps[..., : side * step, : side * step]
    coarse = cut.reshape(count, joints, side, step, side, step).max(axis=(3, 5))
    peaks = coarse.max(axis=(2, 3), keepdims=True, initial=0)
    height, width = np.shape(result.arrays["image"])[1:]
    scale = np.array([size[0] / width, size[1] / height])
    names = stage.arrays.get("joint_names", [f"joint {j + 1}" for j in range(joints)])
    return {
        "candidates": own[bodies].tolist(),
        "maps": packed(np.floor(coarse / np.maximum(peaks, 1e-12) * 255 + 0.5), "uint8"),
        "joints": packed(keypoints[bodies, :, :2] * scale),
        "names": [str(name).replace("_", " ") for name in names],
    }


WIDGETS: Mapping[str, Callable[[Sequence[Stage], int, Model], dict[str, Any] | None]] = {
    "boxes": proposals,
    "detections": detections,
    "instances": detections,
}
