"""The guard against training that diverges: it says where to look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minicv.vision.label_maps import VOID


class DivergenceError(ArithmeticError):
    """A loss became infinite or NaN; the message names the term, the images and likely causes."""


def check_losses(
    losses: Mapping[str, float],
    targets: Sequence[Mapping[str, Any]],
    learning_rate: float,
    step: int,
) -> None:
    """Raise `DivergenceError` if a loss is no finite number.

    Args:
        losses: value by name.
        targets: of the images in this step, with ``"image_id"``; where they have ``"boxes"`` or a
            ``"segmentation"``, the message names the smallest box, or the image with the fewest
            pixels that have a class.
        learning_rate: of this step.
        step: its number.

    >>> check_losses({"loss_box_reg": float("nan")},
    ...              [{"image_id": "im7", "boxes": np.array([[3.0, 3.0, 3.5, 9.0]])}], 0.1, 12)
    Traceback (most recent call last):
        ...
    minicv.training.divergence.DivergenceError: training diverged at step 12: loss_box_reg is nan;
    images im7; smallest box 0.5 x 6 pixels (im7); learning rate 0.1 for a batch of 1. ...
    """
    bad = [name for name, value in losses.items() if not math.isfinite(value)]
    if not bad:
        return
    images = ", ".join(str(target.get("image_id", "?")) for target in targets)
    raise DivergenceError(
        f"training diverged at step {step}: {' and '.join(f'{b} is {losses[b]}' for b in bad)}; "
        f"images {images}; {_suspect_labels(targets)}learning rate {learning_rate:.3g} for a batch "
        f"of {len(targets)}. Try a tenth of the learning rate or a longer warm-up, and look at the "
        "labels of these images"
    )


def _suspect_labels(targets: Sequence[Mapping[str, Any]]) -> str:
    """Which labels to look at first, for each kind that there is."""
    described = ""
    for kind, describe in (("boxes", _smallest_box), ("segmentation", _fewest_pixels)):
        labelled = [target for target in targets if kind in target]
        if labelled:
            described += f"{describe(labelled)}; "
    return described


def _smallest_box(targets: Sequence[Mapping[str, Any]]) -> str:
    sides = [
        (float((box[2] - box[0]) * (box[3] - box[1])), box, target.get("image_id", "?"))
        for target in targets
        for box in np.asarray(target["boxes"])
    ]
    if not sides:
        return "no boxes"
    _, box, image = min(sides, key=lambda side: side[0])
    return f"smallest box {box[2] - box[0]:.3g} x {box[3] - box[1]:.3g} pixels ({image})"


def _fewest_pixels(targets: Sequence[Mapping[str, Any]]) -> str:
    counts = [int((np.asarray(target["segmentation"]) != VOID).sum()) for target in targets]
    least = min(range(len(counts)), key=counts.__getitem__)
    target = targets[least]
    total = np.asarray(target["segmentation"]).size
    return f"fewest pixels with a class {counts[least]} of {total} ({target.get('image_id', '?')})"
