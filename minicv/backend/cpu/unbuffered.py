"""Let NumPy's elementwise functions work on short rows in place."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np


@contextlib.contextmanager
def unbuffered() -> Iterator[None]:
    """Within this block, ufuncs on arrays with gaps or broadcasting run without copies.

    NumPy gathers rows of such arrays into a buffer of 8192 elements before it computes, even where
    no type has to be converted. Rows shorter than that are copied in and out, at three times the
    cost of the arithmetic. A buffer too small to gather rows avoids it. The setting belongs to the
    current thread and is put back at the end.

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
