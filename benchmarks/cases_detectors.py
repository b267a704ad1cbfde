"""One training step of the demo's detector: losses, backward, clipping, SGD."""

from __future__ import annotations

import dataclasses

from benchmarks.case import Case, Wanted
from minicv.tasks.detection import FASTER_RCNN

STEP = "Faster R-CNN of the demo, one training step"

CASES = [
    Case(
        name="8 images of 128x128, 3 objects each",
        row=STEP,
        operation="faster_rcnn_step",
        parameters={
            "batch": 8,
            "size": (128, 128),
            "classes": 5,
            "settings": dataclasses.asdict(FASTER_RCNN["small"]),
        },
        peers=("torch", "torchvision"),
        # Among two thousand scores some lie so close that rounding decides which comes first.
        tolerance=0.02,
    )
]
WANTED = {STEP: {"torch": Wanted(0.8)}}
