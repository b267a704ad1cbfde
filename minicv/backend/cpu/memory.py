"""How the CPU kernels use memory: freed memory is kept, scratch is used again, sums on all cores,
no buffering."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import threading
from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike

from minicv.backend.parallel import parallel_for, split

KEPT_BYTES, LARGE_BYTES = 1 << 30, 32 << 20  # see `keep_freed_memory`
BLOCK_ELEMENTS = 1 << 16  # numbers to copy or add that are not worth a second thread
_buffers = threading.local()


def keep_freed_memory() -> bool:
    """Let the C library keep what arrays leave behind, for the arrays that follow.

    A training step makes arrays of the same sizes as the step before. The GNU C library gives a
    freed array of some megabytes back to the operating system, and the next array gets its memory
    page by page, each page filled with zeros first. On a virtual machine that can cost more than
    the arithmetic on the array. After this call, up to `KEPT_BYTES` stay with the process, and only
    arrays of more than `LARGE_BYTES`, the most that the library allows, come and go one by one. The
    peak of the memory is as before.

    ``import minicv`` calls it. With ``MINICV_KEEP_MEMORY=0`` in the environment it does nothing, as
    with another C library.

    Returns:
        whether the library was told.
    """
    if os.environ.get("MINICV_KEEP_MEMORY") == "0":
        return False
    trim_threshold, mmap_threshold = -1, -3  # as <malloc.h> numbers them
    try:
        library = ctypes.CDLL(None)
        mallopt = library.mallopt if hasattr(library, "gnu_get_libc_version") else None
    except (AttributeError, OSError, TypeError):  # macOS, Windows, musl
        return False
    return bool(
        mallopt and mallopt(trim_threshold, KEPT_BYTES) and mallopt(mmap_threshold, LARGE_BYTES)
    )


def scratch(name: str, shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
    """Uninitialised memory that each thread keeps under ``name`` from one call to the next.

    The operating system maps fresh megabytes page by page, which can cost as much as the arithmetic
    done in them. A caller must be done with the memory before it asks for ``name`` again.

    >>> scratch("example", (2, 3), np.float32).shape
    (2, 3)
    """
    count = math.prod(shape) * np.dtype(dtype).itemsize
    buffers = _buffers.__dict__
    buffer = buffers.get(name)
    if buffer is None or buffer.size < count:
        buffer = buffers[name] = np.empty(count, np.uint8)
    return buffer[:count].view(dtype).reshape(shape)


def strided(
    array: np.ndarray, shape: tuple[int, ...], steps: tuple[int, ...], start: int = 0
) -> np.ndarray:
    """The view of ``array`` that begins ``start`` bytes into it and steps so many on each axis.

    It is made in a tenth of the time of NumPy's `as_strided`, in which no other thread can run
    Python, where ``array`` has no gaps. One that has must begin at its first element.

    >>> strided(np.arange(4.0), (2, 2), (8, 8), start=8).tolist()
    [[1.0, 2.0], [2.0, 3.0]]
    """
    if array.flags.c_contiguous and array.size:
        return np.ndarray(shape, array.dtype, array, start, steps)
    return np.lib.stride_tricks.as_strided(array, shape, steps)


def strided_numbers(
    array: np.ndarray, shape: tuple[int, ...], steps: tuple[int, ...], start: int = 0
) -> np.ndarray:
    """`strided` with steps and start in numbers, not bytes.

    >>> strided_numbers(np.arange(4.0), (2, 2), (1, 1), start=1).tolist()
    [[1.0, 2.0], [2.0, 3.0]]
    """
    item = array.itemsize
    return strided(array, shape, tuple(step * item for step in steps), start * item)


def row_length(positions: int) -> int:
    """The rows of a matrix in memory, in numbers: not 4096 bytes, or a multiple, where all numbers
    of a column would compete for one place in the cache.

    >>> row_length(1000), row_length(1024)
    (1000, 1040)
    """
    return positions + 16 if positions % 128 == 0 else positions


def add_up(terms: np.ndarray) -> np.ndarray:
    """``terms.sum(axis=0)``, always in that order, and on all cores where the terms are long.

    >>> add_up(np.array([[1.0, 2.0], [10.0, 20.0]])).tolist()
    [11.0, 22.0]
    """
    if len(terms) == 1:
        return terms[0]
    rows = terms.reshape(len(terms), math.prod(terms.shape[1:]))
    total = np.empty(rows.shape[1], terms.dtype)

    def add_part(part: slice) -> None:
        np.sum(rows[:, part], axis=0, out=total[part])

    parallel_for(add_part, split(len(total), BLOCK_ELEMENTS))
    return total.reshape(terms.shape[1:])


@contextlib.contextmanager
def unbuffered() -> Iterator[None]:
    """Within this block, ufuncs on arrays with gaps or broadcasting run without copies.

    NumPy gathers rows of such arrays into a buffer of 8192 elements before it computes, even where
    no type has to be converted. Rows shorter than that are copied in and out, at three times the
    cost of the arithmetic. A buffer too small to gather rows avoids the copies. The setting belongs
    to the current thread and is restored at the end.

    >>> before = np.getbufsize()
    >>> with unbuffered():
    ...     np.getbufsize()
    16
    >>> np.getbufsize() == before
    True
    """
    before = np.setbufsize(16)
    try:
        yield
    finally:
        np.setbufsize(before)
