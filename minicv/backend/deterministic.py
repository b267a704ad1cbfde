"""Whether kernels on a GPU may add in whatever order their threads run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_wanted: ContextVar[bool] = ContextVar("deterministic", default=False)


@contextlib.contextmanager
def use_deterministic() -> Iterator[None]:
    """Within this block, the same program on the same GPU gives the same bits on every run.

    Where many threads add to one number, the fast way is to let each thread add at once
    (``atomicAdd``). Floating-point sums depend on their order, so the last digits then differ from
    run to run. Four kernels do that; within this block they use another algorithm, in which a
    single thread adds up each number in a fixed order:

    ===================  ====================  ==============================================
    kernel               used by               what the fixed order costs
    ===================  ====================  ==============================================
    roi_pool_backward    roi_pool              each value is compared with the 255 beside it
    scatter_to_maps      max_unpool2d,         the same
                         adaptive_max_pool2d
    roi_align_backward   roi_align             each position works out which regions reach it
                                               and with what weights
    scatter_add          x[rows]               a sort of the row numbers
    ===================  ====================  ==============================================

    All other kernels, and all on the CPU, are always deterministic. Put both the forward and the
    backward pass into the block; it concerns the current thread alone.

    >>> is_deterministic()
    False
    >>> with use_deterministic():
    ...     is_deterministic()
    True
    """
    token = _wanted.set(True)
    try:
        yield
    finally:
        _wanted.reset(token)


def is_deterministic() -> bool:
    """Whether this code runs within `use_deterministic`."""
    return _wanted.get()
