"""Stages: what a system computes for one image, step by step, in a form that can be drawn."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicv.backend import Array, to_numpy
from minicv.inspection.stage_source import SourceTrail, StageSource

Arrays = Mapping[str, Any]

# What each kind of stage holds, and the shape of each array; `minicv.inspection.draw_stages` draws
# a stage by its kind. Equal letters are equal numbers, "" is a single number, "..." is one axis or
# more, and an array whose name ends in "?" may be absent. Scores, objectness and class maps are in
# 0..1, images and crops too. Boxes are in the pixels of the stage's own ``image``, or else of the
# last stage before it that has one.
KINDS: dict[str, dict[str, str]] = {
    "image": {"image": "3 H W"},
    "features": {"features": "C h w", "stride": ""},  # stride: pixels of the image per cell
    "anchors": {"anchors": "h w A 4"},
    "objectness": {"objectness": "h w A", "anchors": "h w A 4"},
    # Any scores, the best first; of a proposal network the anchor that each box was, among all.
    "boxes": {"boxes": "R 4", "scores": "R", "anchor_indices?": "R"},
    "regions": {"boxes": "R 4", "crops?": "R 3 S T"},  # where the system cuts regions out
    # (R, C, h, w) or (R, P); of P numbers the first C h w may be maps: "maps" is C, h, w
    "region features": {"boxes": "R 4", "region_features": "R ...", "maps?": "3"},
    "region scores": {"boxes": "R 4", "class_scores": "R K"},
    "refined boxes": {"boxes": "R 4", "refined_boxes": "R K 4", "class_scores": "R K"},
    "detections": {  # and the region that each was, among those of the stages before
        "image": "3 H W", "boxes": "D 4", "labels": "D", "scores": "D", "region_indices?": "D",
    },
    "class scores": {"class_scores": "K"},  # those of an SVM may be any numbers
    "class maps": {"class_maps": "K h w"},
    "code": {"code": "D"},  # of an autoencoder: any numbers
    "label map": {"image": "3 H W", "segmentation": "H W"},
    # The anchors of all levels of a pyramid; ``levels`` are numbers of ``strides``; of each level
    # ``grids`` has the rows, the columns, and the anchors at each cell.
    "anchors of levels": {"anchors": "M 4", "levels": "M", "strides": "L", "grids?": "L 3"},
    "objectness of levels": {
        "anchors": "M 4", "levels": "M", "strides": "L", "objectness": "M", "grids?": "L 3",
    },
    "levels": {"boxes": "R 4", "levels": "R", "strides": "L"},  # from which each is pooled
    "mask probabilities": {
        "boxes": "D 4", "labels": "D", "scores": "D", "mask_probabilities": "D M M",
    },
    # Each joint's map sums to 1; it is stretched over the box.
    "heat maps": {"boxes": "D 4", "heatmaps": "D J M M", "joint_names?": "J"},
    "instances": {
        "image": "3 H W", "boxes": "D 4", "labels": "D", "scores": "D", "masks?": "D H W",
        "keypoints?": "D J 3", "keypoint_scores?": "D J", "joint_names?": "J",
    },
    "pose": {"image": "3 H W", "joints": "J 2", "joint_names?": "J"},  # of the one person
}  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """One numbered step of a system, run on one image.

    Attributes:
        name: one meaning everywhere, e.g. "proposals", "region_features", "class_scores".
        caption: for the picture; its first line is the heading.
        kind: one of `KINDS`, which says what ``arrays`` holds and how the stage is drawn.
        arrays: NumPy arrays by name.
        seconds: that the step took.
        source: the code of the step, function by function, where a `StageRecorder` saw it.

    Raises:
        ValueError: a kind that is not in `KINDS`, an array that is missing, or one of another shape
            than its kind has.

    >>> import numpy as np
    >>> Stage("input", "The image", "image", {"image": np.zeros((3, 4, 4))}, 0.0).kind
    'image'
    """

    name: str
    caption: str
    kind: str
    arrays: Arrays
    seconds: float
    source: tuple[StageSource, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(
                f"Stage {self.name!r}: kind is {self.kind!r}; expected one of {', '.join(KINDS)}"
            )
        self.sizes()

    def sizes(self) -> dict[str, int]:
        """The number that each letter of the kind's shapes stands for.

        >>> import numpy as np
        >>> Stage("input", "", "image", {"image": np.zeros((3, 4, 6))}, 0.0).sizes()
        {'H': 4, 'W': 6}
        """
        sizes: dict[str, int] = {}
        for array, expected in KINDS[self.kind].items():
            name = array.removesuffix("?")
            if name not in self.arrays:
                if array != name:
                    continue
                raise ValueError(
                    f"Stage {self.name!r}: a stage of kind {self.kind!r} needs {name!r}; it has "
                    f"{', '.join(self.arrays) or 'nothing'}"
                )
            shape = np.shape(self.arrays[name])
            letters = expected.split()
            fits = len(shape) == len(letters)
            if letters[-1:] == ["..."]:
                letters = letters[:-1]
                fits = len(shape) > len(letters)
            for letter, size in zip(letters, shape, strict=False):
                known = int(letter) if letter.isdigit() else sizes.setdefault(letter, size)
                fits = fits and size == known
            if not fits:
                given = "".join(f", {letter} = {size}" for letter, size in sizes.items())
                raise ValueError(
                    f"Stage {self.name!r}: {name} expects the shape ({', '.join(expected.split())})"
                    f" but has {shape}{given}"
                )
        return sizes


class StageRecorder:
    """Collects the stages of one run; a model's `predict` and `stages` run the same code with it.

    Args:
        keep: False, as in `predict`, keeps nothing and calls none of the functions that it is
            given, so that recording costs a prediction nothing.

    A GPU works while Python goes on. There the seconds of a step end when its work is queued, not
    when it is done.

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
        self._trail = SourceTrail()

    def __call__(self, name: str, caption: str, kind: str, arrays: Callable[[], Arrays]) -> None:
        """Record that a step has ended; its seconds count from the end of the step before.

        Args:
            name, caption, kind: see `Stage`.
            arrays: gives the step's arrays; called only where stages are kept.
        """
        if not self.keep:
            return
        seconds = time.perf_counter() - self._since
        source = self._trail.to_here(sys._getframe(1))
        self.stages.append(Stage(name, caption, kind, arrays(), seconds, source))
        self._since = time.perf_counter()  # copying the arrays belongs to no step


def record_input(
    record: StageRecorder, size: tuple[int, ...], image: Callable[[], np.ndarray]
) -> None:
    """Record the image (3, H, W), 0..1, as "input". Later boxes are in its pixels.

    Args:
        record: of the run.
        size: (H, W).
        image: gives the image; called only where stages are kept.

    >>> import numpy as np
    >>> record = StageRecorder(keep=True)
    >>> record_input(record, (40, 60), lambda: np.zeros((3, 40, 60), "float32"))
    >>> record.stages[0].name, record.stages[0].caption
    ('input', 'Input\\n60 × 40 pixels')
    """
    height, width = size
    caption = f"Input\n{width} × {height} pixels"
    record("input", caption, "image", lambda: {"image": image()})


def record_features(
    record: StageRecorder, features: Array, stride: float, name: str = "feature_map"
) -> None:
    """Record a feature map (C, h, w), and its stride in pixels of the input.

    The heading is the stage's name in words; a number at its end that is the stride is called so.

    >>> import numpy as np
    >>> record = StageRecorder(keep=True)
    >>> record_features(record, np.zeros((16, 5, 8), "float32"), 8)
    >>> record.stages[0].name, record.stages[0].caption
    ('feature_map', 'Feature map\\n16 channels of 8 × 5')
    """
    channels, height, width = features.shape
    heading = name.removesuffix(f"_{stride:g}").replace("_", " ").capitalize()
    if name.endswith(f"_{stride:g}"):
        heading += f" of stride {stride:g}"
    caption = f"{heading}\n{channels} channels of {width} × {height}"
    record(name, caption, "features", lambda: {"features": to_numpy(features), "stride": stride})
