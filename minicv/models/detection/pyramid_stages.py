"""Stages of Faster R-CNN that look different on one feature map and on several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.autograd import Tensor
from minicv.backend import Array, to_numpy
from minicv.inspection.stage import StageRecorder, record_features
from minicv.models.detection.region_stages import record_boxes
from minicv.models.detection.rpn import Candidates, Proposals, RPNOutput


def record_maps(record: StageRecorder, features: Sequence[Tensor], strides: Sequence[int]) -> None:
    """Note the maps (N, C, h, w) of the first image: "feature_map", or "feature_map_STRIDE" each.

    Args:
        record: see `StageRecorder`.
        features: fine ones first.
        strides: of each, in pixels of the input.
    """
    for own, stride in zip(features, strides, strict=True):
        name = "feature_map" if len(strides) == 1 else f"feature_map_{stride}"
        record_features(record, own.data[0], stride, name)


def record_rpn(record: StageRecorder, found: RPNOutput, strides: Sequence[int]) -> None:
    """Note the "anchors" and the "objectness" of the first image."""
    count = sum(found.counts)
    if len(strides) == 1:
        (shape,) = found.shapes
        h, w, per_cell = shape
        record(
            "anchors",
            f"Anchors\n{per_cell} at each of {h * w:,} cells, {count:,} boxes in all",
            "anchors",
            lambda: {"anchors": to_numpy(found.anchors).reshape(*shape, 4)},  # (M, 4) -> (h, ...)
        )
        record(
            "objectness",
            "Objectness\nof each anchor, 0 to 1",
            "objectness",
            lambda: {
                "objectness": _objectness(found).reshape(shape),
                "anchors": to_numpy(found.anchors).reshape(*shape, 4),
            },
        )
        return

    def of_levels() -> dict[str, np.ndarray]:
        return {
            "anchors": to_numpy(found.anchors),
            "levels": np.repeat(np.arange(len(strides)), found.counts),
            "strides": np.array(strides),
            "grids": np.array(found.shapes),
        }

    cells = sum(h * w for h, w, _ in found.shapes)
    record(
        "anchors",
        f"Anchors\n{found.shapes[0][2]} at each of {cells:,} cells of {len(strides)} levels, "
        f"{count:,} boxes in all",
        "anchors of levels",
        of_levels,
    )
    record(
        "objectness",
        "Objectness\nof each anchor, 0 to 1",
        "objectness of levels",
        lambda: {**of_levels(), "objectness": _objectness(found)},
    )


def record_proposals(record: StageRecorder, name: str, title: str, found: Proposals) -> None:
    """Note the boxes and scores of an image, and the anchor that each was."""
    record_boxes(record, name, title, found.boxes, found.scores, anchor_indices=found.anchors)


def record_candidates(record: StageRecorder, found: Candidates) -> None:
    """Note the proposals of the first image before suppression, as "proposals_before_nms"."""
    if record.keep:
        proposals = found.of_image(0)
        record_proposals(record, "proposals_before_nms", "Proposals before NMS", proposals)


def record_levels(
    record: StageRecorder, boxes: Array, levels: Array, strides: Sequence[int]
) -> None:
    """Note from which level each region is pooled, as "region_levels"."""
    record(
        "region_levels",
        "Levels\nsmall regions are pooled from fine maps, large ones from coarse maps",
        "levels",
        lambda: {
            "boxes": to_numpy(boxes),
            "levels": to_numpy(levels),
            "strides": np.array(strides),
        },
    )


def _objectness(found: RPNOutput) -> np.ndarray:
    """(M,) probabilities of the first image."""
    return 1 / (1 + np.exp(-np.clip(to_numpy(found.objectness.data[0]), -50, 50)))
