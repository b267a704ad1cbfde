"""What is timed on a GPU, how much work it is, and what it should reach."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.case import Case
from benchmarks.cases_conv import VGG_LAYERS
from minicv.tasks.detection import FASTER_RCNN

FLOAT32, TF32 = "float32", "tf32"
BYTES = 4  # of a float32

# Parts of the peer's speed, in the same run: peer time / minicv time.
WIDE_CONVOLUTION = {FLOAT32: 0.9, TF32: 0.6}  # 128 channels and more, in and out
ON_REGIONS = {FLOAT32: 0.8}
TRAINING_STEP = {FLOAT32: 0.5, TF32: 0.5}
TF32_TOLERANCE = 0.05  # how far results of two libraries may lie apart in TF32


@dataclass(frozen=True)
class GpuCase:
    """A case, and what one call of it costs at least.

    Attributes:
        case: what to compute; see `benchmarks.case`.
        flops: multiplications and additions, as the definition counts them.
        bytes: each input read and each result written once.
        wanted: the ratio to reach, by precision.
        precisions: in which to run it.
    """

    case: Case
    flops: float = 0.0
    bytes: float = 0.0
    wanted: Mapping[str, float] = field(default_factory=dict)
    precisions: tuple[str, ...] = (FLOAT32, TF32)

    @property
    def is_convolution(self) -> bool:
        """Of a single layer, for which an algorithm can be named."""
        return self.case.operation.startswith("conv2d")

    def tolerance(self, precision: str) -> float:
        """How far the results of two libraries may lie apart; see `benchmarks.fingerprint`."""
        if precision == FLOAT32:
            return self.case.tolerance
        return max(TF32_TOLERANCE, 10 * self.case.tolerance)


def convolution(
    row: str, batch: int, layer: tuple[int, int, int, int, int], gradients: bool
) -> GpuCase:
    """``layer``: channels in and out, the side of the map, of the kernel, and the stride.

    >>> wide = convolution("row", 2, (128, 256, 8, 3, 2), gradients=False)
    >>> wide.flops == 2 * 2 * 256 * 4 * 4 * 128 * 3 * 3, wide.wanted["float32"]
    (True, 0.9)
    """
    channels, width, side, kernel, stride = layer
    out = (side + 2 * (kernel // 2) - kernel) // stride + 1
    x, weight = (batch, channels, side, side), (width, channels, kernel, kernel)
    y_size = batch * width * out * out
    # A gradient with respect to x or w is as much work as y, and reads or writes the same arrays.
    passes = 3 if gradients else 1
    return GpuCase(
        Case(
            name=f"{batch}x{channels}x{side}x{side} -> {width}, {kernel}x{kernel} / {stride}",
            row=f"{row}, batch {batch}, forward{' and both gradients' * gradients}",
            operation="conv2d_gradients" if gradients else "conv2d_forward",
            parameters={"x": x, "weight": weight, "stride": stride, "padding": kernel // 2},
            peers=("torch",),
            accuracy=True,
        ),
        flops=passes * 2 * y_size * channels * kernel**2,
        bytes=passes * BYTES * (math.prod(x) + math.prod(weight) + y_size),
        wanted=WIDE_CONVOLUTION if min(channels, width) >= 128 else {},
    )


def on_regions(operation: str, x: tuple[int, ...], regions: int, stride: int) -> GpuCase:
    """RoIAlign or RoIPool to 7x7, forward and backward: a map, and as much for its gradient."""
    shape = "x".join(map(str, x))
    return GpuCase(
        Case(
            name=f"{operation}, {regions} regions on {shape}",
            row="regions, forward and backward",
            operation=operation,
            parameters={"x": x, "regions": regions, "stride": stride},
            peers=("torchvision",),
            accuracy=True,
        ),
        bytes=2 * BYTES * (math.prod(x) + regions * x[1] * 7 * 7),
        wanted=ON_REGIONS,
        precisions=(FLOAT32,),
    )


def suppression(count: int) -> GpuCase:
    """Of boxes in clusters, as a detector makes them."""
    return GpuCase(
        Case(
            name=f"nms of {count:,} boxes, IoU 0.7",
            row="non-maximum suppression",
            operation="nms",
            parameters={"count": count, "image": (600, 800), "iou_threshold": 0.7},
            peers=("torchvision",),
        ),
        wanted=ON_REGIONS,
        precisions=(FLOAT32,),
    )


# Multiplications for one image of 224x224, and parameters.
NETWORKS = {"vgg16": (15_470_264_320, 138_357_544), "resnet50": (4_089_184_256, 25_557_032)}


def inference(name: str, batch: int) -> GpuCase:
    """A whole network, evaluating."""
    multiplications, parameters = NETWORKS[name]
    return GpuCase(
        Case(
            name=f"{name}, {batch}x3x224x224",
            row="networks, inference",
            operation="network",
            parameters={"name": name, "x": (batch, 3, 224, 224)},
            peers=("torch",),
            accuracy=True,
        ),
        flops=2.0 * batch * multiplications,
        bytes=BYTES * (parameters + batch * 3 * 224 * 224),
    )


def training_step(batch: int, side: int, proposals: int) -> GpuCase:
    """Losses, backward, clipping and SGD of the demonstration's detector."""
    settings = dataclasses.asdict(FASTER_RCNN["small"])
    settings |= {"min_size": side, "max_size": side, "post_nms_top_n_train": proposals}
    return GpuCase(
        Case(
            name=f"{batch} images of {side}x{side}",
            row="Faster R-CNN on the small backbone, one training step",
            operation="faster_rcnn_step",
            parameters={
                "batch": batch, "size": (side, side), "classes": 5, "settings": settings
            },
            peers=("torch",),
            # Among many scores some lie so close that rounding decides which comes first.
            tolerance=0.02,
        ),
        wanted=TRAINING_STEP,
    )  # fmt: skip


VGG = [(channels, width, side, 3, 1) for channels, width, side in VGG_LAYERS]
# Distinct kinds of ResNet-50's layers, from the first to the last group: He et al. 2016, Table 1.
RESNET = [
    (3, 64, 224, 7, 2),
    (64, 64, 56, 3, 1),
    (64, 256, 56, 1, 1),
    (256, 128, 56, 1, 1),
    (128, 128, 56, 3, 2),
    (256, 512, 56, 1, 2),
    (256, 1024, 14, 1, 1),
    (512, 512, 7, 3, 1),
    (512, 2048, 7, 1, 1),
]

# What is soon done comes first, and last what is left out where time runs out.
CASES = [
    *(on_regions(name, (1, 256, 38, 50), 512, 16) for name in ("roi_align", "roi_pool")),
    *(on_regions(name, (1, 256, 200, 304), 1000, 4) for name in ("roi_align", "roi_pool")),
    suppression(2000),
    suppression(6000),
    training_step(8, 128, 200),
    training_step(8, 512, 1000),
    *(inference(name, batch) for name in NETWORKS for batch in (1, 8)),
    *(
        convolution(f"{network}'s layers", batch, layer, gradients)
        for gradients in (False, True)
        for batch in (8, 1)
        for network, layers in (("VGG-16", VGG), ("ResNet-50", RESNET))
        for layer in layers
    ),
]
