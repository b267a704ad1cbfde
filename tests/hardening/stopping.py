"""Stops a program at a chosen call to the file system: by a kill, by Ctrl-C, by a full disk.

Every call that changes something in a folder is counted: opening for writing, each write, fsync,
rename, removal, making of folders. The stop comes before the call of a given number; of a write,
half is done. A killed program does nothing more: all later calls fail as well.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

KILL, EXIT, INTERRUPT, FULL = "kill", "exit", "interrupt", "full disk"
TAKES_ROOM = ("open", "write", "fsync", "mkdir")


class Killed(BaseException):
    """As if the process had been killed: no handler may do anything more on the disk."""


class Stop:
    """A stop that is placed.

    Args:
        folder: calls elsewhere are neither counted nor stopped.
        number: of the call, from 0; None only counts.
        how: KILL; EXIT, which ends the process for good; INTERRUPT; or FULL, from then on.

    Attributes:
        calls: all so far, by their names and those of the files.
    """

    def __init__(self, folder: str | Path, number: int | None = None, how: str = KILL) -> None:
        self.folder, self.number, self.how = os.path.realpath(folder), number, how
        self.calls: list[tuple[str, str]] = []
        self._opened = ""

    def called(self, name: str, file: str, half: Callable[[], object] | None = None) -> None:
        """Count a call, and stop before it; after ``half`` of it, if it can be halved."""
        now = len(self.calls)
        self.calls.append((name, os.path.basename(file)))
        if self.number is None or now < self.number:
            return
        if self.how == FULL and name not in TAKES_ROOM:
            return
        if self.how == INTERRUPT and now > self.number:
            return
        if half is not None and now == self.number:
            half()
        if self.how == EXIT:
            os._exit(137)
        if self.how == INTERRUPT:
            raise KeyboardInterrupt
        if self.how == FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise Killed

    def _concerns(self, path: Any) -> bool:
        if isinstance(path, int):
            return True
        parent = os.path.realpath(os.path.dirname(os.fspath(path)) or ".")
        inside = (parent + os.sep).startswith(self.folder + os.sep)
        return inside or os.path.realpath(path) == self.folder

    @contextlib.contextmanager
    def placed(self) -> Iterator[Stop]:
        """The calls of the block are counted and stopped."""
        real = {n: getattr(os, n) for n in ("open", "replace", "unlink", "rmdir", "mkdir", "fsync")}
        real_open = builtins.open

        def hooked(name: str) -> Callable[..., Any]:
            def call(path: Any, *arguments: Any, **named: Any) -> Any:
                relative = named.get("dir_fd") is not None  # of a folder that is being removed
                writes = name != "open" or bool(arguments and arguments[0] & 3)
                if writes and (relative or self._concerns(path)):
                    if name == "open":
                        self._opened = os.path.basename(path)
                    file = arguments[0] if name == "replace" else path  # its new name
                    self.called(name, self._opened if isinstance(file, int) else os.fspath(file))
                return real[name](path, *arguments, **named)

            return call

        def opened(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
            if set(mode) & set("wax+") and not isinstance(file, int) and self._concerns(file):
                self.called("open", os.fspath(file))
            return real_open(file, mode, *arguments, **named)

        def buffered(descriptor: int, mode: str) -> Any:
            return io.BufferedWriter(_Counted(self, descriptor, mode))

        with contextlib.ExitStack() as stack:
            for name in real:
                stack.enter_context(mock.patch.object(os, name, hooked(name)))
            stack.enter_context(mock.patch.object(os, "fdopen", buffered))
            stack.enter_context(mock.patch.object(builtins, "open", opened))
            yield self


class _Counted(io.FileIO):
    """A file each of whose writes is counted."""

    def __init__(self, stop: Stop, descriptor: int, mode: str) -> None:
        super().__init__(descriptor, mode)
        self.stop = stop

    def write(self, content: Any) -> int:
        size = memoryview(content).nbytes
        real = super().write
        half = memoryview(content).cast("B")[: size // 2]
        self.stop.called("write", self.stop._opened, lambda: real(half))
        return real(content)


def count_calls(folder: str | Path, work: Callable[[], object]) -> list[tuple[str, str]]:
    """The calls that ``work`` does in ``folder``."""
    with Stop(folder).placed() as stop:
        work()
    return stop.calls


def stopped(
    folder: str | Path, number: int, how: str, work: Callable[[], object]
) -> BaseException | None:
    """Do ``work`` with a stop before the call of that number; what came of it."""
    with Stop(folder, number, how).placed():
        try:
            work()
        except (Exception, KeyboardInterrupt, Killed) as error:
            return error
    return None


def places(calls: list[tuple[str, str]]) -> list[int]:
    """The numbers of all calls; of writes in a row the first, the one in the middle, the last."""
    chosen, run = [], []
    for number, (name, _) in enumerate([*calls, ("", "")]):
        if name == "write":
            run.append(number)
            continue
        if run:
            chosen += sorted({run[0], run[len(run) // 2], run[-1]})
            run = []
        chosen += [number] if name else []
    return chosen
