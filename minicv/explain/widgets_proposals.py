"""Proposals: as many of the best as one asks for, and suppression with a threshold to move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicv.explain.encoding import packed
from minicv.explain.traces import anchors_of, last_of
from minicv.inspection.stage import Stage
from minicv.models.model import Model

MOST_PROPOSALS = 2000  # of a system that suppresses none
START = 40  # drawn at first, as in the picture of the stage


def proposals(stages: Sequence[Stage], index: int, model: Model) -> dict[str, Any] | None:
    """The boxes of the last stage of kind "boxes", to see more or fewer of.

    A proposal network's are here as they were before suppression, so that the page can suppress
    them again with another threshold.
    """
    if last_of(stages[index + 1 :], "boxes") is not None:
        return None
    seen = last_of(stages[:index], "image")
    stage, before = stages[index], last_of(stages[:index], "boxes")
    if seen is None or len(stage.arrays["boxes"]) == 0:
        return None
    height, width = np.shape(seen.arrays["image"])[1:]
    data: dict[str, Any] = {"size": [width, height], "start": START}
    if before is not None and "anchor_indices" in before.arrays:
        anchors = anchors_of(stages[:index], np.asarray(before.arrays["anchor_indices"]))
        if anchors is not None:
            settings = model.settings
            data["levels"] = packed(anchors.cells[:, 0], "int32")
            data["nms"] = float(settings.rpn_nms_threshold)
            data["most"] = int(settings.post_nms_top_n_test)
            stage = before
    boxes, scores = np.asarray(stage.arrays["boxes"]), np.asarray(stage.arrays["scores"])
    if "nms" not in data:
        data["of"] = len(boxes)
        boxes, scores = boxes[:MOST_PROPOSALS], scores[:MOST_PROPOSALS]
    data["boxes"] = packed(boxes, "float32")
    data["scores"] = packed(scores, "float32")
    return {"name": "proposals", "title": "See more proposals, or fewer", "data": data}
