"""Train a Faster R-CNN by the command line, test it on held-out images, keep the metrics.

    python -m benchmarks detection penn_fudan --data pennfudan:DIR --backbone efficientnet_lite0
    python -m benchmarks detection bccd --data voc:DIR --backbone efficientnet_lite0 --min-size 400

Every option after the name goes to `minicv train faster_rcnn`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.record import write_record
from benchmarks.train_and_test import CommandFailed, train_and_test


def main(arguments: Sequence[str]) -> int:
    """Train, evaluate both checkpoints on the test split, write the record."""
    if len(arguments) < 3 or "--data" not in arguments:
        print(__doc__, file=sys.stderr)
        return 2
    name, *options = arguments
    try:
        record = train_and_test("faster_rcnn", options, Path("runs") / name)
    except CommandFailed as failure:
        return failure.status
    path = write_record(f"detection_{name}", record)
    print(f"kept in {path}")
    return 0
