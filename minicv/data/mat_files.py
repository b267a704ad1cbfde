"""One array of numbers out of a MATLAB file, and nothing else of it.

**The format**, MATLAB 5 to 7: 128 bytes of header, of which the last two are "IM" or "MI", for the
order of bytes; then elements. An element is a type and a length, 32 bits each, and its data, filled
up to 8 bytes; short data stand in place of the length. A variable is an element of type 14 that
holds four others: flags with its class, its dimensions, its name, and its numbers, the first
dimension fastest. It may be packed with zlib, as an element of type 15.

MathWorks: MAT-file level 5 format. What is packed is not unpacked further than the array's
dimensions allow, and a file can neither run anything nor fill the memory.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from minicv.data.image_files import AnnotationError

MOST_NUMBERS = 10_000_000  # of an array; Leeds Sports has 420,000

_TYPES = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_CLASSES = {1: "a cell array", 2: "a structure", 3: "an object", 4: "text", 5: "a sparse matrix"}
_MATRIX, _PACKED = 14, 15
_COMPLEX = 0x0800
_HEADER = 128
_BEGINNING = 4096  # bytes that hold a variable's flags, dimensions and name


def read_mat_array(path: str | Path, name: str, reader: str) -> np.ndarray:
    """The real array that a MATLAB file calls ``name``.

    Args:
        path: the file.
        name: of the variable.
        reader: with which a message begins.

    Returns:
        float64, of the variable's dimensions, two or more.

    Raises:
        FileNotFoundError: there is no such file.
        AnnotationError: it is no MATLAB file of version 5 to 7, it is damaged, it lacks the
            variable, or that one holds something else than at most `MOST_NUMBERS` real numbers.

    >>> import tempfile
    >>> from scipy.io import savemat
    >>> file = Path(tempfile.mkdtemp()) / "a.mat"
    >>> savemat(file, {"joints": [[1.5, 2.5, 3.5]]})
    >>> read_mat_array(file, "joints", "LeedsSports").tolist()
    [[1.5, 2.5, 3.5]]
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{reader}: there is no file {path}")
    try:
        return _array(path.read_bytes(), name)
    except _MatError as error:
        raise AnnotationError(f"{reader}: {path}: {error}") from None


class _MatError(Exception):
    """What is wrong with a file, which is named by whoever reads it."""


def _array(content: bytes, wanted: str) -> np.ndarray:
    if content[:4] == b"\x89HDF" or content.startswith(b"MATLAB 7.3"):
        raise _MatError("it is of MATLAB's version 7.3 (HDF5); save it with the option -v7")
    order = {b"IM": "<", b"MI": ">"}.get(content[_HEADER - 2 : _HEADER])
    if order is None:
        raise _MatError("it is no MATLAB file of version 5 to 7")
    names = []
    for kind, data in _elements(content[_HEADER:], order):
        if kind == _PACKED:
            unpacker = zlib.decompressobj()
            beginning = _unpacked(unpacker, data, _BEGINNING)
            variable = _Variable(beginning[8:], order)  # behind its own type and length
        elif kind == _MATRIX:
            variable = _Variable(data, order)
        else:
            raise _MatError(
                f"an element of type {kind} stands in place of a variable; it is damaged"
            )
        if variable.name == wanted:
            variable.check()
            if kind == _PACKED:
                most = 8 * variable.count + _BEGINNING
                data = (beginning + _unpacked(unpacker, unpacker.unconsumed_tail, most))[8:]
                if not unpacker.eof:
                    raise _MatError(f"{wanted} is cut short, or longer than its dimensions say")
            return variable.numbers(data)
        names.append(variable.name or "one without a name")
    there = f"; it holds {', '.join(names[:20]):.500}" if names else ""
    raise _MatError(f"it holds no variable {wanted!r}{there}")


class _Variable:
    """What stands in front of a variable's numbers.

    Args:
        data: of the element, or its beginning.
        order: of the bytes, "<" or ">".
    """

    def __init__(self, data: bytes, order: str) -> None:
        self.order = order
        elements = _elements(data, order)
        flags, dimensions, name = (next(elements, (0, b""))[1] for _ in range(3))
        if len(flags) < 4 or len(dimensions) < 8 or len(dimensions) % 4:
            raise _MatError("a variable has no dimensions; the file is damaged")
        (self.flags,) = struct.unpack_from(f"{order}I", flags)
        self.shape: tuple[int, ...] = struct.unpack(f"{order}{len(dimensions) // 4}i", dimensions)
        self.name = name.decode("latin-1")
        self.count = 1
        for length in self.shape:
            self.count *= max(length, 0)

    def check(self) -> None:
        """Refuse what is no array of real numbers, or a very large one."""
        of = self.flags & 0xFF
        if of in _CLASSES or self.flags & _COMPLEX or not 6 <= of <= 15:
            what = _CLASSES.get(of, "complex" if self.flags & _COMPLEX else "of an unknown class")
            raise _MatError(f"{self.name} is {what}, expected an array of real numbers")
        if min(self.shape) < 0 or len(self.shape) > 32:
            raise _MatError(f"{self.name} has the dimensions {_by(self.shape)}; it is damaged")
        if self.count > MOST_NUMBERS:
            raise _MatError(f"{self.name} is {_by(self.shape)}, more than {MOST_NUMBERS:,} numbers")

    def numbers(self, data: bytes) -> np.ndarray:
        """The array, from the whole data of the element."""
        kind, numbers = next(itertools.islice(_elements(data, self.order), 3, 4), (0, b""))
        dtype = np.dtype(f"{self.order}{_TYPES.get(kind, 'f8')}")
        if kind not in _TYPES or len(numbers) != self.count * dtype.itemsize:
            raise _MatError(
                f"{self.name} is {_by(self.shape)}, but the numbers that follow are of another "
                "count or no numbers; the file is damaged"
            )
        array = np.frombuffer(numbers, dtype).astype(np.float64)
        return array.reshape(self.shape, order="F")


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Type and data of each element."""
    place = 0
    while place + 8 <= len(data):
        kind, length = struct.unpack_from(f"{order}II", data, place)
        start = place + 8
        if kind >> 16:  # both in 16 bits, and the data in place of the length
            kind, length, start = kind & 0xFFFF, kind >> 16, place + 4
            if length > 4:
                raise _MatError(f"an element has {length} bytes where 4 fit; the file is damaged")
            place += 8
        else:
            place = start + (length if kind == _PACKED else (length + 7) // 8 * 8)
        if start + length > len(data):
            raise _MatError("it ends within an element; it is cut short or damaged")
        yield kind, data[start : start + length]


def _unpacked(unpacker: zlib._Decompress, data: bytes, most: int) -> bytes:
    try:
        return unpacker.decompress(data, most)
    except zlib.error as error:
        raise _MatError(f"a packed variable is damaged: {error}") from None


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
