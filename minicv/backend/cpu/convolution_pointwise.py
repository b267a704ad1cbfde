"""1x1 convolution: one matrix product for each image, straight on the image's own memory.

A 1x1 kernel mixes channels and never looks at a neighbour, so an image seen as a matrix
(C, H·W) is its own column matrix:

    y (O, H·W)  =  weight (O, C)  @  x (C, H·W)
    dL/dx       =  weightᵀ  @  dL/dy
    dL/dweight  =  Σ over images of  dL/dy  @  xᵀ

Nothing is copied at stride 1; at stride s every s-th pixel is picked first. Arithmetic: N·O·C·OH·OW
multiply-adds each. Traffic: each array once, as long as a block of columns fits the cache.
"""

from __future__ import annotations

import itertools

import numpy as np

from minicv.backend.convolution_layer import NO_EPILOGUE, Epilogue, Layer
from minicv.backend.cpu import convolution_products as products
from minicv.backend.cpu.convolution_epilogue import apply_to_block
from minicv.backend.cpu.memory import add_up
from minicv.backend.parallel import parallel_for, split

# A block of the result: large enough for BLAS to be fast, small enough for several blocks. A single
# image is cut at least in two, for two cores to share, unless it is done before a second one wakes.
COLUMNS, ROWS = 4096, 1024
SMALL = 8_000_000  # multiply-adds, about 0.2 ms


def forward(
    layer: Layer, x: np.ndarray, weight: np.ndarray, epilogue: Epilogue = NO_EPILOGUE
) -> np.ndarray:
    """y[n] = weight @ x[n], picking every ``stride``-th pixel, and the epilogue.

    >>> x, weight = np.ones((1, 2, 1, 3)), np.full((1, 2, 1, 1), 5.0)
    >>> layer = Layer.of(x.dtype, x.shape, weight.shape, (1, 2), (0, 0), (1, 1), 1)
    >>> forward(layer, x, weight).tolist()
    [[[[10.0, 10.0]]]]
    """
    return _mix(weight[:, :, 0, 0], _picked(layer, x), epilogue)


def grad_input(layer: Layer, grad: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """dL/dx[n] = weightᵀ @ dL/dy[n]; pixels that were not picked get zero.

    >>> grad, weight = np.ones((1, 1, 1, 2)), np.full((1, 1, 1, 1), 5.0)
    >>> layer = Layer.of(grad.dtype, (1, 1, 1, 4), weight.shape, (1, 2), (0, 0), (1, 1), 1)
    >>> grad_input(layer, grad, weight).tolist()
    [[[[5.0, 0.0, 5.0, 0.0]]]]
    """
    mixed = _mix(weight[:, :, 0, 0].T, grad)
    if mixed.shape == layer.x_shape:
        return mixed
    grad_x = np.zeros(layer.x_shape, mixed.dtype)
    _picked(layer, grad_x)[...] = mixed
    return grad_x


def grad_weight(layer: Layer, grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dL/dweight = Σ_n dL/dy[n] @ x[n]ᵀ.

    >>> grad, x = np.ones((2, 1, 1, 2)), np.full((2, 1, 1, 2), 3.0)
    >>> layer = Layer.of(x.dtype, x.shape, (1, 1, 1, 1), (1, 1), (0, 0), (1, 1), 1)
    >>> grad_weight(layer, grad, x).tolist()
    [[[[12.0]]]]
    """
    n, o, oh, ow = layer.y_shape
    c = layer.x_shape[1]
    x = np.ascontiguousarray(_picked(layer, x)).reshape(n, c, oh * ow)
    grad = np.ascontiguousarray(grad).reshape(n, o, oh * ow)
    columns_at_once = COLUMNS if n > 1 else min(COLUMNS, -(-oh * ow // 2))
    blocks = [(i, columns) for i in range(n) for columns in split(oh * ow, columns_at_once)]
    sums = np.empty((len(blocks), o, c), np.result_type(grad, x))

    def multiply(number: int) -> None:
        image, columns = blocks[number]
        products.multiply_rows(grad[image, :, columns], x[image, :, columns], sums[number])

    parallel_for(multiply, range(len(blocks)))
    return add_up(sums)[:, :, None, None]


def _picked(layer: Layer, x: np.ndarray) -> np.ndarray:
    """The pixels of x that windows look at, (N, C, OH, OW), a view."""
    (sh, sw), (oh, ow) = layer.stride, layer.y_shape[2:]
    return x[:, :, ::sh, ::sw][:, :, :oh, :ow]


def _mix(matrix: np.ndarray, x: np.ndarray, epilogue: Epilogue = NO_EPILOGUE) -> np.ndarray:
    """(O, C) @ (N, C, H, W) -> (N, O, H, W), and the epilogue."""
    n, c, h, w = x.shape
    x = np.ascontiguousarray(x).reshape(n, c, h * w)
    y = np.empty((n, matrix.shape[0], h * w), np.result_type(matrix, x))

    def multiply(block: tuple[int, slice, slice]) -> None:
        image, rows, columns = block
        target = y[image, rows, columns]
        products.multiply(matrix[rows], x[image, :, columns], target)
        apply_to_block(epilogue, target, image, rows, columns)

    rows_at_once = ROWS
    if n == 1:
        parts = 1 if matrix.size * h * w <= SMALL else 2
        rows_at_once = min(ROWS, -(-len(matrix) // parts))
    row_blocks, column_blocks = split(len(matrix), rows_at_once), split(h * w, COLUMNS)
    parallel_for(multiply, itertools.product(range(n), row_blocks, column_blocks))
    return y.reshape(n, len(matrix), h, w)
