"""Counts what the device is asked to do: launches, copies, waits."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

_Listener = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_longlong)
_open: list[Counts] = []
MINICV = str(Path(__file__).resolve().parents[2] / "minicv")


class Counts:
    """What happened in a block.

    Attributes:
        kernels: launches by the name of the kernel, or of the product of cuBLAS.
        copied: bytes copied, by direction: "copy to device", "copy to host", "copy on device".
    """

    def __init__(self) -> None:
        self.kernels: Counter[str] = Counter()
        self.copied: Counter[str] = Counter()
        self._events: Counter[str] = Counter()
        self._places: Counter[tuple[str, str]] = Counter()

    launches = property(lambda self: self._events["launch"], doc="Kernels and products.")
    waits = property(lambda self: self._events["wait"], doc="How often the host waited.")
    copies_to_device = property(lambda self: self._events["copy to device"])
    copies_to_host = property(lambda self: self._events["copy to host"])
    copies_on_device = property(lambda self: self._events["copy on device"])
    fills = property(lambda self: self._events["fill"], doc="Memory set to a byte.")
    allocations = property(lambda self: self._events["allocate"], doc="Not from CuPy's pool.")
    modules = property(lambda self: self._events["load"], doc="Modules of kernels loaded.")

    def places(self, event: str) -> list[tuple[str, int]]:
        """Where in minicv an event came from ("launch", "wait", ...), most frequent first."""
        found = Counter({p: n for (what, p), n in self._places.items() if what == event})
        return found.most_common()

    def __str__(self) -> str:
        return (
            f"{self.launches} launches, {self.waits} waits, {self.copies_to_device} copies to the "
            f"device, {self.copies_to_host} to the host, {self.copies_on_device} on it, "
            f"{self.fills} fills, {self.allocations} allocations"
        )

    def _add(self, what: str, name: str, size: int, place: str) -> None:
        self._events[what] += 1
        self._places[what, place] += 1
        if what == "launch":
            self.kernels[name] += 1
        elif what.startswith("copy"):
            self.copied[what] += size


def tell(what: str, name: str, size: int = 0) -> None:
    """An event for all blocks that count now."""
    place = _place() if _open else ""
    for counts in _open:
        counts._add(what, name, size, place)


@contextlib.contextmanager
def counted() -> Iterator[Counts]:
    """Counts within this block, in all threads."""
    from fake_cuda.installing import library

    counts = Counts()
    _open.append(counts)
    library("libcuda.so.1").fake_cuda_listen(_listener)
    try:
        yield counts
    finally:
        _open.remove(counts)
        if not _open:
            library("libcuda.so.1").fake_cuda_listen(None)


@_Listener
def _listener(what: bytes, name: bytes, size: int) -> None:
    tell(what.decode(), name.decode(), size)


def _place() -> str:
    """The innermost line of minicv that is running."""
    frame = sys._getframe(2)
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(MINICV):
            return f"{path[len(MINICV) + 1 :]}:{frame.f_lineno} {frame.f_code.co_name}"
        frame = frame.f_back
    return "not minicv"
