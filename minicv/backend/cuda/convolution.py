"""The convolution kernels on CUDA, and which algorithm computes them.

The same three sides of one trilinear form as in `minicv.backend.cpu.convolution`, which says what
each computes.
"""

from __future__ import annotations

import numpy as np

from minicv.backend.cpu.convolution_choice import Layer, Shape4
from minicv.backend.cpu.convolution_geometry import Pair
from minicv.backend.cuda import convolution_depthwise as depthwise
from minicv.backend.cuda import convolution_im2col as im2col
from minicv.backend.cuda import convolution_implicit_gemm as implicit_gemm
from minicv.backend.cuda import convolution_pointwise as pointwise
from minicv.backend.cuda import convolution_winograd as winograd
from minicv.backend.cuda.convolution_choice import choose_algorithm
from minicv.backend.cuda.convolution_finish import Finish
from minicv.backend.device import Array, xp_of


def conv2d_forward(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """y[n, o] = bias[o] + Σ_c x[n, c] ⋆ weight[o, c]: (N, C, H, W) -> (N, O, OH, OW)."""
    options = (stride, padding, dilation, groups)
    return conv2d_norm_relu_forward(x, weight, None, bias, None, None, *options)


def conv2d_norm_relu_forward(
    x: Array,
    weight: Array,
    scale: Array | None,
    shift: Array | None,
    shortcut: Array | None,
    ceiling: float | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """min(max(scale[o] · Σ_c x[n, c] ⋆ weight[o, c] + shift[o] + shortcut, 0), ceiling).

    ``scale`` and ``shift`` (O,) and ``shortcut``, of the result's shape, may each be None. So may
    ``ceiling``: then there is no ReLU. Every algorithm does all of it before it writes a number.
    """
    dtype = np.result_type(x.dtype, weight.dtype)
    x, weight, scale, shift, shortcut = _ready(dtype, x, weight, scale, shift, shortcut)
    layer = Layer.of(dtype, x.shape, weight.shape, stride, padding, dilation, groups)
    finish, y_shape = Finish(scale, shift, shortcut, ceiling), layer.y_shape
    algorithm = choose_algorithm(layer, "forward")
    if algorithm == "pointwise":
        return pointwise.forward(x, weight, finish, stride, y_shape)
    if algorithm == "depthwise":
        return depthwise.forward(x, weight, finish, stride, padding, dilation, y_shape)
    if algorithm == "winograd_2x2":
        return winograd.forward(x, weight, finish, padding, y_shape)
    options = (stride, padding, dilation, groups)
    if algorithm == "implicit_gemm":
        return implicit_gemm.forward(x, weight, finish, *options, y_shape)
    return im2col.forward(x, weight, finish, *options, y_shape)


def conv2d_grad_input(
    grad: Array,
    weight: Array,
    x_shape: Shape4,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """dL/dx from dL/dy: (N, O, OH, OW) -> x_shape. Also the forward of transposed convolution."""
    dtype = np.result_type(grad.dtype, weight.dtype)
    grad, weight = _ready(dtype, grad, weight)
    options = (stride, padding, dilation, groups)
    layer = Layer(dtype, x_shape, weight.shape, grad.shape, *options)
    algorithm = choose_algorithm(layer, "grad_input")
    if algorithm == "pointwise":
        return pointwise.grad_input(grad, weight, x_shape, stride)
    if algorithm == "depthwise":
        return depthwise.grad_input(grad, weight, x_shape, stride, padding, dilation)
    if algorithm == "winograd_2x2":
        return winograd.grad_input(grad, weight, x_shape, padding)
    if algorithm == "implicit_gemm":
        return implicit_gemm.grad_input(grad, weight, x_shape, *options)
    return im2col.grad_input(grad, weight, x_shape, *options)


def conv2d_grad_weight(
    grad: Array,
    x: Array,
    weight_shape: Shape4,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """dL/dweight from dL/dy and x: -> (O, C/groups, KH, KW)."""
    dtype = np.result_type(grad.dtype, x.dtype)
    grad, x = _ready(dtype, grad, x)
    options = (stride, padding, dilation, groups)
    layer = Layer(dtype, x.shape, weight_shape, grad.shape, *options)
    algorithm = choose_algorithm(layer, "grad_weight")
    if algorithm == "pointwise":
        return pointwise.grad_weight(grad, x, weight_shape, stride)
    if algorithm == "depthwise":
        return depthwise.grad_weight(grad, x, weight_shape, stride, padding, dilation)
    return im2col.grad_weight(grad, x, weight_shape, *options)


def _ready(dtype: np.dtype, *arrays: Array | None) -> tuple[Array | None, ...]:
    """As kernels take them: of one dtype and without gaps; what is None stays so."""
    xp = xp_of(*arrays)
    return tuple(None if a is None else xp.ascontiguousarray(a, dtype) for a in arrays)
