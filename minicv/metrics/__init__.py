"""Floor 2: how good are detections? NumPy on the host, whatever device the arrays come from."""

from minicv.metrics.average_precision_coco import CocoAveragePrecision, coco_average_precision
from minicv.metrics.average_precision_voc import VocAveragePrecision, voc_average_precision

__all__ = [
    "CocoAveragePrecision",
    "VocAveragePrecision",
    "coco_average_precision",
    "voc_average_precision",
]
