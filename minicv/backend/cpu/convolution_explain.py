"""Say in words which algorithm computes a convolution on the CPU, and why."""

from __future__ import annotations

from typing import get_args

import numpy as np

from minicv.backend.cpu.convolution_choice import (
    IDEAS,
    Direction,
    Layer,
    choose_algorithm,
    costs,
)
from minicv.backend.cpu.convolution_geometry import Pair


def explain_conv(
    x_shape: tuple[int, int, int, int],
    w_shape: tuple[int, int, int, int],
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
    dtype: str = "float32",
) -> str:
    """Which algorithm `conv2d` takes on the CPU for these shapes, forward and backward, and why.

    The names are those of the files ``minicv/backend/cpu/convolution_*.py``; `use_conv_algorithm`
    takes another one. Multiply-adds and traffic are counted, not measured; the ratios come from the
    cost model of ``convolution_choice.py``.

    Args:
        x_shape: (N, C, H, W).
        w_shape: (O, C / groups, KH, KW).
        stride, padding, dilation, groups: as of `conv2d`.
        dtype: only float32 takes short cuts.

    Returns:
        A few lines to print. Traffic is what is moved beyond the operands of matrix products.

    Raises:
        ValueError: the shapes do not fit together.

    >>> print(explain_conv((1, 64, 56, 56), (64, 64, 3, 3), padding=1))
    conv2d (1, 64, 56, 56) with (64, 64, 3, 3) -> (1, 64, 56, 56), float32: 116 M multiply-adds
    forward: winograd_4x4, 53.7 M multiply-adds, 6.4 MB moved
        F(4x4, 3x3): 36 multiplications in place of 144, between transforms
        estimated against it: im2col 1.8, winograd_2x2 1.3 times as long
    grad_input: winograd_4x4, 53.7 M multiply-adds, 6.4 MB moved
        F(4x4, 3x3): 36 multiplications in place of 144, between transforms
        estimated against it: im2col 1.8, winograd_2x2 1.3 times as long
    grad_weight: winograd_4x4, 53.7 M multiply-adds, 6.4 MB moved
        F(4x4, 3x3): 36 multiplications in place of 144, between transforms
        estimated against it: im2col 1.8, winograd_2x2 1.3 times as long
    """
    pair = [v if isinstance(v, tuple) else (v, v) for v in (stride, padding, dilation)]
    layer = Layer.of(np.dtype(dtype), tuple(x_shape), tuple(w_shape), *pair, groups)
    if x_shape[1] != w_shape[1] * groups or w_shape[0] % groups or min(layer.y_shape[2:]) < 1:
        raise ValueError(
            f"explain_conv: these shapes do not fit together: x_shape={tuple(x_shape)}, "
            f"w_shape={tuple(w_shape)}, stride={stride}, padding={padding}, dilation={dilation}, "
            f"groups={groups}"
        )
    direct = costs(layer, "forward")["im2col"].multiply_adds
    lines = [
        f"conv2d {layer.x_shape} with {layer.weight_shape} -> {layer.y_shape}, {layer.dtype}: "
        f"{_millions(direct)} multiply-adds"
    ]
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
        f"    {IDEAS[chosen]}",
    ]
    others = [f"{name} {c.time / time:.2g}" for name, c in possible.items() if name != chosen]
    if layer.dtype != np.float32:
        lines.append("    dtypes other than float32 are for checking and take no short cuts")
    elif others:
        lines.append(f"    estimated against it: {', '.join(others)} times as long")
    return lines


def _millions(count: float) -> str:
    return f"{count / 1e6:,.3g} M"
