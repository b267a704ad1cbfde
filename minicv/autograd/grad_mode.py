"""The switch that stops operations from recording themselves."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class _GradMode(threading.local):
    enabled = True


mode = _GradMode()  # of this thread


@contextlib.contextmanager
def no_grad() -> Iterator[None]:
    """Within this block (or the function it decorates) no operation is recorded.

    Results then need no gradient, and intermediate arrays are freed at once. The switch belongs to
    the thread that entered the block.

    >>> import minicv
    >>> x = minicv.Tensor([1.0, 2.0], requires_grad=True)
    >>> with no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """
    before = mode.enabled
    mode.enabled = False
    try:
        yield
    finally:
        mode.enabled = before


def grad_enabled() -> bool:
    """Whether operations of this thread are recorded at the moment.

    >>> grad_enabled()
    True
    """
    return mode.enabled
