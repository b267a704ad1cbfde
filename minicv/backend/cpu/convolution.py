"""The three convolution kernels, and which algorithm computes them.

conv2d_forward, conv2d_grad_input and conv2d_grad_weight are one trilinear form, a sum over all
n, o, c, i, j, u, v of dL/dy · weight · x, seen from its three sides. So they also make up
transposed convolution and its gradients.
"""

from __future__ import annotations

import numpy as np

from minicv.backend.cpu import convolution_cells as cells
from minicv.backend.cpu import convolution_depthwise as depthwise
from minicv.backend.cpu import convolution_depthwise_gradients as depthwise_gradients
from minicv.backend.cpu import convolution_im2col as im2col
from minicv.backend.cpu import convolution_pointwise as pointwise
from minicv.backend.cpu import convolution_winograd as winograd
from minicv.backend.cpu.convolution_choice import Layer, Shape4, choose_algorithm
from minicv.backend.cpu.convolution_finish import Finish
from minicv.backend.cpu.convolution_geometry import Pair


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
    options = (stride, padding, dilation, groups)
    return conv2d_norm_relu_forward(x, weight, None, bias, None, None, *options)


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

    ``scale`` and ``shift`` (O,) and ``shortcut``, of the result's shape, may each be None. So may
    ``ceiling``: then there is no ReLU.

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
    finish = Finish(scale, shift, shortcut, ceiling)
    algorithm = choose_algorithm(layer, "forward")
    if algorithm == "pointwise":
        return pointwise.forward(x, weight, stride, finish)
    if algorithm == "depthwise":
        return depthwise.forward(x, weight, stride, padding, dilation, layer.y_shape, finish)
    if algorithm == "winograd_2x2":
        return winograd.forward(x, weight, padding, layer.y_shape, 2, finish)
    if algorithm == "winograd_4x4":
        return winograd.forward(x, weight, padding, layer.y_shape, 4, finish)
    if algorithm == "cells":
        return finish.apply(cells.forward(x, weight, layer.y_shape, stride, padding))
    return im2col.forward(x, weight, stride, padding, dilation, groups, layer.y_shape, finish)


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
    algorithm = choose_algorithm(layer, "grad_input")
    if algorithm == "winograd_2x2":
        return winograd.grad_input(grad, weight, x_shape, padding, m=2)
    if algorithm == "winograd_4x4":
        return winograd.grad_input(grad, weight, x_shape, padding, m=4)
    if algorithm == "pointwise":
        return pointwise.grad_input(grad, weight, x_shape, stride)
    if algorithm == "depthwise":
        return depthwise_gradients.grad_input(grad, weight, x_shape, stride, padding, dilation)
    if algorithm == "cells":
        return cells.grad_input(grad, weight, x_shape, stride, padding)
    return im2col.grad_input(grad, weight, x_shape, *options)


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
    algorithm = choose_algorithm(layer, "grad_weight")
    if algorithm == "winograd_2x2":
        return winograd.grad_weight(grad, x, weight_shape, padding, m=2)
    if algorithm == "winograd_4x4":
        return winograd.grad_weight(grad, x, weight_shape, padding, m=4)
    if algorithm == "pointwise":
        return pointwise.grad_weight(grad, x, stride)
    if algorithm == "depthwise":
        return depthwise_gradients.grad_weight(grad, x, weight_shape, stride, padding, dilation)
    if algorithm == "cells":
        return cells.grad_weight(grad, x, weight_shape, stride, padding)
    return im2col.grad_weight(grad, x, weight_shape, *options)
