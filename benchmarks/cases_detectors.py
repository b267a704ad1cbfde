"""A training step of the demo's detector, and published networks on a whole photograph.

A photograph goes in as it is, and what `predict` gives comes out: resizing, suppression, pasted
masks and the rest are part of the time, on both sides.
"""

from __future__ import annotations

import dataclasses

from benchmarks.case import Case, Wanted
from minicv.tasks.detection import FASTER_RCNN

PUBLISHED = "torchvision's networks, one whole photograph"
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
    ),
    *(
        Case(
            name=f"{network}, 480x640 at 800 pixels",
            row=PUBLISHED,
            operation="published_detector",
            parameters={"network": network, "size": (480, 640)},
            peers=("torchvision",),
            tolerance=0.02,
        )
        for network in (
            "fasterrcnn_resnet50_fpn",
            "maskrcnn_resnet50_fpn",
            "keypointrcnn_resnet50_fpn",
        )
    ),
    Case(
        name="fcn_resnet50, 480x640 at 520 pixels",
        row=PUBLISHED,
        operation="published_segmenter",
        parameters={"size": (480, 640)},
        peers=("torchvision",),
        tolerance=0.02,
    ),
]
WANTED = {STEP: {"torch": Wanted(1.0)}, PUBLISHED: {"torchvision": Wanted(1.0, least=1.0)}}
