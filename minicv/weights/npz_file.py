"""Reads the arrays of an ``.npz`` file, and believes nothing that the file says of itself.

NumPy's own reader makes an array of whatever shape the header names, and reads the header with
Python's parser. Here a header has one form, the one in which NumPy writes it, and an array is made
only where the file holds the bytes for it.
"""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO

import numpy as np

from minicv.weights.errors import DAMAGE, WeightsError

_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    rb"\{'descr': '([<>|=]?[fiubcU]\d{1,9})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,18},? ?)*)\), \} *\n"
)
_MOST_AXES = 32
_PIECE = 1024 * 1024  # bytes that are read at once
# Beyond the size of the file: an archive may be compressed, but what it costs has an end.
_TIMES, _FREE_BYTES = 4, 256 * 1024 * 1024


def read_npz(path: str | Path, only: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays in the file by name, those of ``only`` or all; names that are not there are left.

    Raises:
        WeightsError: there is no such file; it is damaged, encrypted, no ``.npz``, holds anything
            but numbers and texts, or would take far more memory than it has bytes.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.npz"
    >>> np.savez(file, weight=np.ones((2, 3)))
    >>> read_npz(file)["weight"].shape
    (2, 3)
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) == _MAGIC:
                raise WeightsError("a single array, not an .npz file")
        with zipfile.ZipFile(path) as archive:
            return _arrays(archive, path.stat().st_size, only)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    except DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WeightsError(f"{path}: not a readable .npz checkpoint ({reason:.200})") from None


def _arrays(
    archive: zipfile.ZipFile, file_size: int, only: Collection[str] | None
) -> dict[str, np.ndarray]:
    members = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if name in members:
            raise WeightsError(f"it holds two arrays called {name!r:.80}")
        if info.filename.endswith(".npy") and (only is None or name in only):
            members[name] = info
    costs = sum(info.file_size for info in members.values())
    if costs > _TIMES * file_size + _FREE_BYTES:
        raise WeightsError(
            f"its arrays take {costs:,} bytes, far more than the file, which has {file_size:,}; it "
            "may be malicious"
        )
    return {name: _array(archive, info, name) for name, info in members.items()}


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> np.ndarray:
    if info.flag_bits & 1:
        raise WeightsError("it is encrypted; unpack it and pack it again without a password")
    with archive.open(info) as member:
        begin = member.read(8)
        if begin[:6] != _MAGIC or len(begin) < 8:
            raise WeightsError(f"not a readable .npz checkpoint ({name!r:.80} is no array)")
        width = 2 if begin[6] == 1 else 4
        length = int.from_bytes(member.read(width), "little")
        header = _HEADER.fullmatch(member.read(min(length, _PIECE)))
        if header is None or begin[6] not in (1, 2):
            raise WeightsError(
                f"the array {name!r:.80} holds something else than numbers or texts, or its header "
                "is damaged"
            )
        dtype = np.dtype(header[1].decode())
        shape = tuple(int(length) for length in header[3].replace(b",", b" ").split())
        there = info.file_size - 8 - width - length
        if len(shape) > _MOST_AXES or math.prod(shape) * dtype.itemsize != there:
            raise WeightsError(
                f"the array {name!r:.80} is said to be {dtype} {shape!r:.80}, but the file holds "
                f"{there:,} bytes of it"
            )
        flat = np.empty(math.prod(shape), dtype)
        if flat.nbytes:
            _fill(member, flat.view(np.uint8), name)
        return flat.reshape(shape, order="F" if header[2] == b"True" else "C")


def _fill(member: IO[bytes], place: np.ndarray, name: str) -> None:
    """Read all bytes of ``place`` from the member of an archive, piece by piece."""
    begin = 0
    while begin < len(place):
        piece = member.read(min(_PIECE, len(place) - begin))
        if not piece:
            raise WeightsError(f"not a readable .npz checkpoint ({name!r:.80} is cut short)")
        place[begin : begin + len(piece)] = np.frombuffer(piece, np.uint8)
        begin += len(piece)
