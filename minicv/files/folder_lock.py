"""One training a folder: a lock that names its owner, and that the death of its owner opens."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from minicv.files.unfinished import is_at, lock

LOCK = ".minicv.lock"
_OPEN = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_LONGEST = 200  # bytes that are read of what the owner wrote


@contextlib.contextmanager
def locked(folder: str | Path, option: str = "--out") -> Iterator[None]:
    """Nobody else may hold ``folder`` within this block; it is made where it is missing.

    The lock is the system's (``flock``), on a file in the folder that names its owner. When the
    owner ends, even by a kill or a crash, the system opens the lock; the file that it may leave
    behind holds nobody up. Afterwards the file is gone, and so is a folder that was made and that
    is still empty.

    Args:
        folder: of a training.
        option: names it in the message.

    Raises:
        OSError: another process holds it, and which; or the folder cannot be written to.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, locked(folder), locked(folder):
    ...     pass
    Traceback (most recent call last):
    ...
    OSError: --out /...: another training writes to this folder (process ... on ..., since ...); ...
    """
    folder = Path(folder)
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    try:
        descriptor = _taken(path, option)
        try:
            yield
        finally:
            try:
                with contextlib.suppress(OSError):
                    path.unlink()
            finally:
                os.close(descriptor)
    finally:
        for own in missing:
            with contextlib.suppress(OSError):
                own.rmdir()


def check_unlocked(folder: str | Path, option: str = "--out") -> None:
    """Refuse a folder that is `locked` at the moment.

    Raises:
        OSError: see `locked`.

    >>> check_unlocked("absent")
    """
    path = Path(folder) / LOCK
    try:
        descriptor = os.open(path, _OPEN)
    except OSError:  # there is none
        return
    try:
        if not lock(descriptor):
            raise OSError(_held(path, descriptor, option))
    finally:
        os.close(descriptor)


def _taken(path: Path, option: str) -> int:
    """The descriptor of the lock's file, locked."""
    while True:
        try:
            descriptor = os.open(path, _OPEN | os.O_CREAT, 0o666)
        except OSError as error:
            raise OSError(
                f"{option} {path.parent}: nothing can be written there ({path.name}: "
                f"{error.strerror}); name another folder"
            ) from None
        try:
            if not lock(descriptor):
                raise OSError(_held(path, descriptor, option))
            if is_at(descriptor, path):  # its last owner has not just removed it
                since = time.strftime("%Y-%m-%d %H:%M:%S")
                owner = f"process {os.getpid()} on {socket.gethostname()}, since {since}"
                with contextlib.suppress(OSError):  # of a full disk; it locks all the same
                    os.ftruncate(descriptor, 0)
                    os.write(descriptor, owner.encode())
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _held(path: Path, descriptor: int, option: str) -> str:
    owner = os.read(descriptor, _LONGEST).decode(errors="replace")
    named = "".join(c for c in owner if c.isprintable()) or "which has not said its number yet"
    return (
        f"{option} {path.parent}: another training writes to this folder ({named}); wait until it "
        "has ended, or name another folder"
    )
