"""Semantic segmentation, in the order of the lecture: one system a file."""

from minicv.models.segmentation.encoder_decoder import EncoderDecoder
from minicv.models.segmentation.fcn import FCN8s, FCN16s, FCN32s
from minicv.models.segmentation.full_resolution import FullResolution
from minicv.models.segmentation.segmenter import Segmenter
from minicv.models.segmentation.segnet import SegNet

__all__ = [
    "EncoderDecoder",
    "FCN8s",
    "FCN16s",
    "FCN32s",
    "FullResolution",
    "SegNet",
    "Segmenter",
]
