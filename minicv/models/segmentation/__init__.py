"""Semantic segmentation, in the order of the lecture: one system a file."""

from minicv.models.segmentation.convolutionalize import convolutionalize
from minicv.models.segmentation.count_multiplications import (
    count_multiplications,
    count_of_every_window,
)
from minicv.models.segmentation.deconvnet import DeconvNet
from minicv.models.segmentation.dense_patch_classifier import DensePatchClassifier
from minicv.models.segmentation.encoder_decoder import EncoderDecoder
from minicv.models.segmentation.every_window import a_trous, shift_and_stitch
from minicv.models.segmentation.fcn import FCN8s, FCN16s, FCN32s
from minicv.models.segmentation.full_resolution import FullResolution
from minicv.models.segmentation.patch_classifier import PatchClassifier
from minicv.models.segmentation.segmenter import Segmenter
from minicv.models.segmentation.segnet import SegNet

__all__ = [
    "DeconvNet",
    "DensePatchClassifier",
    "EncoderDecoder",
    "FCN8s",
    "FCN16s",
    "FCN32s",
    "FullResolution",
    "PatchClassifier",
    "SegNet",
    "Segmenter",
    "a_trous",
    "convolutionalize",
    "count_multiplications",
    "count_of_every_window",
    "shift_and_stitch",
]
