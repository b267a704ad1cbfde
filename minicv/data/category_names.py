"""The names of the classes in the sets that published weights were trained on."""

from __future__ import annotations

# COCO numbers its 80 categories 1 to 90 with ten gaps; published detectors have an output for each
# number. A gap gets a name of its own, for a metric tells classes by their names.
_COCO = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "", "stop sign", "parking meter", "bench", "bird", "cat",
    "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "", "backpack",
    "umbrella", "", "", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana",
    "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake",
    "chair", "couch", "potted plant", "bed", "", "dining table", "", "", "toilet", "", "tv",
    "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "", "book", "clock", "vase", "scissors", "teddy bear", "hair drier",
    "toothbrush",
)  # fmt: skip
COCO_NUMBERED: tuple[str, ...] = tuple(
    name or f"unused {number}" for number, name in enumerate(_COCO, start=1)
)
"""90 names: label k is COCO's category k + 1."""

COCO_CATEGORIES: tuple[str, ...] = tuple(name for name in _COCO if name)
"""COCO's 80 categories without the gaps, in the order of their numbers."""

VOC_SEGMENTATION: tuple[str, ...] = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
)  # fmt: skip
"""Pascal VOC's 20 classes of objects behind the background, as its label maps number them."""
