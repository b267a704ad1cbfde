"""Build a segmenter from its description, and load a trained one from its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicv.models.backbones.efficientnet_lite0 import EfficientNetLite0Hierarchy
from minicv.models.backbones.feature_hierarchy import FeatureHierarchy
from minicv.models.backbones.small import SmallHierarchy
from minicv.models.backbones.vgg16 import VGG16Hierarchy
from minicv.models.segmentation.deconvnet import DeconvNet
from minicv.models.segmentation.encoder_decoder import EncoderDecoder
from minicv.models.segmentation.fcn import FCN8s, FCN16s, FCN32s
from minicv.models.segmentation.full_resolution import FullResolution
from minicv.models.segmentation.patch_classifier import PatchClassifier
from minicv.models.segmentation.segmenter import Segmenter
from minicv.models.segmentation.segnet import SegNet
from minicv.training.model_files import ModelFile
from minicv.weights import WeightsError

# Systems that stand on a trunk, which can be exchanged.
ON_A_TRUNK: dict[str, type[Segmenter]] = {
    "fcn32s": FCN32s,
    "fcn16s": FCN16s,
    "fcn8s": FCN8s,
}
TRUNKS: dict[str, type[FeatureHierarchy]] = {
    "small": SmallHierarchy,
    "vgg16": VGG16Hierarchy,
    "efficientnet_lite0": EfficientNetLite0Hierarchy,
}
# Systems that are one piece.
WHOLE: dict[str, type[Segmenter]] = {
    "patch_classifier": PatchClassifier,
    "full_resolution": FullResolution,
    "encoder_decoder": EncoderDecoder,
    "segnet": SegNet,
    "deconvnet": DeconvNet,
}
SEGMENTERS: dict[str, type[Segmenter]] = {**ON_A_TRUNK, **WHOLE}
_SHARED = ("classes", "class_weights", "min_size", "max_size")


def build_segmenter(
    name: str,
    classes: Sequence[str],
    *,
    backbone: str | None = None,
    options: Mapping[str, Any] | None = None,
    class_weights: np.ndarray | None = None,
    min_size: int | None = None,
    max_size: int | None = None,
    rng: np.random.Generator,
) -> Segmenter:
    """A segmenter of that name with fresh weights.

    Args:
        name: one of `SEGMENTERS`.
        classes: the K names.
        backbone: one of `TRUNKS` for a system `ON_A_TRUNK`, None for the others.
        options: what else the system is built with, such as ``{"upsampling": "nearest"}``.
        class_weights, min_size, max_size: see `Segmenter`.
        rng: draws the initial weights.

    Raises:
        ValueError: an unknown system, backbone or option.

    >>> build_segmenter("segnet", ["sky", "road"], rng=np.random.default_rng(0)).classes
    ('sky', 'road')
    """
    if name not in SEGMENTERS:
        raise ValueError(f"segmenter {name!r}: expected one of {', '.join(SEGMENTERS)}")
    check_backbone(name, backbone)
    trunk = [] if backbone is None else [TRUNKS[backbone](rng=rng)]
    return SEGMENTERS[name](
        *trunk,
        classes,
        **(options or {}),
        class_weights=class_weights,
        min_size=min_size,
        max_size=max_size,
        rng=rng,
    )


def check_backbone(name: str, backbone: str | None) -> None:
    """Refuse a backbone that the system of that name cannot stand on.

    >>> check_backbone("segnet", "vgg16")
    Traceback (most recent call last):
    ValueError: backbone 'vgg16': segnet is one piece and takes none; fcn32s, fcn16s, fcn8s do
    """
    if name in ON_A_TRUNK and backbone not in TRUNKS:
        raise ValueError(f"backbone {backbone!r}: {name} takes one of {', '.join(TRUNKS)}")
    if name not in ON_A_TRUNK and backbone is not None:
        raise ValueError(
            f"backbone {backbone!r}: {name} is one piece and takes none; {', '.join(ON_A_TRUNK)} do"
        )


def describe_segmenter(
    name: str,
    model: Segmenter,
    *,
    backbone: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What a checkpoint must say for `load_segmenter` to build the model again.

    Args: as `model` was built with; see `build_segmenter`.
    """
    weights = model.class_weights
    return {
        "model": name,
        "backbone": backbone,
        "options": dict(options or {}),
        "classes": list(model.classes),
        "class_weights": None if weights is None else weights.tolist(),
        "min_size": model.min_size,
        "max_size": model.max_size,
    }


def load_segmenter(path: str | Path) -> Segmenter:
    """The trained segmenter in a checkpoint of `minicv train`.

    Raises:
        WeightsError: no such file, damaged, or of something else than a segmenter.
    """
    return segmenter_of(ModelFile.read(path))


def segmenter_of(file: ModelFile) -> Segmenter:
    """The trained segmenter in a checkpoint that is open already.

    Raises:
        WeightsError: it holds something else than a segmenter.
    """
    file.require(SEGMENTERS, ("backbone", "options", *_SHARED))
    described = {name: file.description[name] for name in ("backbone", "options", *_SHARED)}
    try:
        model = build_segmenter(file.model, **described, rng=np.random.default_rng(0))
    except (TypeError, ValueError) as error:
        raise WeightsError(
            f"{file.path}: options of another version of the model ({error})"
        ) from None
    return file.fill(model)
