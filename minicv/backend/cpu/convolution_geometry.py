"""Sizes, padding and scratch memory that the convolution algorithms share."""

from __future__ import annotations

import itertools
import math
import threading

import numpy as np

from minicv.backend.parallel import parallel_for, split

Pair = tuple[int, int]
BLOCK_ELEMENTS = 1 << 16  # numbers to copy or add, not worth a second thread
_kept = threading.local()


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """How many windows fit along one axis: floor((size + 2p - d(k - 1) - 1) / s) + 1.

    Less than 1 when the kernel is larger than the padded input.

    >>> output_size(7, kernel=3, stride=2, padding=1, dilation=1)
    4
    """
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def pad_images(x: np.ndarray, padding: Pair) -> np.ndarray:
    """Zeros around every image, in `scratch` memory; ``x`` itself where there are none.

    >>> pad_images(np.ones((1, 1, 1, 1)), (0, 1)).tolist()
    [[[[0.0, 1.0, 0.0]]]]
    """
    vertical, horizontal = padding
    if vertical == 0 and horizontal == 0:
        return x
    n, c, h, w = x.shape
    bottom, right = vertical + h, horizontal + w
    padded = scratch("padded images", (n, c, bottom + vertical, right + horizontal), x.dtype)

    def one_part(part: tuple[int, slice]) -> None:
        planes = padded[part]
        planes[:, :vertical] = 0
        planes[:, bottom:] = 0
        planes[:, vertical:bottom, :horizontal] = 0
        planes[:, vertical:bottom, right:] = 0
        planes[:, vertical:bottom, horizontal:right] = x[part]

    parallel_for(one_part, itertools.product(range(n), split(c, BLOCK_ELEMENTS // max(1, h * w))))
    return padded


def add_up(terms: np.ndarray) -> np.ndarray:
    """``terms.sum(axis=0)`` in that order, with all cores where it is much.

    >>> add_up(np.array([[1.0, 2.0], [10.0, 20.0]])).tolist()
    [11.0, 22.0]
    """
    if len(terms) == 1:
        return terms[0]
    rows = terms.reshape(len(terms), math.prod(terms.shape[1:]))
    total = np.empty(rows.shape[1], terms.dtype)

    def one_part(part: slice) -> None:
        np.sum(rows[:, part], axis=0, out=total[part])

    parallel_for(one_part, split(len(total), BLOCK_ELEMENTS))
    return total.reshape(terms.shape[1:])


def scratch(name: str, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Uninitialised memory that each thread keeps under ``name`` from one call to the next.

    Fresh megabytes are mapped by the operating system page by page, which can cost as much as the
    arithmetic done in them. The caller must be finished with it before it asks for ``name`` again.

    >>> scratch("example", (2, 3), np.dtype(np.float32)).shape
    (2, 3)
    """
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    buffers = _kept.__dict__
    buffer = buffers.get(name)
    if buffer is None or buffer.size < count:
        buffer = buffers[name] = np.empty(count, np.uint8)
    return buffer[:count].view(dtype).reshape(shape)
