"""Scores of classes and joints, to look at one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minicv.explain.encoding import packed
from minicv.inspection.stage import Stage
from minicv.models.model import Model

MOST_SCORES = 12
LEAST = 1e-30  # of a probability whose logarithm is taken


def class_scores(stages: Sequence[Stage], index: int, model: Model) -> dict[str, Any] | None:
    """The best classes of a stage of kind "class scores"; of probabilities also the logarithms of
    all, from which the page computes them anew with another temperature."""
    scores = np.asarray(stages[index].arrays["class_scores"], np.float64)  # (K,)
    best = np.argsort(-scores, kind="stable")
    probabilities = bool(scores.size and scores.min() >= 0 and abs(scores.sum() - 1) < 1e-3)
    if not probabilities or len(scores) < 2:
        return None  # the picture has all that there is to see
    return {
        "name": "class_scores",
        "title": "Make the softmax sharper or flatter",
        "data": {
            "classes": [model.classes[k] for k in best[:MOST_SCORES]],
            "logs": packed(np.log(np.maximum(scores[best], LEAST)), "float32"),
        },
    }


def pose(stages: Sequence[Stage], index: int, model: Model) -> dict[str, Any] | None:
    """The joints of a stage of kind "pose", by name."""
    arrays = stages[index].arrays
    joints = np.asarray(arrays["joints"], np.float64)  # (J, 2)
    names = [str(name) for name in arrays.get("joint_names", [])]
    names = names or [f"joint {number}" for number in range(1, len(joints) + 1)]
    before = next((s for s in reversed(stages[:index]) if s.kind == "pose"), None)
    moved_from = None if before is None else np.asarray(before.arrays["joints"]).round(2).tolist()
    return {
        "name": "pose",
        "title": "The joints by name",
        "data": {"names": names, "joints": joints.round(2).tolist(), "from": moved_from},
    }


WIDGETS: Mapping[str, Callable[[Sequence[Stage], int, Model], dict[str, Any] | None]] = {
    "class scores": class_scores,
    "pose": pose,
}
