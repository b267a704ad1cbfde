"""The four losses of Faster R-CNN: two of the proposal network, two of the head."""

from __future__ import annotations

import itertools

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.backend import xp_of
from minicv.models.detection.training_targets import AnchorTargets, RegionTargets


def rpn_losses(
    objectness: Tensor, deltas: Tensor, sampled: list[AnchorTargets], beta: float
) -> tuple[Tensor, Tensor]:
    """Is it an object, for all sampled anchors; where is it, for the positive ones.

    Args:
        objectness: (N, M) logits.
        deltas: (N, M, 4) offsets.
        sampled: for each image what was drawn, S anchors in all, P of them positive.
        beta: where smooth L1 turns from a parabola into a line.

    Returns:
        the logistic loss, and smooth L1 summed over the positives. Both are divided by S and not by
        P, so that an image with a single object does not weigh as much as one with many.

    Source: Ren et al. 2015, equation 1.
    """
    xp = xp_of(objectness.data)
    n, m = objectness.shape
    drawn = xp.concatenate([i * m + t.index for i, t in enumerate(sampled)])  # (S,)
    positive = xp.concatenate(
        [i * m + t.index[: len(t.deltas)] for i, t in enumerate(sampled)]
    )  # (P,)
    is_object = xp.concatenate([t.is_object for t in sampled])  # (S,)
    wanted = xp.concatenate([t.deltas for t in sampled])  # (P, 4)
    loss_objectness = F.binary_cross_entropy_with_logits(
        objectness.reshape(n * m)[drawn], is_object
    )
    loss_box = F.smooth_l1(deltas.reshape(n * m, 4)[positive], wanted, beta=beta, reduction="sum")
    return loss_objectness, loss_box / max(len(drawn), 1)


def head_losses(
    logits: Tensor, offsets: Tensor, sampled: list[RegionTargets], beta: float
) -> tuple[Tensor, Tensor]:
    """What is it, for all sampled regions; where exactly, for those that hold an object.

    Args:
        logits: (S, K+1), background first.
        offsets: (S, K+1, 4); only those of the right class are trained.
        sampled: for each image what was drawn, S regions in all, P of them positive.
        beta: where smooth L1 turns from a parabola into a line.

    Returns:
        the softmax loss, and smooth L1 summed over the positives; both are divided by S.

    Source: Girshick, Fast R-CNN, 2015, equations 1 to 3.
    """
    xp = xp_of(logits.data)
    columns = xp.concatenate([t.columns for t in sampled])  # (S,)
    wanted = xp.concatenate([t.deltas for t in sampled])  # (P, 4)
    starts = [0, *itertools.accumulate(len(t.columns) for t in sampled)]
    positive = xp.concatenate(
        [start + xp.arange(len(t.deltas)) for start, t in zip(starts, sampled, strict=False)]
    )  # (P,): the first ones of each image
    loss_classifier = F.softmax_cross_entropy(logits, columns)
    chosen = offsets[positive, columns[positive]]  # (S, K+1, 4) -> (P, 4)
    loss_box = F.smooth_l1(chosen, wanted, beta=beta, reduction="sum")
    return loss_classifier, loss_box / max(len(columns), 1)
