"""Training of objectness: the parameter of each cue, and what its scores say.

Source: Alexe, Deselaers & Ferrari, "Measuring the objectness of image windows" (2012), sections 3
and 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.proposals.objectness import CUES, CueModel, ObjectnessModel, all_windows, shrunk
from minicv.proposals.proposer import checked_image
from minicv.vision.boxes import box_iou

OBJECT_IOU = 0.5  # a window that overlaps an object by this holds it
# What is tried for each of CUES: thresholds (times the mean), surrounds, shrinks, and k.
CHOICES = ((1.0, 2.0, 4.0), (1.5, 2.0, 3.0), (1.3, 2.0, 3.0), (50.0, 150.0, 450.0))
BINS = 20


def train_objectness(
    images: Sequence[np.ndarray],
    boxes: Sequence[np.ndarray],
    rng: np.random.Generator,
    positives: int = 50,
    negatives: int = 100,
    least_area: float = 1000.0,
) -> ObjectnessModel:
    """Learn from windows that hold objects and windows that do not.

    From the windows of an image some that overlap an object by an IoU of 0.5 are drawn, and some
    that overlap none. For each cue and each choice of its parameter the scores of both are counted
    in bins; the ratio of the two histograms is the evidence of a score. The choice that makes the
    drawn objects most probable, by this cue alone and with both kinds equally frequent, is taken.
    (The paper chooses so for three cues; for saliency it takes the threshold that localises best.)

    Args:
        images: each (3, H, W), float in 0..1.
        boxes: for each image the (N, 4) boxes of its objects.
        rng: draws the windows.
        positives, negatives: windows of either kind that are drawn from an image, at most.
        least_area: of a window, square pixels of the image.

    Raises:
        ValueError: images and boxes differ in number, or one of the two kinds has no window.

    Source: Alexe et al. 2012, equations 7 to 9.
    """
    if len(images) != len(boxes):
        raise ValueError(f"train_objectness: {len(images)} images but boxes for {len(boxes)}")
    scores: list[list[list[np.ndarray]]] = [[[] for _ in choices] for choices in CHOICES]
    holds: list[np.ndarray] = []
    seen = seen_positive = 0
    for image, objects in zip(images, boxes, strict=True):
        image = checked_image(image, "train_objectness")
        small = shrunk(image)
        windows, ratio = all_windows(image.shape[1:], small.shape[1:], least_area)
        overlaps = box_iou(windows * ratio, objects).max(axis=1, initial=0)
        is_object = overlaps >= OBJECT_IOU
        seen, seen_positive = seen + len(windows), seen_positive + np.count_nonzero(is_object)
        drawn = np.concatenate(
            [
                _some(np.flatnonzero(is_object), positives, rng),
                _some(np.flatnonzero(~is_object), negatives, rng),
            ]
        )
        if len(drawn) == 0:
            continue
        holds.append(is_object[drawn])
        for make_cue, choices, parts in zip(CUES, CHOICES, scores, strict=True):
            for parameter, part in zip(choices, parts, strict=True):
                part.append(make_cue(small, parameter).scores(windows[drawn]))
    is_object = np.concatenate([np.zeros(0, bool), *holds])
    if not 0 < np.count_nonzero(is_object) < len(is_object):
        raise ValueError(
            f"train_objectness: of {len(is_object)} windows drawn from {len(images)} images "
            f"{np.count_nonzero(is_object)} hold an object; both kinds are needed"
        )
    cues = tuple(
        max(
            (
                _fit(parameter, np.concatenate(part), is_object)
                for parameter, part in zip(choices, parts, strict=True)
            ),
            key=lambda fitted: fitted[1],
        )[0]
        for choices, parts in zip(CHOICES, scores, strict=True)
    )
    return ObjectnessModel(cues, float(np.log(seen_positive / (seen - seen_positive))))


def _some(indices: np.ndarray, at_most: int, rng: np.random.Generator) -> np.ndarray:
    if len(indices) <= at_most:
        return indices
    return rng.choice(indices, size=at_most, replace=False)


def _fit(parameter: float, scores: np.ndarray, is_object: np.ndarray) -> tuple[CueModel, float]:
    """The cue's evidence, and the mean log probability of the objects by it alone.

    Bins hold equally many windows; each bin counts one more of either kind than were seen, so that
    none excludes an object for certain.
    """
    edges = np.unique(np.quantile(scores, np.arange(1, BINS) / BINS))
    bins = np.searchsorted(edges, scores, side="right")
    counts = [
        np.bincount(bins[kind], minlength=len(edges) + 1) + 1.0 for kind in (is_object, ~is_object)
    ]
    shares = [count / count.sum() for count in counts]
    ratios = np.log(shares[0] / shares[1])
    quality = -np.logaddexp(0, -ratios[bins[is_object]]).mean()
    return CueModel(parameter, tuple(edges.tolist()), tuple(ratios.tolist())), float(quality)
