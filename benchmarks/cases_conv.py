"""Convolution: the distinct 3x3 layers of VGG-16, forward, and forward with both gradients."""

from __future__ import annotations

from benchmarks.case import Case, Wanted

FORWARD = "3x3 layers of VGG-16 at 224x224, batch 1, forward"
TRAINING = "3x3 layers of VGG-16 at 56x56 and below, batch 8, forward and both gradients"

# Channels in and out, and the side of the map: Simonyan & Zisserman 2015, Table 1 D.
VGG_LAYERS = (
    (3, 64, 224), (64, 64, 224), (64, 128, 112), (128, 128, 112), (128, 256, 56),
    (256, 256, 56), (256, 512, 28), (512, 512, 28), (512, 512, 14),
)  # fmt: skip
TRAINED_LAYERS = ((64, 64, 56), *(layer for layer in VGG_LAYERS if layer[2] <= 56))


def _case(row: str, operation: str, batch: int, layer: tuple[int, int, int]) -> Case:
    channels, width, side = layer
    return Case(
        name=f"{batch}x{channels}x{side}x{side} -> {width}",
        row=row,
        operation=operation,
        parameters={
            "x": (batch, channels, side, side),
            "weight": (width, channels, 3, 3),
            "stride": 1,
            "padding": 1,
        },
        accuracy=True,
    )


CASES = [
    *(_case(FORWARD, "conv2d_forward", 1, layer) for layer in VGG_LAYERS),
    *(_case(TRAINING, "conv2d_gradients", 8, layer) for layer in TRAINED_LAYERS),
]
WANTED = {
    FORWARD: {"torch": Wanted(1.3, least=1.0), "chainer": Wanted(3.0)},
    TRAINING: {"torch": Wanted(1.3, least=1.0), "chainer": Wanted(4.0)},
}
