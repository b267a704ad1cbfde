"""Which algorithm computes a convolution on a GPU.

A GPU multiplies ten times faster than it reads: a number that comes from its memory should be used
in a dozen multiply-adds at least (in TF32 in a hundred). So the question is less how much each
algorithm computes than how often it writes and reads what it computes with.
"""

from __future__ import annotations

import math

import numpy as np

from minicv.backend.cpu.convolution_choice import (
    Algorithm,
    Direction,
    Layer,
    wanted_algorithm,
)
from minicv.backend.cuda import convolution_depthwise as depthwise
from minicv.backend.precision import current_matmul_precision

# Winograd makes 16 products of what were 36, but writes and reads tiles of four times the size of x
# and y in between: from so many channels on, and with so many pixels for each transformed weight,
# that is worth it.
WINOGRAD_CHANNELS, WINOGRAD_PIXELS = 64, 256
# A number of im2col's columns is written and read for as many multiply-adds as there are outputs.
# With fewer than these, that takes longer than the slower products of implicit GEMM.
FEW_OUTPUTS = {"float32": 96, "tf32": 32}
FEW_ROWS = 64  # of columns: the product is over sooner than its result is written and read again
SMALLEST_TILE = 32  # channels that implicit GEMM computes together, needed or not


def choose_algorithm(layer: Layer, direction: Direction) -> Algorithm:
    """The usual one, or the one of `use_conv_algorithm` where that can do it.

    >>> once, none = (1, 1), (0, 0)
    >>> layer = Layer.of(np.dtype("float32"), (2, 32, 8, 8), (64, 32, 1, 1), once, none, once, 1)
    >>> choose_algorithm(layer, "forward")
    'pointwise'
    >>> first = Layer.of(np.dtype("float32"), (2, 3, 32, 32), (64, 3, 3, 3), once, once, once, 1)
    >>> choose_algorithm(first, "forward"), choose_algorithm(first, "grad_weight")
    ('implicit_gemm', 'im2col')
    """
    possible = possible_algorithms(layer, direction)
    wanted = wanted_algorithm()
    if wanted in possible:
        return wanted
    for sure in ("pointwise", "depthwise"):  # never worse than another
        if sure in possible:
            return sure
    if "winograd_2x2" in possible and _pays_for_its_transforms(layer):
        return "winograd_2x2"
    if "implicit_gemm" in possible and _columns_are_used_too_little(layer, direction):
        return "implicit_gemm"
    return "im2col"


def possible_algorithms(layer: Layer, direction: Direction) -> tuple[Algorithm, ...]:
    """Those that can compute this layer."""
    kernel, c, o = layer.weight_shape[2:], layer.x_shape[1], layer.y_shape[1]
    possible: list[Algorithm] = ["im2col"]
    if direction == "forward" or (direction == "grad_input" and layer.stride == (1, 1)):
        possible.append("implicit_gemm")
    if layer.groups > 1:
        if layer.groups == c == o and depthwise.can_do(layer.weight_shape):
            possible.append("depthwise")
        return tuple(possible)
    if kernel == (1, 1) and layer.padding == (0, 0):
        possible.append("pointwise")
    plain = layer.stride == layer.dilation == (1, 1) and max(layer.padding) <= 2
    if kernel == (3, 3) and plain and layer.dtype == np.float32 and direction != "grad_weight":
        possible.append("winograd_2x2")
    return tuple(possible)


def _pays_for_its_transforms(layer: Layer) -> bool:
    # Under TF32 the tensor cores need no help with the products, and the differences of Winograd's
    # transforms would lose some of the few digits that are left.
    if current_matmul_precision() == "tf32":
        return False
    n, o, oh, ow = layer.y_shape
    return min(layer.x_shape[1], o) >= WINOGRAD_CHANNELS and n * oh * ow >= WINOGRAD_PIXELS


def _columns_are_used_too_little(layer: Layer, direction: Direction) -> bool:
    if direction == "grad_input" and layer.groups == 1 and layer.x_shape[1] < SMALLEST_TILE:
        return False
    outputs, rows = layer.y_shape[1] // layer.groups, math.prod(layer.weight_shape[1:])
    return outputs < FEW_OUTPUTS[current_matmul_precision()] or rows < FEW_ROWS
