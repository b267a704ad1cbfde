"""Which part of a model is exported, what its outputs are called, and what is left to the user.

| model | outputs |
|---|---|
| a classifier | ``logits`` (N, K) |
| a segmenter | ``logits`` (N, K, H, W) |
| a backbone | ``map_s`` (N, C, H/s, W/s) for each stride s |
| Faster R-CNN, Mask R-CNN | those of its backbone; ``objectness_s`` and ``offsets_s`` |
| another detector | those of its backbone |
| the detector of one object | ``logits`` (N, K), ``box`` (N, 4) |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicv.autograd import Tensor
from minicv.backend import Array, xp_of
from minicv.export.graph import ExportError
from minicv.export.patch_network import patch_scores
from minicv.models.backbones.backbone import Backbone
from minicv.models.classification import ImageClassifier
from minicv.models.detection import FasterRCNN
from minicv.models.detection.rcnn import RCNN
from minicv.models.detection.spp_net import SPPNet
from minicv.models.localization import SingleObjectDetector
from minicv.models.model import Model
from minicv.models.segmentation import (
    DeconvNet,
    DensePatchClassifier,
    PatchClassifier,
    Segmenter,
)
from minicv.models.segmentation.deconvnet import LEAST_SIDE
from minicv.nn import Module

Outputs = dict[str, Tensor]
CLASSIFIER_SIZE = (224, 224)
REGIONS = (
    "not exported are RoIAlign and the heads after it, because they look at regions that "
    "non-maximum suppression has left, which is no operation of the network but a loop in Python"
)
PROPOSED = (
    "not exported are the heads, because they look at regions that a proposer finds in Python"
)


@dataclass(frozen=True)
class Network:
    """What is exported of a model.

    Attributes:
        module: holds the weights; it is evaluated.
        forward: (N, 3, H, W), normalised -> outputs by name.
        mean, std: the input is (image - mean) / std.
        classes: the K names; none for a backbone.
        size: (H, W) that suits the model; None if it names none.
        least_side: of an image, pixels, where any size will do.
        before: how a picture becomes the image, where resizing is not all.
        after: what the outputs mean, and what is not exported.
    """

    module: Module
    forward: Callable[[Tensor], Outputs]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    after: str
    before: str = ""
    classes: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    least_side: int = 1

    def like(self, pixels: np.ndarray) -> Array:
        """Pixels where the weights are."""
        array: Array = xp_of(next(self.module.parameters()).data).asarray(pixels)
        return array

    def run(self, image: Tensor) -> Outputs:
        """(N, 3, H, W), RGB in 0..1 -> outputs by name."""
        mean, std = (
            self.like(np.array(own, np.float32)[:, None, None]) for own in (self.mean, self.std)
        )
        return self.forward((image - mean) * (1 / std))


def network_of(model: Module) -> Network:
    """The part of a model that can be exported.

    Raises:
        ExportError: nothing of it can, because it takes no images.

    >>> import numpy as np
    >>> from minicv.models.backbones import SmallBackbone
    >>> network_of(SmallBackbone(4, (8, 16), rng=np.random.default_rng(0))).after
    'map_8, map_16: features at these strides'
    """
    if isinstance(model, PatchClassifier):
        model = DensePatchClassifier(model)
    if isinstance(model, Segmenter):
        return _segmenter(model)
    if isinstance(model, FasterRCNN):
        return _proposing(model)
    if isinstance(model, SingleObjectDetector):
        return _of_one_object(model)
    if isinstance(model, ImageClassifier):
        return _classifier(model)
    backbone = getattr(model, "backbone", None)
    if isinstance(model, Model) and isinstance(backbone, Backbone):
        return _on_regions(model, backbone)
    if isinstance(model, Backbone):
        return _backbone(model)
    if hasattr(model, "mean") and hasattr(model, "std"):
        return Network(
            model,
            lambda x: {"logits": model(x)},
            model.mean,
            model.std,
            "logits: of each class; their softmax are probabilities",
            size=CLASSIFIER_SIZE,
        )
    raise ExportError(
        f"{type(model).__name__} cannot be exported: it names no mean and std, so nobody knows "
        "what images it takes; expected a model, a backbone or a classifier of minicv.models"
    )


def _segmenter(model: Segmenter) -> Network:
    shorter, longer = model.settings.min_size, model.settings.max_size
    # A training notes its median size: the shorter side, and twice the longer one.
    size = None if shorter is None or longer is None else (shorter, max(shorter, longer // 2))
    dense = model if isinstance(model, DensePatchClassifier) else None
    return Network(
        model,
        lambda x: {"logits": model(x) if dense is None else patch_scores(dense, x)},
        model.mean,
        model.std,
        "logits: of each class at each pixel; the largest names the class (enlarge the logits "
        "bilinearly first where the picture is larger)",
        classes=model.classes,
        size=size,
        least_side=LEAST_SIDE if isinstance(model, DeconvNet) else 1,
    )


def _classifier(model: ImageClassifier) -> Network:
    s, side = model.settings, model.size
    part = f"the middle square, {s.crop_fraction:g} of the shorter side,"
    probable = "their softmax are probabilities" if s.loss == "softmax" else "scores of an SVM"
    return Network(
        model,
        lambda x: {"logits": model.scores(x)},
        model.mean,
        model.std,
        f"logits: of each class; {probable}",
        f"{part if s.fit == 'crop' else 'a picture'} is resized to {side} x {side} pixels, "
        f"{s.resample}",
        model.classes,
        (side, side),
    )


def _maps(backbone: Backbone, x: Tensor) -> Outputs:
    maps = backbone(x)
    return {f"map_{stride}": own for stride, own in zip(backbone.strides, maps, strict=True)}


def _names_of_maps(backbone: Backbone) -> str:
    names = ", ".join(f"map_{stride}" for stride in backbone.strides)
    return f"{names}: features at {'these strides' if len(backbone.strides) > 1 else 'this stride'}"


def _backbone(model: Backbone) -> Network:
    return Network(
        model,
        lambda x: _maps(model, x),
        model.mean,
        model.std,
        _names_of_maps(model),
        size=CLASSIFIER_SIZE,
    )


def _proposing(model: FasterRCNN) -> Network:
    """Backbone and proposal network."""
    backbone, settings = model.backbone, model.settings

    def forward(x: Tensor) -> Outputs:
        outputs = _maps(backbone, x)
        for stride, features in zip(backbone.strides, list(outputs.values()), strict=True):
            objectness, offsets = model.rpn(features)  # (N, M), (N, M, 4)
            outputs |= {f"objectness_{stride}": objectness, f"offsets_{stride}": offsets}
        return outputs

    return Network(
        model,
        forward,
        backbone.mean,
        backbone.std,
        f"{_names_of_maps(backbone)}; objectness (a logit) and offsets of their anchors, cell by "
        f"cell; {REGIONS}",
        _resized_within(settings.min_size, settings.max_size, backbone, settings.smoothed_resize),
        model.classes,
        _padded(settings.min_size, settings.max_size, backbone),
    )


def _on_regions(model: Model, backbone: Backbone) -> Network:
    """The backbone alone of a detector whose regions a proposer finds."""
    settings: Any = model.settings
    if isinstance(model, SPPNet):
        sizes = settings.scales[0], settings.max_size
    elif isinstance(model, RCNN) or hasattr(settings, "warp_size"):
        sizes = settings.warp_size, settings.warp_size
    else:
        sizes = settings.min_size, settings.max_size
    warped = sizes[0] == sizes[1]
    return Network(
        model,
        lambda x: _maps(backbone, x),
        backbone.mean,
        backbone.std,
        f"{_names_of_maps(backbone)}; {PROPOSED}",
        "it is one warped region" if warped else _resized_within(*sizes, backbone),
        model.classes,
        sizes if warped else _padded(*sizes, backbone),
    )


def _of_one_object(model: SingleObjectDetector) -> Network:
    side = model.settings.size
    of_class = model.settings.box_of == "class"
    which = "boxes: of each class," if of_class else "box:"

    def forward(x: Tensor) -> Outputs:
        (features,) = model.backbone(x)
        logits, boxes = model.heads(features)
        if of_class:
            return {"logits": logits, "boxes": boxes}
        return {"logits": logits, "box": boxes.reshape(boxes.shape[0], 4)}

    return Network(
        model,
        forward,
        model.backbone.mean,
        model.backbone.std,
        f"logits: of each class; {which} x1, y1, x2, y2 as fractions of width and height",
        classes=model.classes,
        size=(side, side),
    )


def _resized_within(min_size: int, max_size: int, backbone: Backbone, smoothed: bool = True) -> str:
    colour = ", ".join(f"{part:g}" for part in backbone.mean)
    return (
        f"resize the picture{'' if smoothed else ', without smoothing'} (best to a shorter "
        f"side of {min_size} pixels, but the longer at most {max_size}), and fill up with the mean "
        f"colour ({colour}) at the bottom and the right, to a multiple of "
        f"{backbone.region_strides[-1]} pixels"
    )


def _padded(min_size: int, max_size: int, backbone: Backbone) -> tuple[int, int]:
    """A size, in whole cells of the regions' maps, that holds every picture wider than high."""
    cell = backbone.region_strides[-1]
    height, width = (-(-side // cell) * cell for side in (min_size, max(min_size, max_size)))
    return height, width
