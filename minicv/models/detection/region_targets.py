"""Which regions the head learns from, and their true classes and offsets.

The true boxes of an image join its proposals. Each such region is matched with the object that it
overlaps most; some regions are drawn, and for them it is known what the head should say.

Source: Girshick, Fast R-CNN, 2015, section 2.3.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minicv.backend import Array, xp_of
from minicv.backend.device import sent_together
from minicv.models.model import Target
from minicv.models.photographs import ImageBatch
from minicv.vision.boxes import Weights, encode_boxes
from minicv.vision.matching import Matcher, balanced_samples


class Objects(NamedTuple):
    """The G objects of one image that a detector learns from.

    Attributes:
        boxes: (G, 4).
        labels: (G,), 0..K-1.
        index: (G,) int64, where each object stands in the arrays of the target: the mask of object
            g is ``target["masks"][index[g]]``.
    """

    boxes: Array
    labels: Array
    index: Array


def learnable_objects(target: Target) -> Objects:
    """The objects of one image that a detector should learn from, in the pixels of the image.

    Objects marked "difficult" (Pascal VOC) are left out, as in Fast and Faster R-CNN, and so are
    regions marked "iscrowd" (COCO), where one box stands for many objects.

    >>> target = {"boxes": np.zeros((2, 4)), "labels": np.array([3, 5]),
    ...           "difficult": np.array([True, False])}
    >>> objects = learnable_objects(target)
    >>> objects.labels.tolist(), objects.index.tolist()
    ([5], [1])
    """
    keep = np.ones(len(target["labels"]), dtype=bool)
    for mark in ("difficult", "iscrowd"):
        if mark in target:
            keep &= ~np.asarray(target[mark], dtype=bool)
    index = np.flatnonzero(keep)
    return Objects(target["boxes"][index].astype(np.float32), target["labels"][index], index)


class ObjectsOfImages(NamedTuple):
    """The G objects of several images, image by image.

    Attributes:
        boxes: (G, 4).
        labels: (G,), 0..K-1.
        index: (G,) int64, see `Objects`.
        counts: how many objects each image has.
    """

    boxes: Array
    labels: Array
    index: Array
    counts: list[int]

    def of_image(self, number: int) -> Objects:
        """Those of one image."""
        start = sum(self.counts[:number])
        own = slice(start, start + self.counts[number])
        return Objects(self.boxes[own], self.labels[own], self.index[own])


def objects_in_batch(batch: ImageBatch, targets: Sequence[Target], like: Array) -> ObjectsOfImages:
    """`learnable_objects` of all images: in the batch's pixels, on the device of ``like``."""
    found = [learnable_objects(target) for target in targets]
    boxes = np.concatenate([batch.boxes_to_batch(i, own.boxes) for i, own in enumerate(found)])
    labels, index = (
        np.concatenate([own[field] for own in found]).astype(np.int64) for field in (1, 2)
    )
    labels, index = sent_together([labels, index], like)
    return ObjectsOfImages(
        xp_of(like).asarray(boxes), labels, index, [len(own.boxes) for own in found]
    )


class RegionTargets(NamedTuple):
    """The right output of the head for the S regions that were drawn, the P positives first.

    Attributes:
        boxes: (S, 4) the drawn regions.
        labels: (S,) the right class of each: label + 1, or 0 for background.
        deltas: (P, 4) the offsets that the positives should have for that class.
        matched: (P,) int64, the object that each positive holds: an `Objects.index`, so an index
            into the arrays of the target, such as its masks.
    """

    boxes: Array
    labels: Array
    deltas: Array
    matched: Array


def region_targets(
    proposals: Array,
    objects: Objects,
    matcher: Matcher,
    count: int,
    positive_fraction: float,
    rng: np.random.Generator,
    box_weights: Weights = (1.0, 1.0, 1.0, 1.0),
) -> RegionTargets:
    """Draw ``count`` proposals of one image and say what the head should predict.

    The true boxes join the proposals, because early in training all proposals are bad, and without
    a positive region there would be nothing to learn from. Targets are plain arrays, without a
    gradient.

    The matcher decides which regions are background. ``Matcher(0.5, 0.5)`` takes all that hold no
    object; with ``background_floor=0.1``, as in SPP-net and Fast R-CNN, a background region
    overlaps an object a little. Where there are too few such regions, the sample is smaller, as in
    the papers; easy background does not fill it.

    Args:
        proposals: (R, 4).
        objects: the true objects of the image.
        matcher: which regions hold an object, and which are background.
        count: S, unless there are fewer.
        positive_fraction: the share of S that positives have at most.
        rng: draws.
        box_weights: factors of the offsets, see `encode_boxes`.

    Source: Girshick, Fast R-CNN, 2015, section 2.3; Ren et al. 2015, section 3.2.
    """
    samples = count, positive_fraction
    truth = ObjectsOfImages(*objects, [len(objects.boxes)])
    (drawn,) = sample_regions([proposals], truth, matcher, *samples, rng, box_weights)
    return drawn


def sample_regions(
    proposals: Sequence[Array],
    objects: ObjectsOfImages,
    matcher: Matcher,
    count: int,
    positive_fraction: float,
    rng: np.random.Generator,
    box_weights: Weights = (1.0, 1.0, 1.0, 1.0),
) -> list[RegionTargets]:
    """`region_targets` of each image: (R, 4) proposals and objects in the pixels of the batch.

    Images are joined until the end. On a GPU the host waits once for all of them.
    """
    parts = []
    for i, proposed in enumerate(proposals):
        parts += [proposed, objects.of_image(i).boxes.astype(proposed.dtype, copy=False)]
    candidates = xp_of(*parts).concatenate(parts)  # (R + G, 4)
    counts = [len(p) + g for p, g in zip(proposals, objects.counts, strict=True)]
    matches = matcher.match_images(objects.boxes, objects.counts, candidates, counts)
    drawn = balanced_samples(matches.label, counts, count, positive_fraction, rng)

    rows, positive, places = sent_together(
        [drawn.rows, drawn.rows[drawn.places], drawn.places], like=candidates
    )
    held = matches.target_index[positive]  # (P,): the object in each positive region
    labels = xp_of(candidates).full(len(rows), -1, np.int64)  # of the background
    labels[places] = objects.labels[held]
    labels += 1
    deltas = encode_boxes(objects.boxes[held], candidates[positive], box_weights)
    boxes, matched = candidates[rows], objects.index[held]
    return [
        RegionTargets(boxes[own], labels[own], deltas[positives], matched[positives])
        for own, positives in zip(_slices(drawn.counts), _slices(drawn.positives), strict=True)
    ]


def _slices(counts: Sequence[int]) -> list[slice]:
    """The part of each image, where images have so many of something one after the other."""
    ends = itertools.accumulate(counts, initial=0)
    return [slice(start, end) for start, end in itertools.pairwise(ends)]
