"""The folder for results: found to be writable before any work, not after it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from minicv.files import remove_unfinished
from minicv.files.whole_files import is_device

PROBE = 1 << 16  # bytes that a full disk refuses


def check_folder(folder: str | Path, option: str = "--out", files: Iterable[str] = ()) -> None:
    """Refuse a folder into which nothing can be written. Nothing is left behind by the trial.

    What runs that were killed left there unfinished is removed.

    Args:
        folder: need not exist yet.
        option: names it in the message.
        files: names of files that will be written there; a folder must not stand in their place.

    Raises:
        OSError: the folder is a file, cannot be made, is read-only or full; says which.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     check_folder(file.name)
    Traceback (most recent call last):
    ...
    NotADirectoryError: --out /...: a file stands there; name a folder
    """
    folder = Path(folder)
    missing: list[Path] = []
    try:
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(f"{option} {folder}: a file stands there; name a folder")
        for name in files:
            if (folder / name).is_dir():
                raise IsADirectoryError(
                    f"{option} {folder}: {name} is a folder there, where a file will be written; "
                    "name another folder"
                )
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE))
            probe.flush()
            os.fsync(probe.fileno())
        remove_unfinished(folder)
    except OSError as error:
        if error.errno is None:  # said above
            raise
        raise OSError(
            f"{option} {folder}: nothing can be written there ({error.strerror}); name another "
            "folder"
        ) from None
    finally:
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()


def check_file(file: str | Path, option: str) -> None:
    """Refuse a file that cannot be written; one that is there stays as it is.

    Args:
        file: need not exist yet, nor does its folder.
        option: names it in the message.

    Raises:
        OSError: it is a folder, or its folder cannot be written to.
    """
    file = file_of(file)
    if file.is_dir():
        raise IsADirectoryError(f"{option} {file}: a folder stands there; name a file")
    if is_device(file):
        return
    if file.exists() and not os.access(file, os.W_OK):
        raise PermissionError(f"{option} {file}: the file cannot be written to; name another one")
    check_folder(file.parent, option)


def file_of(path: str | Path) -> Path:
    """The file that a user means by a path: where it is a link, what the link leads to.

    >>> file_of(os.devnull)
    PosixPath('/dev/null')
    """
    path = Path(path)
    return path if is_device(path) else path.resolve()
