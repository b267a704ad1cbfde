"""Convolution as one matrix product whose columns are never stored; see the .cu file beside.

im2col writes each pixel once for every window that covers it, and reads all that again: for a 3x3
kernel 18 times the traffic of the image. Where the product is short (few channels), that costs more
than the arithmetic. Here a block of threads looks up the pixels of its tile as it needs them.

Any stride, padding, dilation and number of groups; float32 and float64. No workspace.

Sources: Chetlur et al. 2014, "cuDNN: Efficient primitives for deep learning", section 3, for the
idea; Volkov and Demmel 2008, "Benchmarking GPUs to tune dense linear algebra", for tiles in shared
memory with many outputs a thread.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from minicv.backend.convolution_layer import NO_EPILOGUE, Epilogue, Layer, turn_weight
from minicv.backend.cuda.convolution_epilogue import epilogue_arguments
from minicv.backend.cuda.launcher import CudaFile, Grid, index_type
from minicv.backend.device import Array, xp_of

IMPLICIT_GEMM = CudaFile("convolution_implicit_gemm.cu")
MULTIPROCESSORS = 132  # of a large GPU; on a smaller one the choice of the tile is a little off


class Tile(NamedTuple):
    """Outputs of a block of threads: ``rows`` channels by ``columns`` pixels.

    Each thread computes ``row_groups`` times four rows by ``column_groups`` times four columns.
    """

    rows: int
    columns: int
    row_groups: int
    column_groups: int

    @property
    def threads(self) -> int:
        """How many share the tile.

        >>> Tile(128, 128, 2, 2).threads
        256
        """
        return self.rows * self.columns // (16 * self.row_groups * self.column_groups)

    def cost(self, rows: int, columns: int, groups: int) -> float:
        """Of a product of that size: the multiply-adds that one multiprocessor makes in turn.

        Tiles are not divided, and the last round of tiles waits for its slowest block. To read a
        number from shared memory counts as one multiply-add, to fetch a weight into it as 4, and to
        look up a pixel as 8: instructions of the kernel, about.

        >>> Tile(128, 128, 2, 2).cost(128, 132 * 128, 1) / (128 * 128)
        1.34375
        """
        blocks = groups * math.ceil(rows / self.rows) * math.ceil(columns / self.columns)
        read = 1 / (4 * self.row_groups) + 1 / (4 * self.column_groups)
        fetch = 8 / self.rows + 4 / self.columns
        area = self.rows * self.columns
        return math.ceil(blocks / MULTIPROCESSORS) * area * (1 + read + fetch)


FLOAT32_TILES = (
    Tile(128, 128, 2, 2),
    Tile(64, 128, 1, 2),
    Tile(32, 128, 1, 2),
    Tile(32, 64, 1, 1),
)
# A float64 takes two registers: fewer sums a thread, or they would spill.
FLOAT64_TILES = (Tile(64, 64, 1, 1), Tile(32, 64, 1, 1))


def choose_tile(dtype: np.dtype, rows: int, columns: int, groups: int) -> Tile:
    """The fastest for ``groups`` products of (rows, anything) and (anything, columns).

    >>> choose_tile(np.dtype(np.float32), 64, 1_000_000, 1)
    Tile(rows=64, columns=128, row_groups=1, column_groups=2)
    >>> choose_tile(np.dtype(np.float32), 512, 49, 1)  # or most multiprocessors had no work
    Tile(rows=32, columns=64, row_groups=1, column_groups=1)
    """
    tiles = FLOAT64_TILES if dtype == np.float64 else FLOAT32_TILES
    return min(tiles, key=lambda tile: tile.cost(rows, columns, groups))


def forward(layer: Layer, x: Array, weight: Array, epilogue: Epilogue = NO_EPILOGUE) -> Array:
    """Σ_c x[n, c] ⋆ weight[o, c] and the epilogue, all in one kernel: -> (N, O, OH, OW)."""
    xp, y_shape = xp_of(x), layer.y_shape
    y = xp.empty(y_shape, x.dtype)
    rows, columns = y_shape[1] // layer.groups, y_shape[0] * y_shape[2] * y_shape[3]
    tile = choose_tile(y.dtype, rows, columns, layer.groups)
    blocks = (math.ceil(columns / tile.columns), math.ceil(rows / tile.rows), layer.groups)
    IMPLICIT_GEMM.launch(
        "implicit_gemm",
        Grid(blocks, (tile.threads, 1, 1)),
        *(xp.ascontiguousarray(x), xp.ascontiguousarray(weight), y),
        *epilogue_arguments(epilogue, y),
        *(rows, math.prod(weight.shape[1:]), columns, math.prod(x.shape[1:])),
        *(math.prod(weight.shape[1:2] + x.shape[2:]), *x.shape[2:], *y_shape[2:]),
        *(*layer.kernel, *layer.stride, *layer.padding, *layer.dilation),
        real=y.dtype,
        index_t=index_type(x.size),
        ROWS=tile.rows,
        COLUMNS=tile.columns,
        ROW_GROUPS=tile.row_groups,
        COLUMN_GROUPS=tile.column_groups,
    )
    return y


def grad_input(layer: Layer, grad: Array, weight: Array) -> Array:
    """dL/dx from dL/dy (N, O, OH, OW), at stride 1: the same kernel, nothing scattered.

    The transpose of a stride 1 convolution is a convolution with the kernel turned by 180°
    (`Layer.turned`).

    Raises:
        ValueError: the stride is not 1; between the outputs there would be zeros to multiply with.
    """
    if layer.stride != (1, 1):
        raise ValueError(
            f"grad_input by implicit GEMM: the stride must be (1, 1) but is {layer.stride}; use "
            "im2col"
        )
    return forward(layer.turned(), grad, turn_weight(weight, layer.groups))
