"""Assign and sample: which anchors and proposals are learnt from, and what they should say.

Everything here is plain arrays: targets are constants by construction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minicv.backend import Array, xp_of
from minicv.models.detection.image_batch import ImageBatch
from minicv.vision.boxes import Weights, encode_boxes
from minicv.vision.matching import Matcher, balanced_sample


def learnable_objects(target: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The boxes (G, 4) and labels (G,) of one image that a detector should learn from.

    Objects marked "difficult" (Pascal VOC) are left out, as in Fast and Faster R-CNN, and so are
    regions marked "iscrowd" (COCO), where one box stands for many objects.

    >>> target = {"boxes": np.zeros((2, 4)), "labels": np.array([3, 5]),
    ...           "difficult": np.array([True, False])}
    >>> learnable_objects(target)[1].tolist()
    [5]
    """
    keep = np.ones(len(target["labels"]), dtype=bool)
    for mark in ("difficult", "iscrowd"):
        if mark in target:
            keep &= ~np.asarray(target[mark], dtype=bool)
    return target["boxes"][keep].astype(np.float32), target["labels"][keep]


class Objects(NamedTuple):
    """What is truly in an image: boxes (G, 4) in the pixels of the batch, and labels (G,)."""

    boxes: Array
    labels: Array


def objects_in_batch(
    batch: ImageBatch, targets: Sequence[Mapping[str, Any]], like: Array
) -> list[Objects]:
    """The `learnable_objects` of each image, on the device of ``like``."""
    xp = xp_of(like)
    learnable = [learnable_objects(target) for target in targets]
    return [
        Objects(xp.asarray(batch.boxes_to_batch(i, boxes)), xp.asarray(labels))
        for i, (boxes, labels) in enumerate(learnable)
    ]


class AnchorTargets(NamedTuple):
    """What the proposal network should say about the anchors that were drawn.

    Attributes:
        index: (S,) the drawn anchors, positives first.
        is_object: (S,) 1.0 for positives, 0.0 for background.
        deltas: (P, 4) the offsets that the first P, the positives, should have.
    """

    index: Array
    is_object: Array
    deltas: Array


def anchor_targets(
    anchors: Array,
    target_boxes: Array,
    matcher: Matcher,
    count: int,
    positive_fraction: float,
    rng: np.random.Generator,
) -> AnchorTargets:
    """Draw ``count`` anchors of one image and say what they should predict.

    An image without objects gives background alone.

    Source: Ren et al. 2015, section 3.1.2 and 3.1.3.
    """
    xp = xp_of(anchors, target_boxes)
    matches = matcher(target_boxes, anchors)
    positive, negative = balanced_sample(matches.label, count, positive_fraction, rng)
    matched = target_boxes[matches.target_index[positive]]  # (P, 4)
    return AnchorTargets(
        index=xp.concatenate([positive, negative]),
        is_object=(xp.arange(len(positive) + len(negative)) < len(positive)).astype(anchors.dtype),
        deltas=encode_boxes(matched, anchors[positive]),
    )


class RegionTargets(NamedTuple):
    """What the head should say about the proposals that were drawn.

    Attributes:
        boxes: (S, 4) the drawn proposals, positives first.
        columns: (S,) the right column of the class scores: label + 1, or 0 for background.
        deltas: (P, 4) the offsets that the first P, the positives, should have in that column.
    """

    boxes: Array
    columns: Array
    deltas: Array


def region_targets(
    proposals: Array,
    target_boxes: Array,
    target_labels: Array,
    matcher: Matcher,
    count: int,
    positive_fraction: float,
    box_weights: Weights,
    rng: np.random.Generator,
) -> RegionTargets:
    """Draw ``count`` proposals of one image and say what the head should predict.

    The true boxes join the proposals: at the start of training those are all bad, and without a
    positive there would be nothing to learn from.

    Which regions are background is for the matcher to say. ``Matcher(0.5, 0.5)`` takes all that
    hold no object; with ``background_floor=0.1``, as in SPP-net and Fast R-CNN, only those are
    drawn that overlap one a little. Where too few do, the sample is smaller, as in the papers; it
    is not filled up with the easy ones.

    Source: Girshick, Fast R-CNN, 2015, section 2.3; Ren et al. 2015, section 3.2.
    """
    xp = xp_of(proposals, target_boxes)
    candidates = xp.concatenate([proposals, target_boxes.astype(proposals.dtype)])  # (R+G, 4)
    matches = matcher(target_boxes, candidates)
    positive, negative = balanced_sample(matches.label, count, positive_fraction, rng)
    target_of = matches.target_index[positive]
    matched, labels = target_boxes[target_of], target_labels[target_of]  # (P, 4), (P,)
    background = xp.zeros(len(negative), dtype=xp.int64)
    return RegionTargets(
        boxes=candidates[xp.concatenate([positive, negative])],
        columns=xp.concatenate([labels.astype(xp.int64) + 1, background]),
        deltas=encode_boxes(matched, candidates[positive], box_weights),
    )
