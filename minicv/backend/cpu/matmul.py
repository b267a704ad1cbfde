"""Matrix products on all cores, without the threads of BLAS.

The BLAS below NumPy has its own worker threads, which spin for some milliseconds after each product
in case another one follows. On a computer with few cores they then take the time of the threads of
`parallel_for` and of the data loader. So a large product is cut into blocks here, each computed by
one thread; on two cores that makes a training step a third faster.
"""

from __future__ import annotations

import math

import numpy as np

from minicv.backend.cpu.convolution_products import multiply, multiply_rows
from minicv.backend.parallel import parallel_for, split

BLOCK_OPERATIONS = 8_000_000  # multiply-adds: 0.1 ms, ten times what handing out a block costs
MOST_BLOCKS = 8
ON_ONE_THREAD = 1 << 18  # multiply-adds: so small a product OpenBLAS takes on one thread anyway


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``a @ b`` for arrays as NumPy takes them.

    A product of two matrices is cut into blocks along the longer side of the result; a stack of
    matrices times one matrix is a single product of the rows of all; one matrix times a stack is
    cut between the matrices of the stack. Where it is cut depends on the shapes alone, and so the
    rounding does not depend on the number of threads.

    >>> matmul(np.ones((2, 3)), np.ones((3, 4))).tolist()
    [[3.0, 3.0, 3.0, 3.0], [3.0, 3.0, 3.0, 3.0]]
    """
    if min(a.ndim, b.ndim) < 2 or a.shape[-1] != b.shape[-2]:
        return a @ b
    if a.ndim == 2 and b.ndim > 2:
        return _matrix_times_stack(a, b)
    if a.ndim > 2 and b.ndim == 2:
        rows = math.prod(a.shape[:-1])
        return matmul(a.reshape(rows, a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[1])
    if a.ndim > 2:
        return a @ b
    (rows, inner), columns = a.shape, b.shape[1]
    # A single row or column is another routine of BLAS, which takes several threads earlier.
    if rows * inner * columns <= ON_ONE_THREAD and min(rows, columns) > 1:
        return np.matmul(a, b)
    out = np.empty((rows, columns), np.result_type(a, b))
    longer = max(rows, columns)
    count = min(max(rows * inner * columns // BLOCK_OPERATIONS, 1), MOST_BLOCKS)
    blocks = split(longer, -(-longer // count))

    def multiply_block(block: slice) -> None:
        if rows >= columns:
            _multiply(a[block], b, out[block])
        else:
            _multiply(a, b[:, block], out[:, block])

    parallel_for(multiply_block, blocks)
    return out


def _multiply(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """out = a @ b in the pieces that BLAS takes without packing, as both lie in memory."""
    if min(out.shape) == 1:  # BLAS multiplies a vector on its own, and packs nothing
        np.matmul(a, b, out=out)
    elif a.strides[1] == a.itemsize and b.strides[0] == b.itemsize and a.dtype == b.dtype:
        multiply_rows(a, b.T, out)
    else:
        multiply(a, b, out)


def _matrix_times_stack(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(M, K) @ (..., K, N) -> (..., M, N)."""
    matrices = b.reshape(math.prod(b.shape[:-2]), *b.shape[-2:])
    out = np.empty((len(matrices), len(a), b.shape[-1]), np.result_type(a, b))
    operations = max(1, a.size * b.shape[-1])  # of one matrix

    def multiply_block(block: slice) -> None:
        np.matmul(a, matrices[block], out=out[block])

    parallel_for(multiply_block, split(len(matrices), BLOCK_OPERATIONS // operations))
    return out.reshape(*b.shape[:-2], len(a), b.shape[-1])
