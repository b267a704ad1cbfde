"""CUDA graphs: all kernels of a function, recorded once and then launched as one.

To launch a kernel costs the host some 5 to 50 µs of Python, whatever the kernel does. A network of
two hundred kernels on a small image is a millisecond of work for the GPU, which waits for the host
most of the time. CUDA can record what a stream is given instead of running it. The recording, a
graph, holds each kernel with the addresses of its arrays, and one launch of the graph runs all.

So a graph is for one shape, and three things about its memory follow.

*Inputs* lie in buffers of the recording; a call copies the new ones there first.

*Arrays in between* are made while the kernels are recorded, and are let go of at once. Later
launches write to the same addresses, so no other array may ever get them: they come from a memory
pool that belongs to the recording alone, and lives as long.

*Results* lie in that pool too. A call returns copies, which later calls leave alone.

CuPy does not let cuBLAS be recorded. Within `record` matrix products are therefore those of
`convolution_implicit_gemm`, a kernel of our own; see `is_recording`.

Source: NVIDIA, CUDA C++ Programming Guide, section on CUDA graphs, stream capture.
"""

from __future__ import annotations

import contextlib
import threading
import traceback
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from minicv.backend.device import Array, xp_of

_CUPY = {"cupy", "cupyx", "cupy_backends", "cupy_stand_in"}  # folders of its lines
_recording: ContextVar[bool] = ContextVar("recording a CUDA graph", default=False)


def is_recording() -> bool:
    """Whether this code runs to be recorded: matrix products must then do without cuBLAS.

    >>> is_recording()
    False
    """
    return _recording.get()


def record(
    function: Callable[..., tuple[Array, ...]], *inputs: Array
) -> Callable[..., tuple[Array, ...]]:
    """A function that does what ``function`` did with these inputs, with new numbers in them.

    ``function`` runs twice: once as usual, which compiles its kernels, and once to be recorded. It
    must launch the same kernels whatever numbers it gets, so it may not look at any. Arrays that it
    takes from elsewhere, such as weights, are read where they lay at the recording.

    Args:
        function: takes device arrays and returns a tuple of them.
        inputs: device arrays, one at least; later ones have their shapes and dtypes.

    Raises:
        RuntimeError: something in ``function`` cannot be recorded; the message names the line.
    """
    return _Recording(function, inputs)


class _Recording:
    def __init__(
        self, function: Callable[..., tuple[Array, ...]], inputs: tuple[Array, ...]
    ) -> None:
        self._cupy = cupy = xp_of(*inputs)
        token = _recording.set(True)
        try:
            function(*inputs)
            self._inputs = tuple(x.copy() for x in inputs)
            cupy.cuda.get_current_stream().synchronize()  # what the recorded kernels will read
            self._pool = cupy.cuda.MemoryPool()
            stream = cupy.cuda.Stream(non_blocking=True)  # the usual one cannot record
            with cupy.cuda.using_allocator(self._pool.malloc), stream, _no_host_arrays(cupy):
                self._graph, self._results = _captured(stream, function, self._inputs)
        finally:
            _recording.reset(token)
        self._one_at_a_time = threading.Lock()  # from the copy of its inputs to that of its results

    def __call__(self, *inputs: Array) -> tuple[Array, ...]:
        with self._one_at_a_time:
            for buffer, x in zip(self._inputs, inputs, strict=True):
                buffer[...] = x
            self._graph.launch()
            return tuple(result.copy() for result in self._results)


def _captured(
    stream: Any, function: Callable[..., tuple[Array, ...]], inputs: tuple[Array, ...]
) -> tuple[Any, tuple[Array, ...]]:
    """The graph of ``function(*inputs)``, and where its results will lie."""
    stream.begin_capture()
    try:
        results = function(*inputs)
    except Exception as error:
        with contextlib.suppress(Exception):  # after a fault there is no graph
            stream.end_capture()
        raise RuntimeError(_what_cannot_be_recorded(error)) from error
    return stream.end_capture(), results


def _what_cannot_be_recorded(error: Exception) -> str:
    place, *inner = traceback.extract_tb(error.__traceback__)
    for frame in inner:
        of_cupy = not _CUPY.isdisjoint(Path(frame.filename).parts)
        if frame.line and not of_cupy and frame.filename != __file__:
            place = frame  # the innermost line that is neither CuPy's nor of this file
    said = (str(error).splitlines() or ["no message"])[0]
    return (
        f"record: {place.filename}:{place.lineno}: `{place.line}` cannot be part of a CUDA graph "
        f"({type(error).__name__}: {said}); a graph holds kernels alone: no number may come to the "
        "host, no array from it, and no size may depend on values"
    )


@contextlib.contextmanager
def _no_host_arrays(cupy: Any) -> Iterator[None]:
    """Within this block, an array that comes from the host is an error.

    CUDA would record the copy, and each launch would read host memory that is long used otherwise.
    CuPy takes such memory from this allocator.
    """

    def refuse(size: int) -> None:
        raise RuntimeError(f"{size} bytes move between host and device")

    cupy.cuda.set_pinned_memory_allocator(refuse)
    try:
        yield
    finally:
        cupy.cuda.set_pinned_memory_allocator(cupy.get_default_pinned_memory_pool().malloc)
