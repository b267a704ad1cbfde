"""Watchers: what a profile and a search for the first NaN put around every operation."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from minicv.backend import Array

if TYPE_CHECKING:
    from minicv.autograd.function import Function


class Watcher:
    """Sees each operation of one thread, forward and backward.

    A subclass overrides one method or both, and calls the base class's to let the operation run:

    >>> import minicv
    >>> class Names(Watcher):
    ...     def __init__(self):
    ...         self.seen = []
    ...     def forward(self, function, arrays):
    ...         self.seen.append(function.name)
    ...         return super().forward(function, arrays)
    >>> with watched_by(Names()) as names:
    ...     _ = minicv.Tensor([2.0]) * 3.0 + 1.0
    >>> names.seen
    ['Multiply', 'Add']
    """

    around: Watcher | None = None  # the watcher of the block outside, which runs inside this one

    def forward(self, function: Function, arrays: Sequence[Array | None]) -> Any:
        """The operation's forward: arrays in, an array out."""
        if self.around is not None:
            return self.around.forward(function, arrays)
        return function.forward(*arrays)

    def backward(self, function: Function, grad: Array) -> Any:
        """The operation's backward: the gradient that arrives in, those of the inputs out."""
        if self.around is not None:
            return self.around.backward(function, grad)
        return function.backward(grad)


class _Watching(threading.local):
    watcher: Watcher | None = None


watch = _Watching()  # of this thread


def watching() -> Watcher | None:
    """The watcher of the innermost block of `watched_by` that this thread is in; None outside.

    >>> watching() is None
    True
    """
    return watch.watcher


@contextlib.contextmanager
def watched_by(watcher: Any) -> Iterator[Any]:
    """Within the block ``watcher`` sees each operation of this thread; gives the watcher back.

    Blocks nest: each watcher then sees every operation.

    >>> with watched_by(Watcher()) as watcher:
    ...     watching() is watcher
    True
    """
    before = watch.watcher
    watcher.around = before
    watch.watcher = watcher
    try:
        yield watcher
    finally:
        watch.watcher = before
        watcher.around = None
