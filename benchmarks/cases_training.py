"""A training step of every kind of system, each as `minicv train` makes it."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

from benchmarks import dcgan_side
from benchmarks.case import Case, Wanted
from minicv.tasks.detection import FAST_RCNN, SPP_NET
from minicv.tasks.instances import MASK_RCNN

CLASSIFYING = "classifiers, one training step"
SEGMENTING = "segmenters, one training step"
DETECTING = "detectors, one training step"
DRAWING = "autoencoder, DCGAN and DeepPose, one training step"
PROPOSALS = 300  # of each image, for the detectors that are given some


def _step(
    row: str,
    name: str,
    system: str,
    batch: int,
    size: tuple[int, int],
    # Gradients of the first layer have passed through many roundings, and a maximum or a
    # suppression may be decided by the last digit.
    tolerance: float = 0.02,
    **more: Any,
) -> Case:
    parameters = {"system": system, "batch": batch, "size": size, "classes": 5,
                  "optimizer": "adam", "settings": {}, **more}  # fmt: skip
    detector = row == DETECTING
    return Case(
        f"{name}, {batch}x3x{size[0]}x{size[1]}",
        row,
        "training_step",
        parameters,
        peers=("torch", "torchvision") if detector else ("torch",),
        tolerance=tolerance,
    )


def _classifier(name: str, backbone: str, batch: int, side: int) -> Case:
    settings = {"backbone": backbone}
    return _step(CLASSIFYING, name, "classifier", batch, (side, side), optimizer="sgd",
                 settings=settings)  # fmt: skip


def _detector(name: str, system: str, batch: int, settings: Any) -> Case:
    chosen = dataclasses.asdict(settings)
    return _step(DETECTING, name, system, batch, (128, 128), optimizer="sgd", settings=chosen,
                 proposals=PROPOSALS)  # fmt: skip


@functools.cache
def _shapes(size: int, channels: int) -> dict[str, tuple[int, ...]]:
    model = dcgan_side.dcgan(_numbers(size, channels))
    return {name: array.shape for name, array in model.state_dict().items()}


def _numbers(size: int, channels: int) -> dict[str, Any]:
    return {"latent": 64, "filters": 32, "lr": 2e-4, "size": size, "channels": channels}


def _dcgan(size: int, channels: int, batch: int) -> Case:
    parameters = {"batch": batch, "numbers": _numbers(size, channels),
                  "shapes": _shapes(size, channels)}  # fmt: skip
    name = f"DCGAN, both players, {batch}x{channels}x{size}x{size}"
    return Case(name, DRAWING, "dcgan_step", parameters, peers=("torch",), tolerance=0.02)


CASES = [
    _classifier("ConvNet", "conv_net", 64, 28),
    _classifier("ResNet-18", "resnet18", 4, 224),
    _classifier("EfficientNet-Lite0", "efficientnet_lite0", 4, 224),
    _step(SEGMENTING, "FCN-8s", "fcn8s", 8, (128, 128)),
    # Through 26 normalisations the first gradient by Winograd's algorithm is 0.026 away from that
    # in float64, by im2col 0.006.
    _step(SEGMENTING, "SegNet", "segnet", 4, (180, 240), tolerance=0.15),
    _step(SEGMENTING, "encoder and decoder", "encoder_decoder", 8, (128, 128)),
    # Behind 27 normalisations and five poolings a rounding may move a switch: the gradient is away
    # from that in float64 by 0.03 in PyTorch and by F(2x2, 3x3), by 0.29 by im2col.
    _step(SEGMENTING, "DeconvNet of a quarter of the width", "deconvnet", 2, (256, 256),
          settings={"width": 0.25}, tolerance=0.4),
    _detector("Fast R-CNN", "fast_rcnn", 2, FAST_RCNN["small"]),
    _detector("SPP-net's head", "spp_net", 2, SPP_NET["small"]),
    _detector("Mask R-CNN", "mask_rcnn", 2, MASK_RCNN["small"]),
    _step(DRAWING, "convolutional autoencoder", "conv_autoencoder", 32, (28, 28),
          settings={"size": 28, "channels": 3, "filters": 32, "code": 32}),
    _step(DRAWING, "DeepPose, first stage", "deep_pose", 16, (96, 96),
          settings={"pooled_size": 6, "units": 256}),
    _dcgan(28, 1, 64),
    _dcgan(64, 3, 64),
]  # fmt: skip
GOAL = {"torch": Wanted(1.0, least=1.0)}
WANTED = {CLASSIFYING: GOAL, SEGMENTING: GOAL, DETECTING: GOAL, DRAWING: GOAL}
