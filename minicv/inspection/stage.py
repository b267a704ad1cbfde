"""Stages: what a system makes of one image, step by step, in a form that anybody can draw."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Arrays = Mapping[str, Any]

# What each kind of stage holds, and how `minicv.inspection.draw_stages` shows it. Boxes are in the
# pixels of the stage's own ``image``, or else of the last stage before it that has one.
KINDS = {
    "image": "image (3, H, W), floats in 0..1",
    "features": "features (C, h, w); stride, pixels of the image per cell",
    "anchors": "anchors (h, w, A, 4)",
    "objectness": "objectness (h, w, A), in 0..1; anchors (h, w, A, 4)",
    "boxes": "boxes (R, 4), best first; scores (R,)",
    "regions": "boxes (R, 4); crops (R, 3, S, S), floats in 0..1, where the system cuts them out",
    "region features": "boxes (R, 4); region_features (R, C, h, w) or (R, P)",
    "region scores": "boxes (R, 4); class_scores (R, K), in 0..1",
    "refined boxes": "boxes (R, 4); refined_boxes (R, K, 4); class_scores (R, K)",
    "detections": "image (3, H, W); boxes (D, 4); labels (D,); scores (D,)",
    "class scores": "class_scores (K,), in 0..1",
    "class maps": "class_maps (K, h, w), in 0..1",
    "label map": "image (3, H, W); segmentation (H, W)",
}


@dataclass(frozen=True)
class Stage:
    """One numbered step of a system, run on one image.

    Attributes:
        name: one meaning everywhere, e.g. "proposals", "region_features", "class_scores".
        caption: a sentence for the picture.
        kind: one of `KINDS`, which says what ``arrays`` holds and how the stage is drawn.
        arrays: NumPy arrays by name.
        seconds: that the step took.

    Raises:
        ValueError: a kind that is not in `KINDS`.

    >>> import numpy as np
    >>> Stage("input", "The image", "image", {"image": np.zeros((3, 4, 4))}, 0.0).kind
    'image'
    """

    name: str
    caption: str
    kind: str
    arrays: Arrays
    seconds: float

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(
                f"Stage {self.name!r}: kind is {self.kind!r}; expected one of {', '.join(KINDS)}"
            )


class StageRecorder:
    """Collects the stages of one run; a model's `predict` and `stages` run the same code with it.

    Args:
        keep: False, as in `predict`, keeps nothing and calls none of the functions that it is
            given, so that recording costs a prediction nothing.

    Attributes:
        stages: recorded so far, in order.

    >>> import numpy as np
    >>> record = StageRecorder(keep=True)
    >>> record("input", "The image", "image", lambda: {"image": np.zeros((3, 4, 4))})
    >>> [stage.name for stage in record.stages]
    ['input']
    """

    def __init__(self, keep: bool) -> None:
        self.keep = keep
        self.stages: list[Stage] = []
        self._since = time.perf_counter()

    def __call__(self, name: str, caption: str, kind: str, arrays: Callable[[], Arrays]) -> None:
        """Note that a step has ended: its seconds are those since the step before.

        Args:
            name, caption, kind: see `Stage`.
            arrays: gives the step's arrays; called only where stages are kept.
        """
        if not self.keep:
            return
        seconds = time.perf_counter() - self._since
        self.stages.append(Stage(name, caption, kind, arrays(), seconds))
        self._since = time.perf_counter()  # what it took to copy the arrays is nobody's step
