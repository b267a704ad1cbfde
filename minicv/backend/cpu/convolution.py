"""The convolution kernels of the CPU: algorithms, what each would cost, and the cheapest is taken.

conv2d_forward, conv2d_grad_input and conv2d_grad_weight are one trilinear form, a sum over all
n, o, c, i, j, u, v of dL/dy · weight · x, seen from its three sides. So they also make up
transposed convolution and its gradients.

`ALGORITHMS` is the table of all ways to compute them; each way has a file of its own. What each
would do is counted in `convolution_costs`, how long that takes is known to `machine`, and the
cheapest is taken. The counts need not be exact: the best two algorithms differ little where the
choice changes.

Only float32 takes a short cut; other dtypes are for checking and always use im2col.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, cast, get_args

import numpy as np

from minicv.backend.convolution_layer import (
    AlgorithmName,
    Direction,
    Epilogue,
    Layer,
    Pair,
    Shape4,
    wanted_algorithm,
)
from minicv.backend.cpu import convolution_costs
from minicv.backend.cpu import convolution_depthwise as depthwise
from minicv.backend.cpu import convolution_im2col as im2col
from minicv.backend.cpu import convolution_interleaved as interleaved
from minicv.backend.cpu import convolution_pointwise as pointwise
from minicv.backend.cpu import convolution_shifted as shifted
from minicv.backend.cpu import convolution_space_to_depth as space_to_depth
from minicv.backend.cpu import convolution_winograd as winograd
from minicv.backend.cpu import convolution_winograd_strided as winograd_strided
from minicv.backend.cpu.machine import BUILT_IN, Machine, Work, machine

LARGE = 10_000_000  # multiply-adds; smaller layers are not worth measuring the machine for
# These algorithms multiply pixels by zeros, or add pixels that cancel, and so carry infinity and
# NaN to results that do not depend on them. A result that is not finite is computed again by
# im2col, where they stay.
TRANSFORMED: frozenset[AlgorithmName] = frozenset(
    {"winograd_2x2", "winograd_4x4", "winograd_strided", "space_to_depth"}
)
SPREAD: dict[Direction, frozenset[AlgorithmName]] = {
    "forward": TRANSFORMED,
    "grad_input": TRANSFORMED,
    "grad_weight": TRANSFORMED | {"depthwise", "shifted"},
}


def conv2d_forward(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """y[n, o] = bias[o] + Σ_c x[n, c] ⋆ weight[o, c]: (N, C, H, W) -> (N, O, OH, OW).

    >>> x, weight = np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2))
    >>> conv2d_forward(x, weight, np.array([0.5]), (1, 1), (0, 0), (1, 1), 1).tolist()
    [[[[4.5]]]]
    """
    layer = Layer.of(x.dtype, x.shape, weight.shape, stride, padding, dilation, groups)
    return _compute("forward", layer, x, weight, Epilogue(shift=bias))


def conv2d_norm_relu_forward(
    x: np.ndarray,
    weight: np.ndarray,
    scale: np.ndarray | None,
    shift: np.ndarray | None,
    shortcut: np.ndarray | None,
    ceiling: float | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """min(max(scale[o] · Σ_c x[n, c] ⋆ weight[o, c] + shift[o] + shortcut, 0), ceiling).

    Args:
        scale, shift: (O,) or None.
        shortcut: of the result's shape, or None.
        ceiling: of the ReLU, infinity for the usual one; None for no ReLU.

    >>> x, weight = np.ones((1, 1, 1, 2)), np.ones((1, 1, 1, 1))
    >>> once, none = (1, 1), (0, 0)
    >>> conv2d_norm_relu_forward(x, weight, np.array([3.0]), np.array([4.0]), -x, 5.0,
    ...                          once, none, once, 1).tolist()
    [[[[5.0, 5.0]]]]
    """
    layer = Layer.of(x.dtype, x.shape, weight.shape, stride, padding, dilation, groups)
    pixels = layer.y_shape[2] * layer.y_shape[3]
    if scale is not None and weight[0].size < pixels:  # scale whichever is smaller
        weight, scale = weight * scale[:, None, None, None], None
    if shortcut is not None:
        shortcut = np.ascontiguousarray(shortcut)
    return _compute("forward", layer, x, weight, Epilogue(scale, shift, shortcut, ceiling))


def conv2d_grad_input(
    grad: np.ndarray,
    weight: np.ndarray,
    x_shape: Shape4,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """dL/dx from dL/dy: (N, O, OH, OW) -> x_shape. Also the forward of transposed convolution.

    >>> grad, weight = np.ones((1, 1, 1, 1)), np.array([[[[1.0, 2.0]]]])
    >>> conv2d_grad_input(grad, weight, (1, 1, 1, 2), (1, 1), (0, 0), (1, 1), 1).tolist()
    [[[[1.0, 2.0]]]]
    """
    options = (stride, padding, dilation, groups)
    layer = Layer(grad.dtype, x_shape, weight.shape, grad.shape, *options)
    return _compute("grad_input", layer, grad, weight)


def conv2d_grad_weight(
    grad: np.ndarray,
    x: np.ndarray,
    weight_shape: Shape4,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """dL/dweight from dL/dy and x: -> (O, C/groups, KH, KW).

    >>> grad, x = np.ones((1, 1, 1, 1)), np.array([[[[3.0, 4.0]]]])
    >>> conv2d_grad_weight(grad, x, (1, 1, 1, 2), (1, 1), (0, 0), (1, 1), 1).tolist()
    [[[[3.0, 4.0]]]]
    """
    options = (stride, padding, dilation, groups)
    layer = Layer(x.dtype, x.shape, weight_shape, grad.shape, *options)
    return _compute("grad_weight", layer, grad, x)


def _compute(direction: Direction, layer: Layer, *operands: Any) -> np.ndarray:
    """By the algorithm that is chosen; by im2col, if that one has spread infinity or NaN.

    What it spreads it spreads into every channel, as NaN, which no epilogue hides. So a single
    channel of y or dL/dx tells.
    """
    name = choose_algorithm(layer, direction)
    compute = getattr(ALGORITHMS[name], direction)
    if name not in SPREAD[direction]:
        return compute(layer, *operands)
    with np.errstate(over="ignore", invalid="ignore"):
        result = compute(layer, *operands)
        seen = result if direction == "grad_weight" else result[:, :1]
        if np.isfinite(seen.sum()):
            return result
    return getattr(im2col, direction)(layer, *operands)


def choose_algorithm(layer: Layer, direction: Direction) -> AlgorithmName:
    """The cheapest, or the algorithm of `use_conv_algorithm` where that can compute the layer.

    >>> x, y, once, none = (2, 32, 8, 8), (2, 64, 8, 8), (1, 1), (0, 0)
    >>> layer = Layer(np.dtype("float32"), x, (64, 32, 1, 1), y, once, none, once, 1)
    >>> choose_algorithm(layer, "forward")
    'pointwise'
    >>> choose_algorithm(layer._replace(dtype=np.dtype("float64")), "forward")
    'im2col'
    """
    if layer.dtype != np.float32:
        return "im2col"
    wanted = wanted_algorithm()
    if wanted in ALGORITHMS and ALGORITHMS[wanted].can_compute(layer):
        return wanted
    return _cheapest(layer, direction)


@functools.lru_cache(maxsize=4096)
def _cheapest(layer: Layer, direction: Direction) -> AlgorithmName:
    possible = costs(layer, direction)
    return min(possible, key=lambda name: possible[name].time)


def costs(
    layer: Layer, direction: Direction, on: Machine | None = None
) -> dict[AlgorithmName, Cost]:
    """What each algorithm that can compute this layer in float32 would cost, on this machine."""
    if layer.x_shape[0] == 0:  # a batch of no images costs what one image does
        x_shape, y_shape = (1, *layer.x_shape[1:]), (1, *layer.y_shape[1:])
        layer = layer._replace(x_shape=x_shape, y_shape=y_shape)
    possible = {
        name: algorithm.work(layer, direction)
        for name, algorithm in ALGORITHMS.items()
        if algorithm.can_compute(layer)
    }
    if on is None:
        on = machine() if possible["im2col"].multiply_adds >= LARGE else BUILT_IN
    return {
        name: Cost(work.multiply_adds, work.moved, on.seconds(work))
        for name, work in possible.items()
    }


class Cost(NamedTuple):
    """Of one direction of a layer by one algorithm.

    Attributes:
        multiply_adds: that it makes, the transforms among them.
        moved: numbers copied outside of the matrix products.
        time: in seconds.
    """

    multiply_adds: float
    moved: float
    time: float


def _is_pointwise(layer: Layer) -> bool:
    return layer.groups == 1 and layer.kernel == (1, 1) and layer.padding == (0, 0)


def _is_depthwise(layer: Layer) -> bool:
    return layer.groups > 1 and layer.groups == layer.x_shape[1] == layer.y_shape[1]


def _is_winograd(layer: Layer) -> bool:
    once = layer.groups == 1 and layer.stride == layer.dilation == (1, 1)
    return once and layer.kernel == (3, 3) and max(layer.padding) <= 2


def _is_strided(layer: Layer) -> bool:
    return layer.groups == 1 and layer.dilation == (1, 1) and layer.stride != (1, 1)


class Algorithm(NamedTuple):
    """One way to compute a convolution.

    Attributes:
        idea: in one sentence.
        can_compute: whether it can compute a layer (in float32).
        work: that it does for a direction of a layer that it can compute.
        forward: (layer, x, weight, epilogue) -> y.
        grad_input: (layer, dL/dy, weight) -> dL/dx.
        grad_weight: (layer, dL/dy, x) -> dL/dweight.
    """

    idea: str
    can_compute: Callable[[Layer], bool]
    work: Callable[[Layer, Direction], Work]
    forward: Callable[[Layer, np.ndarray, np.ndarray, Epilogue], np.ndarray]
    grad_input: Callable[[Layer, np.ndarray, np.ndarray], np.ndarray]
    grad_weight: Callable[[Layer, np.ndarray, np.ndarray], np.ndarray]


def _winograd(idea: str, m: int) -> Algorithm:
    return Algorithm(
        idea,
        _is_winograd,
        functools.partial(convolution_costs.winograd, m=m),
        functools.partial(winograd.forward, m=m),
        functools.partial(winograd.grad_input, m=m),
        functools.partial(winograd.grad_weight, m=m),
    )


ALGORITHMS: dict[AlgorithmName, Algorithm] = {
    "im2col": Algorithm(
        "every window is a column of a matrix; works for every convolution",
        lambda layer: True,
        convolution_costs.im2col,
        im2col.forward,
        im2col.grad_input,
        im2col.grad_weight,
    ),
    "shifted": Algorithm(
        "im2col in long runs: zeros between the rows, and the image is moved as a whole",
        shifted.can_compute,
        convolution_costs.shifted_rows,
        shifted.forward,
        shifted.grad_input,
        shifted.grad_weight,
    ),
    "interleaved": Algorithm(
        "im2col in long runs: the same pixel of all images side by side, and rows moved as wholes",
        interleaved.can_compute,
        convolution_costs.interleaved_images,
        interleaved.forward,
        interleaved.grad_input,
        interleaved.grad_weight,
    ),
    "pointwise": Algorithm(
        "a 1x1 kernel only mixes channels, so the image is its own matrix",
        _is_pointwise,
        convolution_costs.pointwise,
        pointwise.forward,
        pointwise.grad_input,
        pointwise.grad_weight,
    ),
    "depthwise": Algorithm(
        "one kernel for each channel: a sum of shifted copies of the image",
        _is_depthwise,
        convolution_costs.depthwise,
        depthwise.forward,
        depthwise.grad_input,
        depthwise.grad_weight,
    ),
    "winograd_2x2": _winograd(
        "F(2x2, 3x3): 16 multiplications in place of 36, between transforms", m=2
    ),
    "winograd_4x4": _winograd(
        "F(4x4, 3x3): 36 multiplications in place of 144, between transforms", m=4
    ),
    "winograd_strided": Algorithm(
        "F(4x4, 2x2) on four planes of the image: 25 multiplications in place of 64",
        winograd_strided.can_compute,
        convolution_costs.winograd_strided,
        winograd_strided.forward,
        winograd_strided.grad_input,
        winograd_strided.grad_weight,
    ),
    "space_to_depth": Algorithm(
        "cells of stride x stride pixels as channels, so that the stride becomes 1",
        _is_strided,
        convolution_costs.space_to_depth,
        space_to_depth.forward,
        space_to_depth.grad_input,
        space_to_depth.grad_weight,
    ),
}


def explain_conv(
    x_shape: Shape4,
    w_shape: Shape4,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
    dtype: str = "float32",
    device: Literal["cpu", "cuda"] = "cpu",
) -> str:
    """Which algorithm `conv2d` takes for these shapes, forward and backward, and why.

    The names are those of the files ``minicv/backend/cpu/convolution_*.py``; `use_conv_algorithm`
    takes another one. Multiply-adds and traffic are counted, not measured; the ratios come from
    ``convolution_costs.py`` and ``machine.py``. For a GPU, which need not be there, the answer is
    that of the precision in use (`matmul_precision`).

    Args:
        x_shape: (N, C, H, W).
        w_shape: (O, C / groups, KH, KW).
        stride, padding, dilation, groups: as of `conv2d`.
        dtype: only float32 takes short cuts.
        device: where it is computed.

    Returns:
        A few lines to print. Traffic is what is moved beyond the operands of matrix products.

    Raises:
        ValueError: the shapes do not fit together.

    >>> print(explain_conv((1, 64, 56, 56), (64, 64, 3, 3), padding=1))
    conv2d (1, 64, 56, 56) with (64, 64, 3, 3) -> (1, 64, 56, 56), float32: 116 M multiply-adds
    forward: winograd_4x4, 52.4 M multiply-adds, 4.53 MB moved
        F(4x4, 3x3): 36 multiplications in place of 144, between transforms
        estimated: im2col 1.7, shifted 1.8, interleaved 1.6, winograd_2x2 1.7 times as long
    grad_input: winograd_4x4, 53.7 M multiply-adds, 5.12 MB moved
        F(4x4, 3x3): 36 multiplications in place of 144, between transforms
        estimated: im2col 1.7, shifted 1.7, interleaved 1.5, winograd_2x2 1.6 times as long
    grad_weight: winograd_4x4, 53.7 M multiply-adds, 4.48 MB moved
        F(4x4, 3x3): 36 multiplications in place of 144, between transforms
        estimated: im2col 1.5, shifted 1.5, interleaved 1.6, winograd_2x2 1.5 times as long
    """
    x_shape, w_shape = cast(Shape4, tuple(x_shape)), cast(Shape4, tuple(w_shape))
    pairs = [v if isinstance(v, tuple) else (v, v) for v in (stride, padding, dilation)]
    layer = Layer.of(np.dtype(dtype), x_shape, w_shape, pairs[0], pairs[1], pairs[2], groups)
    if x_shape[1] != w_shape[1] * groups or w_shape[0] % groups or min(layer.y_shape[2:]) < 1:
        raise ValueError(
            f"explain_conv: these shapes do not fit together: x_shape={x_shape}, "
            f"w_shape={w_shape}, stride={stride}, padding={padding}, dilation={dilation}, "
            f"groups={groups}"
        )
    direct = costs(layer, "forward")["im2col"].multiply_adds
    lines = [
        f"conv2d {layer.x_shape} with {layer.weight_shape} -> {layer.y_shape}, {layer.dtype}: "
        f"{_millions(direct)} multiply-adds"
    ]
    if device == "cuda":
        explain = importlib.import_module("minicv.backend.cuda.explain_convolution").explain
        return "\n".join([*lines, *explain(layer)])
    for direction in get_args(Direction):
        lines += _explain(layer, direction)
    return "\n".join(lines)


def _explain(layer: Layer, direction: Direction) -> list[str]:
    chosen = choose_algorithm(layer, direction)
    possible = costs(layer, direction)
    multiply_adds, moved, time = possible[chosen]
    megabytes = f"{moved * layer.dtype.itemsize / 1e6:,.3g} MB"
    lines = [
        f"{direction}: {chosen}, {_millions(multiply_adds)} multiply-adds, {megabytes} moved",
        f"    {ALGORITHMS[chosen].idea}",
    ]
    others = [f"{name} {c.time / time:.2g}" for name, c in possible.items() if name != chosen]
    if layer.dtype != np.float32:
        lines.append("    dtypes other than float32 are for checking and take no short cuts")
    elif others:
        lines.append(f"    estimated: {', '.join(others)} times as long")
    return lines


def _millions(count: float) -> str:
    return f"{count / 1e6:,.3g} M"
