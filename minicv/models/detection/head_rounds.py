"""The head looks again: each region is moved, and the head judges and moves it once more.

A region proposal is often shifted against its object by a fifth of its width, and the offsets that
the head predicts from there are rough. From the box that they lead to, the object is seen whole and
centred, and the next offsets are finer. No new weights are needed:

    1. head      region features  -> scores, offsets
    2. move      each region by the offsets of its likeliest class
    3. pool      features, moved regions  -> region features, for 1 again

The scores are averaged over the rounds.

Source: Gidaris & Komodakis, Object detection via a multi-region and semantic segmentation-aware CNN
model, ICCV 2015, section 4 (iterative localization). Cai & Vasconcelos, Cascade R-CNN, CVPR 2018,
trains a head of its own for each round instead.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from minicv.backend import Array, xp_of
from minicv.backend.storage import widened
from minicv.models.detection.roi_heads import RegionSettings
from minicv.models.photographs import ImageBatch
from minicv.vision.boxes import clip_boxes_to_image, decode_boxes

SMALLEST_MOVED = 1.0  # pixels: a region with a shorter side after the move stays where it was


def moved_regions(
    logits: Array,
    offsets: Array,
    regions: Sequence[Array],
    batch: ImageBatch,
    settings: RegionSettings,
) -> list[Array]:
    """The regions of each image, each moved by the offsets of its likeliest class and clipped.

    The background is no class here. A region that would become thinner than a pixel stays.

    Args:
        logits: (R, K+1), background first, of the regions of all images.
        offsets: (R, K+1, 4).
        regions: of each image, in the pixels of the batch, R in all.
        batch: the images.
        settings: the weights of the offsets.

    Returns:
        as many regions of each image, in the same order.
    """
    xp = xp_of(logits, offsets)
    starts = itertools.accumulate((len(boxes) for boxes in regions), initial=0)
    moved = []
    for start, boxes, size in zip(starts, regions, batch.sizes, strict=False):
        part = xp.arange(start, start + len(boxes))
        likeliest = 1 + logits[part, 1:].argmax(axis=1)  # (R_i,)
        own = decode_boxes(offsets[part, likeliest], boxes, settings.box_weights)  # (R_i, 4)
        own = clip_boxes_to_image(own, size)
        thin = ((own[:, 2:] - own[:, :2]) < SMALLEST_MOVED).any(axis=1)
        moved.append(xp.where(thin[:, None], boxes, own))
    return moved


def mean_logits(rounds: Sequence[Array]) -> Array:
    """Logits whose softmax is the mean of the rounds' softmax: its logarithm.

    Args:
        rounds: (R, K+1) of each round; one round alone is returned as it is.

    >>> import numpy as np
    >>> mean = mean_logits([np.log([[0.2, 0.8]]), np.log([[0.4, 0.6]])])
    >>> np.exp(mean).round(3).tolist()
    [[0.3, 0.7]]
    """
    if len(rounds) == 1:
        return rounds[0]
    rounds = [widened(logits) for logits in rounds]
    xp = xp_of(*rounds)
    powers = [xp.exp(logits - logits.max(axis=1, keepdims=True)) for logits in rounds]
    total = sum(own / own.sum(axis=1, keepdims=True) for own in powers)
    return xp.log(xp.maximum(total / len(rounds), xp.finfo(total.dtype).tiny))
