"""Train Mask R-CNN by the command line, test it on held-out images, keep masks' and joints' AP.

    python -m benchmarks instances pennfudan mask_rcnn --data pennfudan:DIR \\
        --backbone efficientnet_lite0_fpn
    python -m benchmarks instances farmyard mask_keypoint_rcnn --data farmyard --epochs 12
    python -m benchmarks instances farmyard faster_rcnn --data farmyard --epochs 12
    python -m benchmarks instances coco_mini mask_rcnn --data coco:DIR --on train

Every option after data set and system goes to `minicv train`. A run without the mask head, by
``faster_rcnn``, shows what masks cost the boxes. ``--on train`` tests on the training images: a set
too small to teach anything can be learnt by heart, if it is read right. Five of the images, from
the best to the worst, are drawn in the run's folder.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.record import write_record
from benchmarks.train_and_test import CommandFailed, train_and_test


def main(arguments: Sequence[str]) -> int:
    """Train, test, draw, write the record."""
    if len(arguments) < 4 or "--data" not in arguments:
        print(__doc__, file=sys.stderr)
        return 2
    name, system, *options = arguments
    split = "test"
    if "--on" in options:
        place = options.index("--on")
        _, split = options[place : place + 2]
        del options[place : place + 2]
    out = Path("runs") / f"{name}_{system}"
    weights = ("last",) if split == "train" else ("best", "last")
    try:
        record = train_and_test(system, options, out, weights=weights, split=split, pictures=True)
    except CommandFailed as failure:
        return failure.status
    path = write_record(f"instances_{name}_{system}", record)
    print(f"kept in {path}")
    return 0
