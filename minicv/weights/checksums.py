"""Whether a published file of weights is the one that was published."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from minicv.weights.errors import WeightsError

SHA256 = {
    "efficientnet-lite0-57934424.pth": (
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    ),
}
_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.pth")  # as PyTorch names published files


def check_checksum(path: str | Path) -> None:
    """Refuse a published file that is another one than its name says.

    Files of weights are published under names that end with the beginning of their SHA-256, such as
    ``resnet18-f37072fd.pth``; of those in `SHA256` the whole sum is known. A name without a sum, or
    with digits alone, which may be a date, says nothing, and nothing is checked.

    Raises:
        WeightsError: the sum is another one; says which and what to do.
        OSError: the file cannot be read.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "resnet18-f37072fd.pth"
    >>> _ = file.write_bytes(b"cut short")
    >>> check_checksum(file)
    Traceback (most recent call last):
        ...
    minicv.weights.errors.WeightsError: ...resnet18-f37072fd.pth: its SHA-256 begins with ed13456c,
    expected f37072fd as its name says: the file is damaged or another one; load it again, ...
    """
    path = Path(path)
    expected = published_sum(path.name)
    if not expected:
        return
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1024 * 1024):
            digest.update(piece)
    if not digest.hexdigest().startswith(expected):
        raise WeightsError(
            f"{path}: its SHA-256 begins with {digest.hexdigest()[:8]}, expected {expected[:8]} as "
            "its name says: the file is damaged or another one; load it again, or give a file of "
            "your own another name"
        )


def published_sum(name: str) -> str:
    """The SHA-256 of a published file, or its beginning, as far as the file's name tells it.

    >>> published_sum("resnet18-f37072fd.pth"), published_sum("my_own.pth")
    ('f37072fd', '')
    """
    if name in SHA256:
        return SHA256[name]
    found = _IN_NAME.search(name)
    return found[1] if found and not found[1].isdecimal() else ""
