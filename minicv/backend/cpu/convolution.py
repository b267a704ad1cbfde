"""The three convolution kernels, and which algorithm computes them.

conv2d_forward, conv2d_grad_input and conv2d_grad_weight are one trilinear form, a sum over all
n, o, c, i, j, u, v of dL/dy · weight · x, seen from its three sides. So they also make up
transposed convolution and its gradients.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from minicv.backend.cpu import convolution_depthwise as depthwise
from minicv.backend.cpu import convolution_im2col as im2col
from minicv.backend.cpu import convolution_pointwise as pointwise
from minicv.backend.cpu import convolution_winograd as winograd
from minicv.backend.cpu.convolution_geometry import Pair, output_size
from minicv.backend.cpu.unbuffered import unbuffered

Shape4 = tuple[int, int, int, int]
Algorithm = Literal["im2col", "pointwise", "depthwise", "winograd"]


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
    size = zip(x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True)
    y_shape = (x.shape[0], weight.shape[0], *(output_size(*axis) for axis in size))
    options = (stride, padding, dilation, groups)
    algorithm = choose_algorithm(x.dtype, x.shape, weight.shape, y_shape, *options)
    if algorithm == "pointwise":
        y = pointwise.forward(x, weight, stride)
    elif algorithm == "depthwise":
        y = depthwise.forward(x, weight, stride, padding, dilation, y_shape)
    elif algorithm == "winograd":
        return winograd.forward(x, weight, bias, padding, y_shape)
    else:
        y = im2col.forward(x, weight, stride, padding, dilation, groups, y_shape)
    if bias is not None:
        with unbuffered():
            y += bias[:, None, None]
    return y


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
    algorithm = choose_algorithm(grad.dtype, x_shape, weight.shape, grad.shape, *options)
    if algorithm == "pointwise":
        return pointwise.grad_input(grad, weight, x_shape, stride)
    if algorithm == "depthwise":
        return depthwise.grad_input(grad, weight, x_shape, stride, padding, dilation)
    if algorithm == "winograd":
        return winograd.grad_input(grad, weight, x_shape, padding)
    return im2col.grad_input(grad, weight, x_shape, stride, padding, dilation, groups)


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
    algorithm = choose_algorithm(x.dtype, x.shape, weight_shape, grad.shape, *options)
    if algorithm == "pointwise":
        return pointwise.grad_weight(grad, x, stride)
    if algorithm == "depthwise":
        return depthwise.grad_weight(grad, x, weight_shape, stride, padding, dilation)
    if algorithm == "winograd":
        return winograd.grad_weight(grad, x, weight_shape, padding)
    return im2col.grad_weight(grad, x, weight_shape, stride, padding, dilation, groups)


def choose_algorithm(
    dtype: np.dtype,
    x_shape: Shape4,
    weight_shape: Shape4,
    y_shape: Shape4,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Algorithm:
    """Which algorithm computes a convolution of these shapes, forward and backward.

    Only float32 takes a short cut; other dtypes are for checking and go the plainest way.

    >>> x, y, once, none = (2, 32, 8, 8), (2, 64, 8, 8), (1, 1), (0, 0)
    >>> choose_algorithm(np.dtype("float32"), x, (64, 32, 1, 1), y, once, none, once, 1)
    'pointwise'
    >>> choose_algorithm(np.dtype("float64"), x, (64, 32, 1, 1), y, once, none, once, 1)
    'im2col'
    """
    if dtype != np.float32:
        return "im2col"
    n, o, oh, ow = y_shape
    c, kernel = x_shape[1], weight_shape[2:]
    if 1 < groups == c == o:
        return "depthwise"
    if groups > 1:
        return "im2col"
    if kernel == (1, 1) and padding == (0, 0):
        # Many small images make many small products; im2col joins them into large ones.
        return "im2col" if n > 4 and oh * ow < 256 else "pointwise"
    plain = stride == (1, 1) and dilation == (1, 1) and max(padding) <= 2
    if kernel == (3, 3) and plain and winograd.pays(c, o, n, oh, ow):
        return "winograd"
    return "im2col"
