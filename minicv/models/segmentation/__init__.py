"""Semantic segmentation, in the order of the lecture: one system a file."""

from minicv.models.segmentation.fcn import FCN8s, FCN16s, FCN32s
from minicv.models.segmentation.segmenter import Segmenter

__all__ = [
    "FCN8s",
    "FCN16s",
    "FCN32s",
    "Segmenter",
]
