"""A file that is being fetched: what has come of it so far, and what is needed to go on."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from minicv.files import write_whole
from minicv.files.unfinished import LOCKS, is_at, lock

_OPEN = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_OPEN |= getattr(os, "O_NOFOLLOW", 0)
_PIECE = 1024 * 1024
_LONGEST_NOTE = 10_000  # bytes; what a note holds is much shorter
SECONDS_BETWEEN_LOOKS = 0.5


class PartFile:
    """The first bytes of a file, beside where it will stand, as ``FILE.part``.

    A note ``FILE.part.json`` keeps which version of which URL they are of. Both stay when a
    transfer is cut, and go when the file is whole. While one process writes the part it holds a
    lock on it; the system opens the lock when the process ends, however it ends.

    Attributes:
        path: of the file that is to be.
        size: bytes that are here.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._part, self._note = part_and_note(path)
        self._descriptor = descriptor
        self._finished = False
        self.size = os.lseek(descriptor, 0, os.SEEK_END)

    def came_from(self, url: str) -> tuple[str, int | None] | None:
        """The validator and the size of the whole file as the note tells them.

        None if the part is empty or of another URL, or the note is missing or damaged.
        """
        try:
            with self._note.open("rb") as file:
                note = json.loads(file.read(_LONGEST_NOTE))
            validator, size = note["validator"], note["size"]
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None
        well_formed = isinstance(validator, str) and (size is None or type(size) is int)
        # A validator goes into a header of the next request; no line may end in it.
        well_formed = well_formed and validator.isascii() and validator.isprintable()
        if not (self.size and well_formed and note.get("url") == url):
            return None
        return (validator, size)

    def note_source(self, url: str, validator: str, size: int | None) -> None:
        """Write the note.

        Raises:
            OSError: it cannot be written.
        """
        text = json.dumps({"url": url, "validator": validator, "size": size})
        with self._sentences():
            write_whole(self._note, text.encode())

    def empty(self) -> None:
        """Start anew."""
        with self._sentences():
            os.ftruncate(self._descriptor, 0)
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Put bytes at the end; they are in the system's hands when this returns.

        Raises:
            OSError: the disk is full; what came before stays.
        """
        with self._sentences():
            os.lseek(self._descriptor, self.size, os.SEEK_SET)
            left = memoryview(piece)
            while left:
                written = os.write(self._descriptor, left)
                left = left[written:]
                self.size += written

    def sha256(self) -> hashlib._Hash:
        """The SHA-256 of what is here, to which more can be added."""
        digest = hashlib.sha256()
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        while piece := os.read(self._descriptor, _PIECE):
            digest.update(piece)
        return digest

    def finish(self) -> None:
        """Give the file its name, in one step; what stands under it is replaced."""
        with self._sentences():
            os.fsync(self._descriptor)
            with contextlib.suppress(FileNotFoundError):
                self._note.unlink()
            if not LOCKS:  # Windows renames no open file
                self.close()
            os.replace(self._part, self.path)
            self._finished = True

    def remove(self) -> None:
        """Remove what is here, unless it has its name already."""
        if self._finished:
            return
        if not LOCKS:
            self.close()
        for path in (self._note, self._part):
            with contextlib.suppress(OSError):
                path.unlink()

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
                raise OSError(
                    f"{self.path.parent}: the disk is full; {self.size / 1e6:.1f} MB of "
                    f"{self.path.name} stay in {self._part.name}: free some space and fetch it "
                    "again, which goes on from there"
                ) from None
            raise OSError(
                f"{self.path}: cannot be written ({error.strerror or error}); name another folder"
            ) from None


def part_and_note(path: Path) -> tuple[Path, Path]:
    """The names that a file has while it is fetched.

    >>> [path.name for path in part_and_note(Path("resnet18-f37072fd.pth"))]
    ['resnet18-f37072fd.pth.part', 'resnet18-f37072fd.pth.part.json']
    """
    part = path.with_name(path.name + ".part")
    return part, part.with_name(part.name + ".json")


@contextlib.contextmanager
def open_part(path: Path, wait: Callable[[str], object]) -> Iterator[PartFile | None]:
    """The part of a file, locked for this process; None if the file is whole by now.

    While another process fetches the same file, this one waits. Windows, and disks of a network
    that know no locks, leave the part unlocked; two processes at once may spoil it there.

    Args:
        path: of the file that is to be; its folder is made where it is missing.
        wait: is told once that another process fetches the file.

    Raises:
        OSError: nothing can be written there.
    """
    part, _ = part_and_note(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        told = False
        while True:
            descriptor = os.open(part, _OPEN, 0o666)
            try:
                mine = lock(descriptor)
                if mine and is_at(descriptor, part):
                    break
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
            if mine:  # its last owner has just removed it, or given it its name
                continue
            if not told:
                wait(f"{path.name}: another process fetches it; waiting until that has ended")
                told = True
            time.sleep(SECONDS_BETWEEN_LOOKS)
    except OSError as error:
        raise OSError(
            f"{path.parent}: nothing can be written there ({error.strerror or error}); name "
            "another folder, or set MINICV_WEIGHTS to one"
        ) from None
    own = PartFile(path, descriptor)
    try:
        if path.exists():
            own.remove()
            yield None
        else:
            yield own
    finally:
        if own.size == 0:  # nothing to go on from
            own.remove()
        own.close()
