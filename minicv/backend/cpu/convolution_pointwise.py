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

from minicv.backend.cpu.convolution_finish import NOTHING, Finish
from minicv.backend.cpu.convolution_geometry import Pair, add_up
from minicv.backend.parallel import parallel_for, split

# A block of the result: large enough for BLAS to be fast, small enough for several blocks. A single
# image is cut at least in two, for two cores to share, unless it is done before a second one wakes.
COLUMNS, ROWS = 4096, 256
SMALL = 8_000_000  # multiply-adds, about 0.2 ms


def forward(
    x: np.ndarray, weight: np.ndarray, stride: Pair, finish: Finish = NOTHING
) -> np.ndarray:
    """y[n] = weight @ x[n], picking every ``stride``-th pixel, and what follows at once.

    >>> forward(np.ones((1, 2, 1, 3)), np.full((1, 2, 1, 1), 5.0), (1, 2)).tolist()
    [[[[10.0, 10.0]]]]
    """
    return _mix(weight[:, :, 0, 0], x[:, :, :: stride[0], :: stride[1]], finish)


def grad_input(
    grad: np.ndarray, weight: np.ndarray, x_shape: tuple[int, int, int, int], stride: Pair
) -> np.ndarray:
    """dL/dx[n] = weightᵀ @ dL/dy[n]; pixels that were not picked get zero.

    >>> grad_input(np.ones((1, 1, 1, 2)), np.full((1, 1, 1, 1), 5.0), (1, 1, 1, 4), (1, 2)).tolist()
    [[[[5.0, 0.0, 5.0, 0.0]]]]
    """
    picked = _mix(weight[:, :, 0, 0].T, grad)
    if picked.shape == x_shape:
        return picked
    grad_x = np.zeros(x_shape, picked.dtype)
    oh, ow = grad.shape[2:]
    grad_x[:, :, :: stride[0], :: stride[1]][:, :, :oh, :ow] = picked
    return grad_x


def grad_weight(grad: np.ndarray, x: np.ndarray, stride: Pair) -> np.ndarray:
    """dL/dweight = Σ_n dL/dy[n] @ x[n]ᵀ.

    >>> grad_weight(np.ones((2, 1, 1, 2)), np.full((2, 1, 1, 2), 3.0), (1, 1)).tolist()
    [[[[12.0]]]]
    """
    n, o, oh, ow = grad.shape
    c = x.shape[1]
    x = np.ascontiguousarray(x[:, :, :: stride[0], :: stride[1]][:, :, :oh, :ow])
    x, grad = x.reshape(n, c, oh * ow), np.ascontiguousarray(grad).reshape(n, o, oh * ow)
    columns_at_once = COLUMNS if n > 1 else min(COLUMNS, -(-oh * ow // 2))
    blocks = [(i, columns) for i in range(n) for columns in split(oh * ow, columns_at_once)]
    sums = np.empty((len(blocks), o, c), np.result_type(grad, x))

    def one_block(number: int) -> None:
        image, columns = blocks[number]
        np.matmul(grad[image, :, columns], x[image, :, columns].T, out=sums[number])

    parallel_for(one_block, range(len(blocks)))
    return add_up(sums)[:, :, None, None]


def _mix(matrix: np.ndarray, x: np.ndarray, finish: Finish = NOTHING) -> np.ndarray:
    """(O, C) @ (N, C, H, W) -> (N, O, H, W)."""
    n, c, h, w = x.shape
    x = np.ascontiguousarray(x).reshape(n, c, h * w)
    y = np.empty((n, matrix.shape[0], h * w), np.result_type(matrix, x))

    def one_block(block: tuple[int, slice, slice]) -> None:
        image, rows, columns = block
        np.matmul(matrix[rows], x[image, :, columns], out=y[image, rows, columns])
        finish.apply_to_block(y[image, rows, columns], image, rows, columns)

    rows_at_once = ROWS
    if n == 1:
        parts = 1 if matrix.size * h * w <= SMALL else 2
        rows_at_once = min(ROWS, -(-len(matrix) // parts))
    rows, columns = split(len(matrix), rows_at_once), split(h * w, COLUMNS)
    parallel_for(one_block, itertools.product(range(n), rows, columns))
    return y.reshape(n, len(matrix), h, w)
