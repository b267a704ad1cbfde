"""Which algorithm computes a convolution on a GPU."""

from __future__ import annotations

from minicv.backend.cpu.convolution_choice import (
    Algorithm,
    Direction,
    Layer,
    wanted_algorithm,
)
from minicv.backend.cuda import convolution_depthwise as depthwise


def choose_algorithm(layer: Layer, direction: Direction) -> Algorithm:
    """The usual one, or the one of `use_conv_algorithm` where that can do it.

    >>> import numpy as np
    >>> once, none = (1, 1), (0, 0)
    >>> layer = Layer.of(np.dtype("float32"), (2, 32, 8, 8), (64, 32, 1, 1), once, none, once, 1)
    >>> choose_algorithm(layer, "forward")
    'pointwise'
    """
    possible = possible_algorithms(layer, direction)
    wanted = wanted_algorithm()
    if wanted in possible:
        return wanted
    for sure in ("pointwise", "depthwise"):  # never worse than another
        if sure in possible:
            return sure
    return "im2col"


def possible_algorithms(layer: Layer, direction: Direction) -> tuple[Algorithm, ...]:
    """Those that can compute this layer."""
    kernel, c, o = layer.weight_shape[2:], layer.x_shape[1], layer.y_shape[1]
    possible: list[Algorithm] = ["im2col"]
    if layer.groups > 1:
        if layer.groups == c == o and depthwise.can_do(layer.weight_shape):
            possible.append("depthwise")
        return tuple(possible)
    if kernel == (1, 1) and layer.padding == (0, 0):
        possible.append("pointwise")
    return tuple(possible)
