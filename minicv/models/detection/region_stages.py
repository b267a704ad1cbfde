"""The stages that detectors by regions have in common, as a `StageRecorder` notes them."""

from __future__ import annotations

import numpy as np

from minicv.backend import Array, to_numpy
from minicv.inspection.stage import StageRecorder
from minicv.models.model import Result


def record_boxes(
    record: StageRecorder, name: str, title: str, boxes: Array, scores: Array, **more: Array
) -> None:
    """Note boxes (R, 4), best first, and their scores (R,)."""
    arrays = {"boxes": boxes, "scores": scores, **more}
    caption = f"{title}\n{len(boxes):,} boxes"
    record(name, caption, "boxes", lambda: {key: to_numpy(own) for key, own in arrays.items()})


def record_region_features(
    record: StageRecorder, boxes: Array, features: Array, **more: Array
) -> None:
    """Note features (R, C, h, w) or (R, P) of regions as "region_features"."""
    shape = " × ".join(str(size) for size in features.shape[1:])
    caption = f"Region features\nevery region, whatever its shape, becomes {shape} numbers"
    record(
        "region_features",
        caption,
        "region features",
        lambda: {"boxes": to_numpy(boxes), "region_features": to_numpy(features), **more},
    )


def record_scores(record: StageRecorder, boxes: Array, class_scores: Array, **more: Array) -> None:
    """Note scores (R, K) of regions as "class_scores"."""
    classes = class_scores.shape[1]
    named = "1 class" if classes == 1 else f"{classes} classes"
    caption = f"Class scores\nof {len(boxes):,} regions for {named}"
    record(
        "class_scores",
        caption,
        "region scores",
        lambda: {"boxes": to_numpy(boxes), "class_scores": to_numpy(class_scores), **more},
    )


def record_refined_boxes(
    record: StageRecorder, boxes: Array, refined_boxes: Array, class_scores: Array
) -> None:
    """Note the boxes (R, K, 4) of regions, one for each class, as "refined_boxes"."""
    record(
        "refined_boxes",
        "Refined boxes\neach region as its class moves it",
        "refined boxes",
        lambda: {
            "boxes": to_numpy(boxes),
            "refined_boxes": to_numpy(refined_boxes),
            "class_scores": to_numpy(class_scores),
        },
    )


def record_detections(
    record: StageRecorder, image: np.ndarray, found: Result, regions: Array
) -> None:
    """Note the result of an image as "detections", and the region (D,) that each was."""
    caption = f"Detections\n{len(found['boxes']):,} boxes"
    record(
        "detections",
        caption,
        "detections",
        lambda: {"image": image, **found, "region_indices": to_numpy(regions)},
    )
