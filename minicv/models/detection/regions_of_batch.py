"""The regions of all images of a batch: drawn for training, joined for the head, parted again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.autograd import Tensor
from minicv.backend import Array, xp_of
from minicv.models.detection.box_head import Detections, postprocess
from minicv.models.detection.region_settings import RegionSettings
from minicv.models.detection.training_targets import Objects, RegionTargets, region_targets
from minicv.vision.matching import Matcher


def sample_regions(
    proposals: Sequence[Array],
    objects: Sequence[Objects],
    matcher: Matcher,
    settings: RegionSettings,
    rng: np.random.Generator,
) -> list[RegionTargets]:
    """`region_targets` of each image: ``settings.head_samples`` regions, and what they should say.

    Args:
        proposals: (R, 4) of each image, in the pixels of the batch.
        objects: the true ones of each image.
        matcher: which regions hold an object, and which are background.
        settings: how many, which share of them positive, and the weights of the offsets.
        rng: draws.
    """
    return [
        region_targets(
            boxes,
            *truth,
            matcher,
            settings.head_samples,
            settings.head_positive_fraction,
            settings.box_weights,
            rng,
        )
        for boxes, truth in zip(proposals, objects, strict=True)
    ]


def join_regions(regions: Sequence[Array]) -> tuple[Array, Array]:
    """The boxes of all images together (R, 4), and to which image each belongs (R,).

    >>> boxes, image_of_box = join_regions([np.zeros((2, 4)), np.zeros((0, 4)), np.zeros((1, 4))])
    >>> boxes.shape, image_of_box.tolist()
    ((3, 4), [0, 0, 2])
    """
    xp = xp_of(*regions)
    numbers = [xp.full(len(boxes), i, dtype=xp.int64) for i, boxes in enumerate(regions)]
    return xp.concatenate(regions), xp.concatenate(numbers)


def postprocess_regions(
    logits: Tensor,
    offsets: Tensor,
    regions: Sequence[Array],
    sizes: Sequence[tuple[int, int]],
    settings: RegionSettings,
) -> list[Detections]:
    """`postprocess` of each image, from the head's results for the regions of all.

    Args:
        logits: (R, K+1), background first.
        offsets: (R, K+1, 4).
        regions: of each image, R in all.
        sizes: height and width of each image.
        settings: thresholds and the weights of the offsets.
    """
    detections, start = [], 0
    for boxes, size in zip(regions, sizes, strict=True):
        own = slice(start, start + len(boxes))
        start = own.stop
        detections.append(
            postprocess(
                logits.data[own],
                offsets.data[own],
                boxes,
                size,
                box_weights=settings.box_weights,
                score_threshold=settings.score_threshold,
                nms_threshold=settings.nms_threshold,
                detections_per_image=settings.detections_per_image,
            )
        )
    return detections
