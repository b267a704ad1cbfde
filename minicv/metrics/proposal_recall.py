"""How good are proposals? How many of the objects have a box close to them, and how close?

For each object, take the best IoU among the first n boxes of its picture. From that, against n:

    recall at t   share of the objects whose best IoU is at least t
    ABO           average best overlap of a class: the mean of the best IoU over its objects
    MABO          the mean of ABO over the classes, so that a rare class counts as much as any

Objects that are difficult or stand for a crowd are left out.

Source: Uijlings et al., "Selective Search for Object Recognition" (2013), section 5; Hosang et al.,
"What makes for effective detection proposals?" (2016), section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from minicv.metrics.detections import read_detections
from minicv.vision import box_iou

Proposals = tuple[np.ndarray, np.ndarray]  # boxes (R, 4), scores (R,)


@dataclass(frozen=True)
class ProposalRecall:
    """What `proposal_recall` returns; B numbers of boxes, T thresholds, K classes.

    Attributes:
        counts: (B,) numbers of boxes.
        thresholds: (T,) overlaps.
        recall: (T, B), NaN where there are no objects at all.
        abo: (K, B), NaN for a class without objects.
        mabo: (B,) mean of ``abo`` over the classes that have objects.
        objects: how many there are.
        boxes_per_image: (B,) the mean number of boxes used; a picture may have fewer than n.
    """

    counts: np.ndarray
    thresholds: np.ndarray
    recall: np.ndarray
    abo: np.ndarray
    mabo: np.ndarray
    objects: int
    boxes_per_image: np.ndarray


def proposal_recall(
    proposals: Sequence[Proposals],
    targets: Sequence[Mapping],
    counts: Sequence[int] = (100, 500, 1000, 2000),
    thresholds: Sequence[float] = (0.5, 0.7),
) -> ProposalRecall:
    """Recall, ABO and MABO with the first n boxes of each picture.

    Args:
        proposals: of each image boxes and scores, as a proposer returns them.
        targets: of each image a dict of boxes, labels and perhaps difficult and iscrowd; see
            `minicv.metrics.detections`.
        counts: the numbers of boxes n.
        thresholds: overlaps from which an object counts as found (``>=``).

    Raises:
        ValueError: the lists differ in length, a field is not as it should be, or a number of boxes
            is below 1.

    >>> target = {"boxes": np.array([[0, 0, 8, 8], [20, 0, 28, 8]]), "labels": np.array([0, 1])}
    >>> proposals = np.array([[0, 0, 8, 8], [20, 0, 28, 6]]), np.array([0.9, 0.8])
    >>> found = proposal_recall([proposals], [target], counts=(1, 2), thresholds=(0.7, 0.8))
    >>> found.recall.tolist(), found.mabo.tolist()
    ([[0.5, 1.0], [0.5, 0.5]], [0.5, 0.875])
    """
    operation = "proposal_recall"
    first_boxes = np.asarray(counts, dtype=np.int64)  # (B,)
    least_overlaps = np.asarray(thresholds, dtype=np.float64)  # (T,)
    if len(first_boxes) and first_boxes.min() < 1:
        raise ValueError(f"{operation}: counts holds {first_boxes.min()}, expected 1 box or more")
    predictions = [
        {"boxes": boxes, "scores": scores, "labels": np.zeros(len(boxes))}
        for boxes, scores in proposals
    ]
    images, truths = read_detections(predictions, targets, operation)
    overlaps, labels = [np.zeros((0, len(first_boxes)))], [np.zeros(0, dtype=np.int64)]
    for image, truth in zip(images, truths, strict=True):
        wanted = ~(truth.difficult | truth.iscrowd)
        overlaps.append(_best_overlaps(image.boxes, truth.boxes[wanted], first_boxes))
        labels.append(truth.labels[wanted])
    overlap, label = np.concatenate(overlaps), np.concatenate(labels)  # (G, B), (G,)

    classes = int(label.max()) + 1 if len(label) else 0
    abo = np.full((classes, len(first_boxes)), np.nan)
    for k in np.unique(label):
        abo[k] = overlap[label == k].mean(axis=0)
    if len(label):
        recall = (overlap >= least_overlaps[:, None, None]).mean(axis=1)  # (T, G, B) -> (T, B)
        mabo = np.nanmean(abo, axis=0)
    else:
        recall = np.full((len(least_overlaps), len(first_boxes)), np.nan)
        mabo = np.full(len(first_boxes), np.nan)
    there = np.array([len(image.boxes) for image in images])
    used = np.minimum(there[:, None], first_boxes)  # (images, B)
    boxes_per_image = used.mean(axis=0) if len(there) else np.zeros(len(first_boxes))
    return ProposalRecall(
        first_boxes, least_overlaps, recall, abo, mabo, len(label), boxes_per_image
    )


def _best_overlaps(boxes: np.ndarray, objects: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(G, B): the best IoU of each object with one of the first n boxes; 0 without boxes."""
    nothing = np.zeros((1, len(objects)))
    overlaps = np.concatenate([nothing, box_iou(boxes, objects)])  # (1 + R, G)
    best_so_far = np.maximum.accumulate(overlaps, axis=0)
    return best_so_far[np.minimum(counts, len(boxes))].T  # (B, G) -> (G, B)
