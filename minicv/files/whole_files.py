"""The one way in which minicv writes a file: whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple

from minicv.files.unfinished import LOCKS, new_file

Content = bytes | Callable[[IO[bytes]], object]


class _Waiting(NamedTuple):
    path: Path
    unfinished: Path
    descriptor: int


class WholeFiles:
    """Files that are all complete on the disk before the first of them takes its name.

    Each is written under another name in its folder. At the end of the block it takes its own name
    in one step, in the order of writing. If the disk is full, an error comes or the program is
    killed before, what stood under the names is still there; between the names there are only
    microseconds.

    Args:
        durable: also flush the files and their folder to the disk, so that a power failure cannot
            empty them. That takes some milliseconds for each.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with WholeFiles() as files:
    ...     files.write(folder / "a.txt", b"1")
    ...     files.write(folder / "b.txt", lambda file: file.write(b"2"))
    ...     (folder / "a.txt").exists()
    False
    >>> sorted(path.name for path in folder.iterdir())
    ['a.txt', 'b.txt']
    """

    def __init__(self, durable: bool = False) -> None:
        self.durable = durable
        self._waiting: list[_Waiting] = []

    def __enter__(self) -> WholeFiles:
        return self

    def write(self, path: str | Path, content: Content) -> None:
        """Write a file, which takes its name when the block ends; missing folders are made.

        A link of that name is replaced, not followed. What is no file, such as ``/dev/stdout``,
        is written at once, as it is.

        Args:
            path: of the file.
            content: all of it, or a function that writes it to an open file.

        Raises:
            OSError: it cannot be written.
        """
        path = Path(path)
        if is_device(path):
            with path.open("wb") as file:
                _fill(file, content)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, unfinished = new_file(path)
        self._waiting.append(_Waiting(path, unfinished, descriptor))
        # Of a copy of the descriptor: closing it brings errors of a network's disk to light, and
        # the lock stays.
        with os.fdopen(os.dup(descriptor), "wb") as file:
            _fill(file, content)
            file.flush()
            if self.durable:
                os.fsync(file.fileno())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        folders = {own.path.parent for own in self._waiting}
        try:
            while kind is None and self._waiting:
                own = self._waiting[0]
                if not LOCKS:  # Windows renames no open file
                    os.close(own.descriptor)
                os.replace(own.unfinished, own.path)
                if LOCKS:
                    os.close(own.descriptor)
                del self._waiting[0]
            if kind is None and self.durable:
                for folder in folders:
                    _flush_folder(folder)
        finally:
            for own in self._waiting:  # first, so that nothing of a second error stays locked
                with contextlib.suppress(OSError):
                    os.close(own.descriptor)
            for own in self._waiting:
                with contextlib.suppress(OSError):
                    os.unlink(own.unfinished)


def write_whole(path: str | Path, content: Content, *, durable: bool = False) -> None:
    """One file of `WholeFiles`.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "new" / "a.txt"
    >>> write_whole(file, b"abc")
    >>> file.read_bytes()
    b'abc'
    """
    with WholeFiles(durable) as files:
        files.write(path, content)


def is_device(path: Path) -> bool:
    """Whether it is no file that could be replaced, such as ``/dev/stdout`` or a pipe.

    ``/dev/stdout`` may well lead to a file, to which others are writing.

    >>> is_device(Path(os.devnull)), is_device(Path("absent"))
    (True, False)
    """
    if path.is_absolute() and path.parts[1:2] and path.parts[1] in ("dev", "proc"):
        return path.exists()
    return path.exists() and not path.is_file() and not path.is_dir()


def _fill(file: IO[bytes], content: Content) -> None:
    if callable(content):
        content(file)
    else:
        file.write(content)


def _flush_folder(folder: Path) -> None:
    """Flush the names in a folder; what cannot be flushed so is left to the system."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
