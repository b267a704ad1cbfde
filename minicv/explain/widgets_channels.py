"""The largest channels of a feature map, to step through one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minicv.explain.encoding import packed
from minicv.inspection.stage import Stage
from minicv.models.model import Model

MOST_CHANNELS = 10
MOST_CELLS = 128  # rows and columns of a channel in the page


def channels(stages: Sequence[Stage], index: int, model: Model) -> dict[str, Any] | None:
    """The ten channels with the largest numbers of a stage of kind "features".

    A map of one cell is a vector, and has none to step through.
    """
    stage = stages[index]
    features = np.asarray(stage.arrays["features"], np.float32)  # (C, h, w)
    count, height, width = features.shape
    if height * width == 1 or count == 0:
        return None
    largest = np.abs(features).max(axis=(1, 2))  # (C,)
    chosen = np.argsort(-largest, kind="stable")[:MOST_CHANNELS]
    step = max(1, -(-max(height, width) // MOST_CELLS))
    shown = features[chosen][:, ::step, ::step]
    return {
        "name": "channels",
        "title": "Step through the largest channels",
        "data": {
            "channels": chosen.tolist(),
            "of": count,
            "maps": packed(shown),
            "least": features[chosen].min(axis=(1, 2)).tolist(),
            "most": features[chosen].max(axis=(1, 2)).tolist(),
            "cell": float(stage.arrays["stride"]) * step,  # in pixels of the photograph
        },
    }


WIDGETS: Mapping[str, Callable[[Sequence[Stage], int, Model], dict[str, Any] | None]] = {
    "features": channels
}
