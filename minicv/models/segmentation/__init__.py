"""Semantic segmentation, in the order of the lecture: one system a file."""

from minicv.models.counting_multiplications import count_multiplications
from minicv.models.segmentation.convolutionalize import (
    a_trous,
    convolutionalize,
    count_of_every_window,
    shift_and_stitch,
)
from minicv.models.segmentation.deconvnet import DeconvNet, DeconvNetSettings
from minicv.models.segmentation.encoder_decoder import EncoderDecoder, EncoderDecoderSettings
from minicv.models.segmentation.fcn import FCN8s, FCN16s, FCN32s, FCNSettings
from minicv.models.segmentation.fcn_resnet50 import FCNResNet50, FCNResNet50Settings
from minicv.models.segmentation.full_resolution import FullResolution, FullResolutionSettings
from minicv.models.segmentation.patch_classifier import (
    DensePatchClassifier,
    PatchClassifier,
    PatchClassifierSettings,
)
from minicv.models.segmentation.segmenter import Segmenter, SegmenterSettings
from minicv.models.segmentation.segnet import SegNet, SegNetSettings

__all__ = [
    "DeconvNet",
    "DeconvNetSettings",
    "DensePatchClassifier",
    "EncoderDecoder",
    "EncoderDecoderSettings",
    "FCN8s",
    "FCN16s",
    "FCN32s",
    "FCNResNet50",
    "FCNResNet50Settings",
    "FCNSettings",
    "FullResolution",
    "FullResolutionSettings",
    "PatchClassifier",
    "PatchClassifierSettings",
    "SegNet",
    "SegNetSettings",
    "Segmenter",
    "SegmenterSettings",
    "a_trous",
    "convolutionalize",
    "count_multiplications",
    "count_of_every_window",
    "shift_and_stitch",
]
