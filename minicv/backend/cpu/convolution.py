"""The three convolution kernels, and which algorithm computes them.

conv2d_forward, conv2d_grad_input and conv2d_grad_weight are one bilinear form seen from its three
sides, so they also make up transposed convolution and its gradients.
"""

from __future__ import annotations

import numpy as np

from minicv.backend.cpu import convolution_im2col as im2col
from minicv.backend.cpu.convolution_geometry import Pair, output_size

Shape4 = tuple[int, int, int, int]


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
    oh, ow = (
        output_size(x.shape[axis + 2], weight.shape[axis + 2], stride[axis], padding[axis], d)
        for axis, d in enumerate(dilation)
    )
    y = im2col.forward(
        x, weight, stride, padding, dilation, groups, (x.shape[0], weight.shape[0], oh, ow)
    )
    if bias is not None:
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
    return im2col.grad_weight(grad, x, weight_shape, stride, padding, dilation, groups)
