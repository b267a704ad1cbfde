"""``cupy.cuda``: as much of streams, graphs and memory pools as minicv uses, with CUDA's manners.

While a stream is captured nothing runs: kernels and array operations are written down, and what
they would compute is unknown (here NaN, or 0) until the graph is launched.
What CUDA or CuPy refuse meanwhile is refused: a wait, cuBLAS, an array from the host.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

_captured: list[Callable[[], Any]] | None = None  # while a stream is captured, its work
_allocator: Callable[[int], Any] | None = None  # None: of the usual pool
_pinned_allocator: Callable[[int], Any] = bool


class CUDARuntimeError(RuntimeError):
    """What CUDA's runtime says."""


def not_while_capturing(waits_for: str) -> None:
    """The host waits here: an error while a stream is captured."""
    if _captured is not None:
        raise CUDARuntimeError(
            "cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing "
            f"({waits_for})"
        )


def is_capturing() -> bool:
    """Whether a stream is captured: what arrays hold is then not what they will hold."""
    return _captured is not None


def take_from_host(size: int) -> None:
    """An array of ``size`` bytes is sent, through memory of the pinned allocator."""
    _pinned_allocator(size)


def compute(run: Callable[[], Any], inputs: Any, name: str = "", changes: bool = False) -> Any:
    """``run()``, an operation on the arrays ``inputs``; while a stream is captured, written down.

    Args:
        run: gives a NumPy array or number, or a tuple of them.
        inputs: arrays, in lists and tuples or not.
        name: of the operation.
        changes: ``run`` changes one of its inputs, and its result is of no interest.
    """
    if _captured is None:
        return run()
    if any(part in name for part in ("matmul", "dot", "einsum", "inner", "linalg")):
        raise NotImplementedError(
            "calling cuBLAS API during stream capture is currently unsupported"
        )
    if changes:
        _captured.append(run)
        return None
    result = run()
    if _is_view(result, inputs):
        return result
    if isinstance(result, tuple):
        result = tuple(np.asarray(part) for part in result)
    elif isinstance(result, (np.ndarray, np.generic)):
        result = np.asarray(result)
    else:
        return result
    parts = result if isinstance(result, tuple) else (result,)

    def again() -> None:
        found = run()
        for part, new in zip(parts, found if isinstance(found, tuple) else (found,), strict=True):
            part[...] = new

    for part in parts:
        part[...] = _unknown(part.dtype)
    _captured.append(again)
    return result


def _is_view(result: Any, inputs: Any) -> bool:
    if isinstance(inputs, np.ndarray):
        return isinstance(result, np.ndarray) and np.shares_memory(result, inputs)
    return isinstance(inputs, (list, tuple)) and any(_is_view(result, part) for part in inputs)


def _unknown(dtype: np.dtype) -> Any:
    if dtype.kind in "fc":
        return np.nan
    return 0  # a place that every array has: later work may take it for an index


class Graph:
    """What a stream was given while it was captured."""

    def __init__(self, work: list[Callable[[], Any]]) -> None:
        self.work = work

    def launch(self) -> None:
        """Run all of it, in order."""
        for run in self.work:
            run()


class Stream:
    """A stream; there is only one that runs anything."""

    def __init__(self, non_blocking: bool = False) -> None:
        self.non_blocking = non_blocking

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def synchronize(self) -> None:
        """Wait for the stream."""
        not_while_capturing("synchronize")

    def begin_capture(self) -> None:
        """Write down instead of running."""
        global _captured
        if not self.non_blocking:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        if _allocator is None:
            raise AssertionError("a graph's memory must come from a pool of its own")
        _captured = []

    def end_capture(self) -> Graph:
        """What was written down."""
        global _captured
        work, _captured = _captured, None
        return Graph(work or [])


class MemoryPool:
    """A pool; memory is the host's, and lives as long as its arrays."""

    def malloc(self, size: int) -> None:
        """Never called: this is only what `using_allocator` gets."""


def get_current_stream() -> Stream:
    """The usual stream."""
    return Stream()


@contextlib.contextmanager
def using_allocator(allocator: Callable[[int], Any]) -> Iterator[None]:
    """Within this block arrays come from ``allocator``."""
    global _allocator
    before, _allocator = _allocator, allocator
    try:
        yield
    finally:
        _allocator = before


def set_pinned_memory_allocator(allocator: Callable[[int], Any]) -> None:
    """From now on arrays travel through memory of ``allocator``."""
    global _pinned_allocator
    _pinned_allocator = allocator
