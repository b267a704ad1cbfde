"""Whole networks at inference, one image."""

from __future__ import annotations

from benchmarks.case import Case, Wanted

VGG = "VGG-16, inference"
RESNET = "ResNet-50, inference"
EFFICIENTNET = "EfficientNet-Lite0, inference"


def _case(row: str, name: str, height: int, width: int, suffix: str = "") -> Case:
    parameters = {"name": name, "x": (1, 3, height, width)}
    return Case(f"{row.partition(',')[0]} 1x3x{height}x{width}{suffix}", row, "network", parameters)


CASES = [
    _case(VGG, "vgg16", 224, 224),
    # The backbone's poolings round up and the peers' down; at this size none rounds.
    _case(VGG, "vgg16_convolutions", 608, 800, ", convolutions only"),
    _case(RESNET, "resnet50", 224, 224),
    _case(EFFICIENTNET, "efficientnet_lite0", 224, 224),
]
WANTED = {
    VGG: {"torch": Wanted(1.0, least=1.0), "chainer": Wanted(3.0, least=3.0)},
    RESNET: {"torch": Wanted(1.0), "chainer": Wanted(2.0)},
    EFFICIENTNET: {"torch": Wanted(1.0), "chainer": Wanted(2.0)},
}
