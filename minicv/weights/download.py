"""Fetching published weights by name: once, whole, and only if they are the published ones."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tqdm import tqdm

from minicv.weights.cache_folder import weights_folder
from minicv.weights.checksums import published_sum
from minicv.weights.errors import WeightsError
from minicv.weights.known_files import find_known
from minicv.weights.part_file import open_part
from minicv.weights.urls import check_url, file_name, is_url, shown


def say_on_stderr(text: str) -> None:
    """Print a line on standard error, above a bar of progress if there is one."""
    if sys.stderr is not None:
        tqdm.write(text, file=sys.stderr)


def fetch(
    name_or_url: str,
    *,
    folder: str | Path | None = None,
    sha256: str = "",
    progress: bool = True,
    say: Callable[[str], object] = say_on_stderr,
    timeout: float = 30.0,
) -> Path:
    """The path of a file of weights, which is fetched from its server where it is not there yet.

    A file that is there is held against its SHA-256 and not fetched again. While a file comes it
    is called ``FILE.part``. It takes its name in one step, once all of it has come and its
    SHA-256 is the published one. A transfer that was cut, by the network, by Ctrl-C or by a kill,
    goes on where it ended, at once or at the next call. If the file on the server has changed
    since, or the server cannot begin in the middle, it starts anew. Of two processes that fetch
    the same file, one waits for the other.

    Where the environment variable ``MINICV_OFFLINE`` is set to anything but ``0``, only files that
    are there are given.

    Args:
        name_or_url: a file or a network of `minicv.weights.known_files.KNOWN_FILES`, such as
            ``"resnet18"``; or a URL of ``https``, ``http`` or ``file``, whose last part is the
            file's name.
        folder: where the file is kept; None for `minicv.weights.cache_folder.weights_folder`.
        sha256: 64 hexadecimal digits. Without it, the digits in a name such as
            ``resnet18-f37072fd.pth`` count; without those, nothing is checked.
        progress: False shows no bar. On what is no terminal there is none anyway.
        say: is given a line for each thing that takes time: another try, waiting.
        timeout: seconds without a byte after which a connection counts as cut.

    Raises:
        WeightsError: an unknown name, a URL that is none, or a file with another SHA-256.
        OSError: no network, an unknown host, no such file on the server, a refusal; a connection
            that was cut again and again; a full disk, a folder where nothing can be written.

    >>> import tempfile
    >>> here = Path(tempfile.mkdtemp())
    >>> _ = (here / "net-ba7816bf.pth").write_bytes(b"abc")
    >>> path = fetch((here / "net-ba7816bf.pth").as_uri(), folder=here / "weights")
    >>> path.name, path.read_bytes()
    ('net-ba7816bf.pth', b'abc')
    """
    if is_url(name_or_url):
        url = check_url(name_or_url)
        name = file_name(url)
    else:
        known = find_known(name_or_url)
        url, name = known.url, known.file
    expected = sha256.lower() or published_sum(name)
    if sha256 and not re.fullmatch(r"[0-9a-f]{64}", expected):
        raise WeightsError(f"fetch: expected 64 hexadecimal digits as sha256 but got {sha256!r}")
    path = (weights_folder() if folder is None else Path(folder)) / name
    if os.path.lexists(path):
        return _checked(path, expected, say)
    if not url.startswith("file:") and os.environ.get("MINICV_OFFLINE", "0") not in ("", "0"):
        raise OSError(
            f"{name}: not in {path.parent}, and MINICV_OFFLINE is set; fetch {shown(url)} by other "
            "means and put it there, or unset MINICV_OFFLINE"
        )
    with open_part(path, say) as part:
        if part is None:
            return _checked(path, expected, say)
        # Only now, for it loads ssl and more, which takes longer than all else of this package.
        from minicv.weights.transfer import Transfer

        with _bar(name, progress) as bar:
            Transfer(part, url, expected, say=say, timeout=timeout, bar=bar).run()
    return path


def _checked(path: Path, expected: str, say: Callable[[str], object]) -> Path:
    """``path``, if what stands there is the file."""
    if not path.is_file():
        raise OSError(f"{path}: not a file; move it away, or name another folder")
    if not expected:
        say(f"{path}: taken as it is, for its SHA-256 is not known")
        return path
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1024 * 1024):
            digest.update(piece)
    found = digest.hexdigest()
    if not found.startswith(expected):
        raise WeightsError(
            f"{path}: its SHA-256 is {found[: len(expected)]}, expected {expected}: the file is "
            "damaged or another one; delete it, and it is fetched again"
        )
    return path


@contextlib.contextmanager
def _bar(name: str, progress: bool) -> Iterator[tqdm]:
    """A bar in bytes on a terminal, which goes away at the end; elsewhere nothing is shown."""
    watched = progress and _is_terminal()
    with tqdm(desc=name, unit="B", unit_scale=True, leave=False, disable=not watched) as bar:
        yield bar


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # absent, or closed
        return False
