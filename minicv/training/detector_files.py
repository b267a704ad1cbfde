"""Build a detector from its description, and load a trained one from its checkpoint."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicv.models.backbones import (
    AlexNetBackbone,
    Backbone,
    EfficientNetLite0Backbone,
    SmallBackbone,
    VGG16Backbone,
)
from minicv.models.detection import RCNN, FasterRCNN, FastRCNN, SPPNet
from minicv.nn import Module
from minicv.proposals import EdgeBoxes, Proposer, SelectiveSearch, SlidingWindow
from minicv.training.detector_settings import SETTINGS
from minicv.training.model_files import ModelFile
from minicv.weights import WeightsError

# Systems that look where a proposer says.
ON_PROPOSALS: dict[str, type[Module]] = {
    "rcnn": RCNN,
    "spp_net": SPPNet,
    "fast_rcnn": FastRCNN,
}
DETECTORS: dict[str, type[Module]] = {"faster_rcnn": FasterRCNN, **ON_PROPOSALS}

BACKBONES: dict[str, type[Backbone]] = {
    "small": SmallBackbone,
    "alexnet": AlexNetBackbone,
    "vgg16": VGG16Backbone,
    "efficientnet_lite0": EfficientNetLite0Backbone,
}
PROPOSERS: dict[str, Callable[[], Proposer]] = {
    "selective_search": SelectiveSearch.fast,
    "edge_boxes": EdgeBoxes,
    "sliding_window": SlidingWindow,
}


def build_detector(
    name: str,
    backbone: str,
    classes: Sequence[str],
    settings: Any = None,
    *,
    proposer: Proposer | None = None,
    rng: np.random.Generator,
) -> Module:
    """A detector of that name with fresh weights.

    Args:
        name: one of `DETECTORS`.
        backbone: one of `BACKBONES`.
        classes: the K names.
        settings: of the system; None takes those that suit the backbone.
        proposer: for a system `ON_PROPOSALS`; None is Selective Search. None for the others.
        rng: draws the initial weights.

    Raises:
        ValueError: an unknown system or backbone, or a proposer for a system that needs none.

    >>> rng = np.random.default_rng(0)
    >>> build_detector("faster_rcnn", "small", ["cow"], rng=rng).settings.min_size
    128
    >>> build_detector("fast_rcnn", "small", ["cow"], proposer=EdgeBoxes(), rng=rng).classes
    ('cow',)
    """
    if name not in DETECTORS:
        raise ValueError(f"detector {name!r}: expected one of {', '.join(DETECTORS)}")
    if backbone not in BACKBONES:
        raise ValueError(f"backbone {backbone!r}: expected one of {', '.join(BACKBONES)}")
    settings = settings or SETTINGS[name][backbone]
    trunk = BACKBONES[backbone](rng=rng)
    if name in ON_PROPOSALS:
        proposer = proposer or SelectiveSearch.fast()
        return DETECTORS[name](trunk, classes, proposer, settings, rng=rng)
    if proposer is not None:
        raise ValueError(f"detector {name!r} proposes by itself, but a proposer was given")
    return DETECTORS[name](trunk, classes, settings, rng=rng)


def describe_detector(
    backbone: str, model: Module, proposals: str = "selective_search"
) -> dict[str, Any]:
    """What a checkpoint must say for `load_detector` to build the model again.

    Args:
        backbone: one of `BACKBONES`.
        model: built by `build_detector`.
        proposals: one of `PROPOSERS`, for a system `ON_PROPOSALS`.
    """
    name = next(name for name, kind in DETECTORS.items() if type(model) is kind)
    description = {
        "model": name,
        "backbone": backbone,
        "classes": list(model.classes),
        "settings": dataclasses.asdict(model.settings),
    }
    return {**description, "proposals": proposals} if name in ON_PROPOSALS else description


def load_detector(path: str | Path) -> Module:
    """The trained detector in a checkpoint of `minicv train`.

    Raises:
        WeightsError: no such file, damaged, or of something else than a detector.
    """
    return detector_of(ModelFile.read(path))


def detector_of(file: ModelFile) -> Module:
    """The trained detector in a checkpoint that is open already.

    Raises:
        WeightsError: it holds something else than a detector.
    """
    file.require(DETECTORS, ("backbone", "classes", "settings"))
    given = {}
    if file.model in ON_PROPOSALS:
        file.require(DETECTORS, ("proposals",))
        proposals = file.description["proposals"]
        if proposals not in PROPOSERS:
            raise WeightsError(
                f"{file.path}: proposals of another version of the model ({proposals!r}, expected "
                f"one of {', '.join(PROPOSERS)})"
            )
        given["proposer"] = PROPOSERS[proposals]()
    model = build_detector(
        file.model,
        file.description["backbone"],
        file.description["classes"],
        _settings(file),
        **given,
        rng=np.random.default_rng(0),
    )
    return file.fill(model)


def _settings(file: ModelFile) -> Any:
    values: Mapping[str, Any] = file.description["settings"]
    tuples = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    kind = type(SETTINGS[file.model]["small"])
    try:
        return kind(**tuples)
    except TypeError as error:
        raise WeightsError(
            f"{file.path}: settings of another version of the model ({error})"
        ) from None
