"""Which algorithm computes a convolution: what each would cost, and the cheapest is taken.

Costs are counted in multiply-adds of a very large matrix product, the thing a processor does best:

- a product of M x K and K x N takes as long as (M + 12) (K + 12) (N + 12) of them: edges are slow;
- a number that is gathered, scattered or added takes as long as 20 (two neighbours in memory are
  moved together, but a product does much more with each);
- a block of work takes 100,000 to hand out.

The weight of 20 and the other two are measured, on cores with vectors of 256 and 512 bits. They
need not be exact: the best two algorithms differ little where the choice changes.

Only float32 takes a short cut; other dtypes are for checking and go the plainest way.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Literal, NamedTuple, get_args

import numpy as np

from minicv.backend.cpu.convolution_geometry import Pair, output_size

Shape4 = tuple[int, int, int, int]
Algorithm = Literal[
    "im2col",
    "pointwise",
    "depthwise",
    "winograd_2x2",
    "winograd_4x4",
    "cells",
    "implicit_gemm",
]
Direction = Literal["forward", "grad_input", "grad_weight"]

EDGE, MOVE, BLOCK = 12, 20, 100_000
IDEAS: dict[Algorithm, str] = {
    "im2col": "every window is a column of a matrix; works for every convolution",
    "pointwise": "a 1x1 kernel only mixes channels, so the image is its own matrix",
    "depthwise": "one kernel for each channel: a sum of shifted copies of the image",
    "winograd_2x2": "F(2x2, 3x3): 16 multiplications in place of 36, between transforms",
    "winograd_4x4": "F(4x4, 3x3): 36 multiplications in place of 144, between transforms",
    "cells": "cells of stride x stride pixels as channels, so that the stride becomes 1",
    "implicit_gemm": "im2col whose columns are made tile by tile, next to the multipliers of a GPU",
}
_wanted: ContextVar[Algorithm | None] = ContextVar("convolution algorithm", default=None)


class Cost(NamedTuple):
    """Of one direction of a layer by one algorithm.

    Attributes:
        multiply_adds: that it makes, the transforms among them.
        moved: numbers copied, added or transformed outside of the matrix products.
        time: in multiply-adds of a very large matrix product.
    """

    multiply_adds: float
    moved: float
    time: float


class Layer(NamedTuple):
    """A convolution, by its shapes."""

    dtype: np.dtype
    x_shape: Shape4
    weight_shape: Shape4
    y_shape: Shape4
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int

    @classmethod
    def of(
        cls,
        dtype: np.dtype,
        x_shape: Shape4,
        weight_shape: Shape4,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Layer:
        """With the shape of the result filled in."""
        axes = zip(x_shape[2:], weight_shape[2:], stride, padding, dilation, strict=True)
        y_shape = (x_shape[0], weight_shape[0], *(output_size(*axis) for axis in axes))
        return cls(dtype, x_shape, weight_shape, y_shape, stride, padding, dilation, groups)


def choose_algorithm(layer: Layer, direction: Direction) -> Algorithm:
    """The cheapest, or the one of `use_conv_algorithm` where that can do it.

    >>> x, y, once, none = (2, 32, 8, 8), (2, 64, 8, 8), (1, 1), (0, 0)
    >>> layer = Layer(np.dtype("float32"), x, (64, 32, 1, 1), y, once, none, once, 1)
    >>> choose_algorithm(layer, "forward")
    'pointwise'
    >>> choose_algorithm(layer._replace(dtype=np.dtype("float64")), "forward")
    'im2col'
    """
    if layer.dtype != np.float32:
        return "im2col"
    possible = costs(layer, direction)
    wanted = wanted_algorithm()
    return wanted if wanted in possible else min(possible, key=lambda name: possible[name].time)


@contextlib.contextmanager
def use_conv_algorithm(name: Algorithm) -> Iterator[None]:
    """Within this block, convolutions use this algorithm, each where it is possible.

    For comparing algorithms: results differ by rounding only. A layer that the algorithm cannot
    compute (Winograd a 5x5 kernel, say) goes its usual way, and so does, on the CPU, all that is
    not float32. Only the current thread is concerned.

    Args:
        name: "im2col", "pointwise", "depthwise" or "winograd_2x2" on any device; on the CPU also
            "winograd_4x4" and "cells", and on a GPU "implicit_gemm". Where a device does not have
            it, every layer goes its usual way.

    Raises:
        ValueError: no algorithm has this name.

    >>> layer = Layer.of(np.dtype("float32"), (1, 64, 32, 32), (64, 64, 3, 3),
    ...                  stride=(1, 1), padding=(1, 1), dilation=(1, 1), groups=1)
    >>> choose_algorithm(layer, "forward")
    'winograd_4x4'
    >>> with use_conv_algorithm("im2col"):
    ...     choose_algorithm(layer, "forward")
    'im2col'
    """
    if name not in get_args(Algorithm):
        raise ValueError(
            f"use_conv_algorithm: there is no algorithm {name!r}; choose one of "
            f"{', '.join(get_args(Algorithm))}"
        )
    token = _wanted.set(name)
    try:
        yield
    finally:
        _wanted.reset(token)


def wanted_algorithm() -> Algorithm | None:
    """That of the innermost `use_conv_algorithm`, or None outside of any.

    >>> with use_conv_algorithm("implicit_gemm"):
    ...     wanted_algorithm()
    'implicit_gemm'
    """
    return _wanted.get()


def costs(layer: Layer, direction: Direction) -> dict[Algorithm, Cost]:
    """What each algorithm that can compute this layer in float32 would cost."""
    kernel, c, o = layer.weight_shape[2:], layer.x_shape[1], layer.y_shape[1]
    result = {"im2col": _im2col(layer, direction)}
    if layer.groups > 1:
        if layer.groups == c == o:
            result["depthwise"] = _depthwise(layer)
        return result
    if kernel == (1, 1) and layer.padding == (0, 0):
        result["pointwise"] = _pointwise(layer, direction)
    if layer.dilation != (1, 1):
        return result
    if layer.stride != (1, 1):
        result["cells"] = _cells(layer)
    elif kernel == (3, 3) and max(layer.padding) <= 2:
        result["winograd_2x2"] = _winograd(layer, 2)
        result["winograd_4x4"] = _winograd(layer, 4)
    return result


def _product(m: int, k: int, n: int) -> float:
    return (m + EDGE) * (k + EDGE) * (n + EDGE)


def _im2col(layer: Layer, direction: Direction) -> Cost:
    n, o, oh, ow = layer.y_shape
    og, pixels, window = o // layer.groups, n * oh * ow, math.prod(layer.weight_shape[1:])
    moved = layer.groups * window * pixels
    if layer.stride[1] > 1:
        moved *= 2  # single numbers, not runs
    if direction == "grad_input" and layer.stride == (1, 1) and og <= 2 * layer.weight_shape[1]:
        moved = moved * og // max(1, layer.weight_shape[1])  # as a convolution of dL/dy
    elif direction == "grad_input":
        moved *= 2  # added, not copied
    if n > 1:
        moved += o * pixels
    columns = max(ow, min(pixels, (1 << 18) // (window + og)))  # of a strip
    if layer.groups == 1 and pixels <= o:
        columns = pixels  # all of them are kept
    strips = layer.groups * pixels / max(1, columns)
    time = strips * (_product(og, window, columns) + BLOCK) + MOVE * moved
    return Cost(o * window * pixels, moved, time)


def _pointwise(layer: Layer, direction: Direction) -> Cost:
    n, o, oh, ow = layer.y_shape
    c, columns = layer.x_shape[1], oh * ow
    moved = 0 if layer.stride == (1, 1) else n * c * columns
    if direction == "grad_weight" and n > 1:
        moved += n * o * c  # sums of the images
    return Cost(n * o * c * columns, moved, n * (_product(o, c, columns) + BLOCK) + MOVE * moved)


def _depthwise(layer: Layer) -> Cost:
    taps, pixels = math.prod(layer.weight_shape[2:]), math.prod(layer.y_shape)
    moved = math.prod(layer.x_shape) + pixels
    # A tap is read, multiplied and added, in the nearest cache.
    return Cost(taps * pixels, moved, taps * pixels * MOVE / 2 + moved * MOVE + BLOCK)


def _winograd(layer: Layer, m: int) -> Cost:
    n, o, oh, ow = layer.y_shape
    c, points = layer.x_shape[1], (m + 2) ** 2
    tiles = n * -(-oh // m) * -(-ow // m)
    transforms = points * (points * c + m * m * o) * tiles + 9 * points * o * c
    # Pixels are cut into tiles, and tiles transformed; products are, and put together.
    moved = 2 * (points * c + m * m * o) * tiles + 2 * points * o * c
    time = points * _product(o, c, tiles) + transforms + MOVE * moved + 2 * BLOCK
    return Cost(points * o * c * tiles + transforms, moved, time)


def _cells(layer: Layer) -> Cost:
    n, o, oh, ow = layer.y_shape
    taps = [-(-k // s) for k, s in zip(layer.weight_shape[2:], layer.stride, strict=True)]
    cells = n * (oh + taps[0] - 1) * (ow + taps[1] - 1)
    pixels, sums = layer.x_shape[1] * math.prod(layer.stride), o * math.prod(taps)
    moved = 2 * ((2 * pixels + sums) * cells + sums * pixels)  # single numbers, not runs
    time = _product(sums, pixels, cells) + MOVE * moved + 2 * BLOCK
    return Cost(sums * pixels * cells, moved, time)
