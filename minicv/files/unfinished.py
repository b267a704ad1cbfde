"""Files and folders that are being written: how they are named, and how their remains go away.

Such a name begins with a dot and ends with 64 random bits and ``.unfinished``. Nobody can guess it,
and it is made only where nothing stands, not even a link. While its owner lives, the owner holds a
lock on it; the system opens the lock when the owner ends, however it ends. So what bears such a
name and is not locked was left by a run that was killed, and the next run may remove it.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # on Windows, which lets nobody delete a file that is open
    fcntl = None  # type: ignore[assignment]
LOCKS = fcntl is not None

_UNFINISHED = re.compile(r"\..*\.[0-9a-f]{16}\.unfinished", re.DOTALL)
# What earlier versions called them: of checkpoints and histories, and of cached proposals.
_OLDER = re.compile(
    r"\.(?:(?:last|best)\.npz|history\.(?:json|csv|png))\.\d+\.tmp|tmp\w{8}\.unfinished"
)
_LONGEST = 100  # bytes of the final name within the name of the unfinished file
_ONLY_NEW = os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
_PLAIN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def new_file(path: Path) -> tuple[int, Path]:
    """A new, empty file beside ``path``, locked until the descriptor is closed.

    Returns:
        the descriptor, open for writing, and the path of the file.

    Raises:
        OSError: it cannot be made.
    """
    while True:
        unfinished = _beside(path)
        descriptor = os.open(unfinished, _ONLY_NEW | _PLAIN | os.O_WRONLY, 0o666)
        # Another run may have taken it for remains before it was locked.
        if lock(descriptor) and is_at(descriptor, unfinished):
            return descriptor, unfinished
        os.close(descriptor)


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A new, empty folder beside ``path``, which is removed with all that is in it at the end.

    Raises:
        OSError: it cannot be made.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place, new_folder(Path(place) / "features") as folder:
    ...     (folder / "1.npy").write_bytes(b"abc")
    3
    >>> folder.exists()
    False
    """
    folder = _beside(path)
    folder.mkdir(parents=True)
    descriptor = None
    if fcntl is not None:
        descriptor = os.open(folder, _PLAIN | os.O_RDONLY)
        lock(descriptor)
    try:
        yield folder
    finally:
        try:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            if descriptor is not None:
                os.close(descriptor)


def remove_unfinished(folder: str | Path) -> list[str]:
    """Remove what killed runs of minicv left in ``folder``, and nothing else; folders within stay.

    Returns:
        the names of what was removed.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     for name in (".last.npz.0123456789abcdef.unfinished", "last.npz"):
    ...         _ = (Path(place) / name).write_bytes(b"abc")
    ...     remove_unfinished(place)
    ['.last.npz.0123456789abcdef.unfinished']
    """
    removed: list[str] = []
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:  # it is not there, or nobody may look into it
        return removed
    for entry in entries:
        own = _UNFINISHED.fullmatch(entry.name)
        if not (own or _OLDER.fullmatch(entry.name)):
            continue
        is_folder = bool(own) and entry.is_dir(follow_symlinks=False)
        if (is_folder or entry.is_file(follow_symlinks=False)) and _remove(entry.path, is_folder):
            removed.append(entry.name)
    return removed


def lock(descriptor: int) -> bool:
    """Lock what is open until the descriptor is closed; False where another run has locked it.

    Where the file system knows no locks, nothing is ever locked.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def is_at(descriptor: int, path: Path) -> bool:
    """Whether what is open still stands under that name."""
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return fcntl is None or os.path.samestat(os.fstat(descriptor), there)


def _beside(path: Path) -> Path:
    short = os.fsdecode(os.fsencode(path.name)[:_LONGEST])
    return path.with_name(f".{short}.{secrets.token_hex(8)}.unfinished")


def _remove(path: str, is_folder: bool) -> bool:
    """Remove remains; False for what its owner still writes, and for what cannot be removed."""
    if fcntl is None:
        with contextlib.suppress(OSError):
            shutil.rmtree(path) if is_folder else os.unlink(path)
            return True
        return False
    try:
        mode = os.O_RDONLY if is_folder else os.O_RDWR
        descriptor = os.open(path, _PLAIN | os.O_NOFOLLOW | os.O_NONBLOCK | mode)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path) if is_folder else os.unlink(path)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
