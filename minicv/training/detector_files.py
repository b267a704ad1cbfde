"""Build a detector from its description, and load a trained one from its checkpoint."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicv.models.backbones import (
    Backbone,
    EfficientNetLite0Backbone,
    SmallBackbone,
    VGG16Backbone,
)
from minicv.models.detection import FasterRCNN, FasterRCNNSettings
from minicv.training.model_files import ModelFile
from minicv.weights import WeightsError

DETECTORS = ("faster_rcnn",)

BACKBONES: dict[str, type[Backbone]] = {
    "small": SmallBackbone,
    "vgg16": VGG16Backbone,
    "efficientnet_lite0": EfficientNetLite0Backbone,
}

# What suits each backbone: its stride sets how small an object can be, its width what a CPU bears.
SETTINGS: dict[str, FasterRCNNSettings] = {
    "small": FasterRCNNSettings(
        min_size=128,
        max_size=256,
        anchor_sizes=(16.0, 32.0, 64.0),
        rpn_channels=128,
        pre_nms_top_n_train=600,
        pre_nms_top_n_test=600,
        post_nms_top_n_train=200,
        post_nms_top_n_test=100,
        rpn_samples=128,
        head_samples=32,
        head_units=256,
    ),
    "efficientnet_lite0": FasterRCNNSettings(
        min_size=320,
        max_size=512,
        anchor_sizes=(32.0, 64.0, 128.0, 256.0),
        pre_nms_top_n_train=1000,
        pre_nms_top_n_test=500,
        post_nms_top_n_train=300,
        post_nms_top_n_test=100,
        head_samples=64,
        head_units=512,
    ),
    "vgg16": FasterRCNNSettings(rpn_channels=512, head_units=4096),
}


def build_detector(
    backbone: str,
    classes: Sequence[str],
    settings: FasterRCNNSettings | None = None,
    *,
    rng: np.random.Generator,
) -> FasterRCNN:
    """A Faster R-CNN with fresh weights on the backbone of that name.

    >>> build_detector("small", ["cow"], rng=np.random.default_rng(0)).settings.min_size
    128
    """
    if backbone not in BACKBONES:
        raise ValueError(f"backbone {backbone!r}: expected one of {', '.join(BACKBONES)}")
    settings = settings or SETTINGS[backbone]
    return FasterRCNN(BACKBONES[backbone](rng=rng), classes, settings, rng=rng)


def describe_detector(backbone: str, model: FasterRCNN) -> dict[str, Any]:
    """What a checkpoint must say for `load_detector` to build the model again."""
    return {
        "model": "faster_rcnn",
        "backbone": backbone,
        "classes": list(model.classes),
        "settings": dataclasses.asdict(model.settings),
    }


def load_detector(path: str | Path) -> FasterRCNN:
    """The trained detector in a checkpoint of `minicv train`.

    Raises:
        WeightsError: no such file, damaged, or of something else than a detector.
    """
    return detector_of(ModelFile.read(path))


def detector_of(file: ModelFile) -> FasterRCNN:
    """The trained detector in a checkpoint that is open already.

    Raises:
        WeightsError: it holds something else than a detector.
    """
    file.require(DETECTORS, ("backbone", "classes", "settings"))
    settings = _settings(file.path, file.description["settings"])
    model = build_detector(
        file.description["backbone"],
        file.description["classes"],
        settings,
        rng=np.random.default_rng(0),
    )
    return file.fill(model)


def _settings(path: str | Path, values: Mapping[str, Any]) -> FasterRCNNSettings:
    tuples = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    try:
        return FasterRCNNSettings(**tuples)
    except TypeError as error:
        raise WeightsError(f"{path}: settings of another version of the model ({error})") from None
