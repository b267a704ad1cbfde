"""Scores of classes, the numbers of a code, and joints, to look at one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minicv.explain.encoding import packed
from minicv.inspection.stage import Stage
from minicv.models.model import Model

MOST_SCORES = 20
MOST_OF_A_CODE = 512


def class_scores(stages: Sequence[Stage], index: int, model: Model) -> dict[str, Any] | None:
    """The best classes of a stage of kind "class scores", each with its score."""
    scores = np.asarray(stages[index].arrays["class_scores"], np.float64)  # (K,)
    best = np.argsort(-scores, kind="stable")[:MOST_SCORES]
    probabilities = bool(scores.size and scores.min() >= 0 and abs(scores.sum() - 1) < 1e-3)
    return {
        "name": "class_scores",
        "title": "The scores, class by class",
        "data": {
            "classes": [model.classes[k] for k in best],
            "scores": scores[best].tolist(),
            "of": len(scores),
            "probabilities": probabilities,
        },
    }


def code(stages: Sequence[Stage], index: int, model: Model) -> dict[str, Any] | None:
    """The numbers of a stage of kind "code"."""
    numbers = np.asarray(stages[index].arrays["code"])  # (D,)
    return {
        "name": "code",
        "title": "The code, number by number",
        "data": {"numbers": packed(numbers[:MOST_OF_A_CODE], "float32"), "of": len(numbers)},
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
    "code": code,
    "pose": pose,
}
