"""Every backbone by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicv.models.backbones.alexnet import AlexNetBackbone
from minicv.models.backbones.backbone import Backbone
from minicv.models.backbones.conv_net import ConvNetBackbone
from minicv.models.backbones.efficientnet_lite0 import EfficientNetLite0Backbone
from minicv.models.backbones.fpn import FPN
from minicv.models.backbones.resnet import ResNet18Backbone, ResNet50Backbone
from minicv.models.backbones.small import SmallBackbone
from minicv.models.backbones.vgg16 import VGG16Backbone

BACKBONES: dict[str, type[Backbone]] = {
    "small": SmallBackbone,
    "conv_net": ConvNetBackbone,
    "alexnet": AlexNetBackbone,
    "vgg16": VGG16Backbone,
    "resnet18": ResNet18Backbone,
    "resnet50": ResNet50Backbone,
    "efficientnet_lite0": EfficientNetLite0Backbone,
}
# Feature pyramids by the name of their body, and the channels of their maps. The paper has 256; the
# light ones spare the CPU.
PYRAMIDS: dict[str, int] = {
    "small_fpn": 64,
    "resnet18_fpn": 128,
    "efficientnet_lite0_fpn": 96,
    "resnet50_fpn": 256,
}
_PYRAMID = "_fpn"
# Options that freeze nothing, for the backbones that freeze a part by default.
_NOTHING_FROZEN: dict[str, dict[str, Any]] = {
    "resnet18": {"frozen_batch_norm": False, "frozen_groups": 0},
    "resnet50": {"frozen_batch_norm": False, "frozen_groups": 0},
    "efficientnet_lite0": {"frozen_batch_norm": False, "frozen_blocks": 0},
}


def build_backbone(
    name: str, strides: Sequence[int], *, frozen: bool, rng: np.random.Generator
) -> Backbone:
    """A backbone of that name with fresh weights.

    Args:
        name: one of `BACKBONES` or `PYRAMIDS`.
        strides: of its maps, of a pyramid those of its body's; see `Backbone` and `FPN`.
        frozen: True, for a detector: batch statistics and the first blocks of a ResNet or an
            EfficientNet stay as they are. False, for a segmenter: everything learns.
        rng: draws the initial weights.

    Raises:
        ValueError: another name or other strides.

    >>> backbone = build_backbone("small", (8, 16), frozen=False, rng=np.random.default_rng(0))
    >>> backbone.strides, backbone.out_channels
    ((8, 16), (128, 256))
    >>> build_backbone("small_fpn", (8, 16), frozen=False, rng=np.random.default_rng(0)).strides
    (8, 16, 32)
    """
    if name in PYRAMIDS:
        body = build_backbone(name.removesuffix(_PYRAMID), strides, frozen=frozen, rng=rng)
        return FPN(body, PYRAMIDS[name], rng=rng)
    if name not in BACKBONES:
        raise ValueError(f"backbone {name!r}: expected one of {', '.join([*BACKBONES, *PYRAMIDS])}")
    options = {} if frozen else _NOTHING_FROZEN.get(name, {})
    return BACKBONES[name](strides=strides, rng=rng, **options)
