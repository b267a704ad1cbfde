"""Two libraries' arrays of one prediction, compared stage by stage.

The stages before the proposals are compared number by number. From there on each library works on
its own proposals: a box that one of them has a little lower in its list, because two scores differ
in the seventh digit, would shift all that come after it. So boxes are paired first, each with the
nearest one of the other side, and what belongs to them is compared pair by pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Arrays = Mapping[str, np.ndarray]

# What issue and documentation promise.
SCORE, BOX, JOINT, MASK_IOU, LOSS = 1e-4, 0.05, 0.1, 0.99, 1e-4
PIXELS = 1e-4  # share of those with another class: where two scores are equal to five digits
FEATURES = 1e-3  # of the deviation of the map
PAIR = 0.5  # pixels: boxes further apart are different boxes


@dataclass(frozen=True)
class Difference:
    """How far two libraries are apart at one stage.

    Attributes:
        stage: name of the array.
        largest: the largest difference; of masks 1 - IoU.
        allowed: what it may be.
        without: proposals or detections that one side alone has.
        count: numbers, boxes, masks or joints that were compared.
    """

    stage: str
    largest: float
    allowed: float
    without: int = 0
    count: int = 0

    @property
    def agrees(self) -> bool:
        """Whether the stage is within its tolerance, and no detection is without a pair."""
        return self.largest <= self.allowed and (
            self.without == 0 or self.stage.startswith("proposals")
        )


def compare(ours: Arrays, theirs: Arrays) -> list[Difference]:
    """Every stage that both have, in the order of the prediction.

    >>> same = {"pixels": np.zeros((3, 2, 2))}
    >>> compare(same, same)
    [Difference(stage='pixels', largest=0.0, allowed=0.0001, without=0, count=12)]
    """
    found = [_numbers("pixels", ours, theirs, 1e-4)]
    if "boxes" not in ours:
        return found
    for level in range(sum(name.startswith("features_") for name in theirs)):
        found.append(_numbers(f"features_{level}", ours, theirs, FEATURES, relative=True))
    found.append(_numbers("anchors", ours, theirs, 0.0))
    found.append(_numbers("objectness", ours, theirs, FEATURES, relative=True))
    found.append(_numbers("deltas", ours, theirs, FEATURES, relative=True))

    pairs = pair_boxes(ours["proposals"], theirs["proposals"])
    alone = len(ours["proposals"]) + len(theirs["proposals"]) - 2 * len(pairs)
    found.append(_paired("proposals", ours, theirs, pairs, BOX, alone))
    found.append(_paired("proposal_scores", ours, theirs, pairs, SCORE))
    for name in ("pooled", "class_logits", "box_deltas"):
        found.append(_paired(name, ours, theirs, pairs, FEATURES, relative=True))

    pairs = pair_boxes(ours["boxes"], theirs["boxes"], ours["labels"], theirs["labels"])
    alone = len(ours["boxes"]) + len(theirs["boxes"]) - 2 * len(pairs)
    found.append(_paired("boxes", ours, theirs, pairs, BOX, alone))
    found.append(_paired("scores", ours, theirs, pairs, SCORE))
    if "masks" in theirs:
        for name in ("mask_pooled", "mask_probabilities"):
            relative = name == "mask_pooled"
            found.append(_paired(name, ours, theirs, pairs, FEATURES, relative=relative))
        worst = max(
            (1 - mask_iou(ours["masks"][i], theirs["masks"][j]) for i, j in pairs), default=0.0
        )
        found.append(Difference("masks", worst, 1 - MASK_IOU, count=len(pairs)))
    if "keypoints" in theirs:
        for name in ("keypoint_pooled", "heatmaps"):
            found.append(_paired(name, ours, theirs, pairs, FEATURES, relative=True))
        found.append(_paired("keypoints", ours, theirs, pairs, JOINT))
        found.append(_paired("keypoint_scores", ours, theirs, pairs, FEATURES))
    return found


def compare_losses(ours: Arrays, theirs: Arrays) -> list[Difference]:
    """The relative difference of every loss, the proposals they were drawn from, and how many
    samples were drawn on one side alone."""
    found = []
    for name in theirs:
        if name.startswith("drawn_"):
            alone = len(set(ours[name].tolist()) ^ set(theirs[name].tolist()))
            found.append(Difference(name, 0.0, 0.0, alone, len(theirs[name])))
        elif name.startswith("proposals_"):
            pairs = pair_boxes(ours[name], theirs[name])
            alone = len(ours[name]) + len(theirs[name]) - 2 * len(pairs)
            found.append(_paired(name, ours, theirs, pairs, BOX, alone))
        elif name.startswith("loss_"):
            wanted = float(theirs[name])
            found.append(Difference(name, abs(float(ours[name]) - wanted) / wanted, LOSS, count=1))
    return found


def compare_scores(ours: Arrays, theirs: Arrays) -> list[Difference]:
    """Of a segmenter: features, scores, and the share of pixels that get another class."""
    labels = theirs["logits"].argmax(axis=0)
    other = float((ours["segmentation"] != labels).mean())
    found = [
        _numbers("features", ours, theirs, FEATURES, relative=True),
        _numbers("logits", ours, theirs, FEATURES, relative=True),
        Difference("segmentation", other, PIXELS, count=labels.size),
    ]
    if "loss_pixels" in theirs:
        found += compare_losses(ours, {"loss_pixels": theirs["loss_pixels"]})
    return found


def pair_boxes(
    ours: np.ndarray,
    theirs: np.ndarray,
    our_labels: np.ndarray | None = None,
    their_labels: np.ndarray | None = None,
) -> np.ndarray:
    """(P, 2) indices: boxes no more than `PAIR` pixels apart, each in one pair at most.

    >>> a = np.array([[0.0, 0, 8, 8], [1.0, 0, 9, 8], [4.0, 4, 6, 6]])
    >>> pair_boxes(a, a[[2, 0]]).tolist()
    [[0, 1], [2, 0]]
    """
    pairs: list[tuple[int, int]] = []
    if len(theirs) == 0:
        return np.zeros((0, 2), np.int64)
    free = np.ones(len(theirs), bool)
    for i, box in enumerate(ours):
        apart = np.abs(theirs - box).max(axis=1)
        apart[~free] = np.inf
        if our_labels is not None and their_labels is not None:
            apart[their_labels != our_labels[i]] = np.inf
        j = int(apart.argmin())
        if apart[j] <= PAIR:
            pairs.append((i, j))
            free[j] = False
    return np.array(pairs, np.int64).reshape(-1, 2)


def mask_iou(first: np.ndarray, second: np.ndarray) -> float:
    """Of two masks (H, W); two empty ones are equal."""
    union = (first | second).sum()
    return 1.0 if union == 0 else float((first & second).sum() / union)


WHOLE = ("size", "proposals", "proposal_scores", "boxes", "labels", "scores", "masks")
ALSO_WHOLE = ("keypoints", "keypoint_scores")
KEPT = 500  # numbers of every other array


def thinned(arrays: Arrays) -> dict[str, np.ndarray]:
    """For a small file: boxes and all that belongs to them, of other arrays numbers at equal steps.

    >>> {name: array.shape for name, array in thinned({"boxes": np.zeros((2, 4)),
    ...     "features_0": np.zeros((3, 40, 50))}).items()}
    {'boxes': (2, 4), 'features_0': (462,)}
    """
    return {
        name: array
        if name in WHOLE + ALSO_WHOLE or array.size <= KEPT
        else array.reshape(-1)[:: -(-array.size // KEPT) | 1]
        for name, array in arrays.items()
    }


def _numbers(
    name: str, ours: Arrays, theirs: Arrays, allowed: float, relative: bool = False
) -> Difference:
    a, b = ours[name], theirs[name]
    if a.shape != b.shape:
        raise ValueError(f"{name}: our shape is {a.shape}, torchvision's is {b.shape}")
    scale = float(b.std()) if relative else 1.0
    largest = float(np.abs(a - b).max(initial=0)) / (scale or 1.0)
    return Difference(name, largest, allowed, count=a.size)


def _paired(
    name: str,
    ours: Arrays,
    theirs: Arrays,
    pairs: np.ndarray,
    allowed: float,
    alone: int = 0,
    relative: bool = False,
) -> Difference:
    a, b = ours[name][pairs[:, 0]], theirs[name][pairs[:, 1]]
    scale = float(b.std()) if relative and b.size else 1.0
    largest = float(np.abs(a - b).max(initial=0)) / (scale or 1.0)
    return Difference(name, largest, allowed, alone, len(pairs))
