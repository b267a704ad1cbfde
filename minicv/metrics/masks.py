"""The input of the mask metrics, and how much masks overlap.

``predictions`` and ``targets`` are lists with one dict per image, in the same order:

    prediction  masks          (n, H, W) bool, or n run lengths; see `minicv.vision.mask_runs`
                scores (n,)    any numbers that order the masks; equal scores keep their order
                labels (n,)    0..K-1
    target      masks          m of them, of the same H and W
                labels (m,)
                difficult (m,) bool, need not be found
                iscrowd (m,)   bool, COCO: the mask covers many objects at once
                area (m,)      COCO: the object's area, which decides small, medium or large; the
                               area of the mask where it is absent

The last three may be absent, and other keys are ignored. n and m may be 0; an empty list will do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minicv.metrics.detections import (
    check_lengths,
    read_areas,
    read_labels,
    read_marks,
    read_values,
)
from minicv.vision.mask_runs import MaskRuns, mask_runs


class MaskPredictions(NamedTuple):
    """The predictions of one image, best score first: n masks, scores (n,), labels (n,)."""

    masks: MaskRuns
    scores: np.ndarray
    labels: np.ndarray


class MaskTargets(NamedTuple):
    """The ground truth of one image: m masks; labels, difficult, iscrowd and area (m,)."""

    masks: MaskRuns
    labels: np.ndarray
    difficult: np.ndarray
    iscrowd: np.ndarray
    area: np.ndarray


def read_masks(
    predictions: Sequence[Mapping], targets: Sequence[Mapping], operation: str
) -> tuple[list[MaskPredictions], list[MaskTargets]]:
    """Check both lists and bring the masks to runs, the best scores first.

    Args:
        predictions, targets: see the docstring of this module.
        operation: the metric's name, for the messages.

    Raises:
        ValueError: the lists differ in length, a field is not as it should be, or the masks of an
            image are of two sizes; the message names image and field.

    >>> square = np.ones((1, 4, 4), dtype=bool)
    >>> found = {"masks": square, "scores": np.array([0.9]), "labels": [0]}
    >>> read, there = read_masks([found], [{"masks": square, "labels": [0]}], "doctest")
    >>> read[0].masks.size, there[0].area.tolist()
    ((4, 4), [16.0])
    """
    check_lengths(predictions, targets, operation)
    found, there = [], []
    for index, (prediction, target) in enumerate(zip(predictions, targets, strict=True)):
        names = f"{operation}: predictions[{index}]", f"{operation}: targets[{index}]"
        found.append(read_mask_predictions(prediction, names[0]))
        there.append(read_mask_targets(target, names[1]))
        check_sizes(found[-1].masks, there[-1].masks, *[f"{name}['masks']" for name in names])
    return found, there


def read_mask_field(image: Mapping, where: str) -> MaskRuns:
    """The field "masks" as runs.

    Raises:
        ValueError: it is missing, or holds no masks.
    """
    if "masks" not in image:
        raise ValueError(f"{where} has no field 'masks'; it has {sorted(image)}")
    return mask_runs(image["masks"], f"{where}['masks']")


def check_sizes(found: MaskRuns, there: MaskRuns, found_name: str, there_name: str) -> None:
    """Refuse masks of two sizes. No masks at all have no size, and fit any.

    Raises:
        ValueError: the sizes differ.

    >>> one = mask_runs(np.ones((1, 4, 5), dtype=bool))
    >>> check_sizes(one, mask_runs([]), "found", "there")
    """
    if found.size is not None and there.size is not None and found.size != there.size:
        sizes = [f"{height} x {width}" for height, width in (found.size, there.size)]
        raise ValueError(
            f"{found_name} are of {sizes[0]} pixels (height x width) but {there_name} of "
            f"{sizes[1]}; expected masks of the image's own size"
        )


def mask_overlaps(found: MaskRuns, there: MaskRuns, iscrowd: np.ndarray) -> np.ndarray:
    """How much each detected mask overlaps each true mask, as COCO counts it.

    |A n B| / |A u B|, and where B is a crowd |A n B| / |A|.

    Args:
        found, there: D and G masks of one image.
        iscrowd: (G,) bool.

    Returns:
        (D, G) float64, from 0 to 1; 0 where nothing overlaps, empty masks included.

    >>> columns = np.zeros((2, 4, 4), dtype=bool)
    >>> columns[0, :, :2] = columns[1, :, 1:] = True
    >>> both = mask_runs(columns)
    >>> mask_overlaps(both, both, np.array([False, True])).round(2).tolist()
    [[1.0, 0.5], [0.25, 1.0]]
    """
    shared = found.intersection(there)
    area = found.area()[:, None]
    whole = np.where(iscrowd, area, area + there.area() - shared)
    return shared / np.maximum(whole, 1)


def read_mask_predictions(image: Mapping, where: str) -> MaskPredictions:
    """The predictions of one image, checked.

    Args:
        image: masks, scores and labels; see the docstring of this module.
        where: begins the message of an error.

    Raises:
        ValueError: a field is missing or wrong.
    """
    masks = read_mask_field(image, where)
    scores = read_values(image, "scores", len(masks), where, np.float64)
    labels = read_labels(image, len(masks), where)
    best_first = np.argsort(-scores, kind="stable")
    return MaskPredictions(masks[best_first], scores[best_first], labels[best_first])


def read_mask_targets(image: Mapping, where: str) -> MaskTargets:
    """The targets of one image, checked.

    Args:
        image: masks and labels; see the docstring of this module.
        where: begins the message of an error.

    Raises:
        ValueError: a field is missing or wrong.
    """
    masks = read_mask_field(image, where)
    count = len(masks)
    return MaskTargets(
        masks=masks,
        labels=read_labels(image, count, where),
        difficult=read_marks(image, "difficult", count, where),
        iscrowd=read_marks(image, "iscrowd", count, where),
        area=read_areas(image, masks.area(), where),
    )
