"""Sizes, padding and scratch memory that the convolution algorithms share."""

from __future__ import annotations

import threading

import numpy as np

Pair = tuple[int, int]
_kept = threading.local()


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """How many windows fit along one axis: floor((size + 2p - d(k - 1) - 1) / s) + 1.

    Less than 1 when the kernel is larger than the padded input.

    >>> output_size(7, kernel=3, stride=2, padding=1, dilation=1)
    4
    """
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def pad_images(x: np.ndarray, padding: Pair) -> np.ndarray:
    """Zeros around every image, by one write into one buffer; ``x`` itself where there are none.

    >>> pad_images(np.ones((1, 1, 1, 1)), (0, 1)).tolist()
    [[[[0.0, 1.0, 0.0]]]]
    """
    vertical, horizontal = padding
    if vertical == 0 and horizontal == 0:
        return x
    n, c, h, w = x.shape
    padded = np.zeros((n, c, h + 2 * vertical, w + 2 * horizontal), x.dtype)
    padded[:, :, vertical : vertical + h, horizontal : horizontal + w] = x
    return padded


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
