"""Reads and writes ``.safetensors``: arrays by name, and nothing that could be executed.

| bytes | what |
|---|---|
| 8 | N, the length of the header, little-endian |
| N | a JSON object: name -> ``{"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}`` |
| rest | the numbers, little-endian, in C order; the offsets count from here |

Every byte of the rest belongs to one array. The header may also hold texts by name, under
``__metadata__``.

Source: the format's description and its serializer, https://github.com/huggingface/safetensors.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from minicv.backend import Array, to_numpy
from minicv.files import write_whole
from minicv.weights.errors import DAMAGE, WeightsError

# NumPy's dtypes by the format's names, in the order in which the format sorts them.
_DTYPES = {
    "BOOL": "?",
    "U8": "u1",
    "I8": "i1",
    "I16": "<i2",
    "U16": "<u2",
    "F16": "<f2",
    "BF16": "<u2",  # the upper half of a float32
    "I32": "<i4",
    "U32": "<u4",
    "F32": "<f4",
    "F64": "<f8",
    "I64": "<i8",
    "U64": "<u8",
}
_METADATA = "__metadata__"
_MOST_HEADER = 16 * 1024 * 1024  # bytes; 1,000 arrays take 100,000
_MOST_AXES, _MOST_DIGITS, _LONGEST_NAME = 32, 19, 10_000
_FIELDS = {"dtype", "shape", "data_offsets"}


class _Entry(NamedTuple):
    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_safetensors(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays in the file by name, in the order of the header.

    bfloat16, which NumPy lacks, becomes float32.

    Raises:
        WeightsError: there is no such file; it is cut short, its header is no such object, names an
            array twice, a dtype that is not read, or offsets that overlap, leave a hole or do not
            fit the shape.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.safetensors"
    >>> write_safetensors(file, {"weight": np.ones((2, 3), "float32")})
    >>> read_safetensors(file)["weight"].shape
    (2, 3)
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            start, header = _read_header(file, size)
            entries = _entries(header, size - start)
            return {entry.name: _array(file, start, entry) for entry in entries}
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    except DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WeightsError(f"{path}: not a readable safetensors file ({reason:.200})") from None


def read_safetensors_metadata(path: str | Path) -> dict[str, str]:
    """The texts that the file holds beside its arrays, by name.

    Raises:
        WeightsError: see `read_safetensors`.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return _metadata(_read_header(file, path.stat().st_size)[1])
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    except DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WeightsError(f"{path}: not a readable safetensors file ({reason:.200})") from None


def write_safetensors(
    path: str | Path, arrays: Mapping[str, Array], metadata: Mapping[str, str] | None = None
) -> None:
    """Write ``arrays`` by name. The same arrays give the same bytes.

    The file appears whole, see `minicv.files.WholeFiles`. Arrays of other byte orders or memory
    layouts are written as the format wants them.

    Args:
        path: of the file.
        arrays: of truth values, integers, float16, float32 or float64.
        metadata: texts by name, such as ``{"format": "pt"}``.

    Raises:
        WeightsError: the file cannot be written; says why.
        ValueError: an array that the format has no dtype for, or a name that it does not allow.
    """
    path = Path(path)
    hosted = {name: to_numpy(array) for name, array in arrays.items()}
    kinds = {name: _kind(path, name, array) for name, array in hosted.items()}
    rank = {kind: number for number, kind in enumerate(_DTYPES)}
    # As the format's own serializer: wide numbers first, so that each array is aligned.
    names = sorted(hosted, key=lambda name: (-rank[kinds[name]], name.encode()))
    header: dict[str, Any] = {}
    if metadata:
        header[_METADATA] = {str(key): str(metadata[key]) for key in sorted(metadata)}
    begin = 0
    for name in names:
        end = begin + hosted[name].nbytes
        shape = list(hosted[name].shape)
        header[name] = {"dtype": kinds[name], "shape": shape, "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > _MOST_HEADER:
        raise ValueError(f"{path}: a header of {len(text):,} bytes; at most {_MOST_HEADER:,}")

    def write(file: IO[bytes]) -> None:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in names:
            array = np.ascontiguousarray(hosted[name], _DTYPES[kinds[name]])
            file.write(array.reshape(-1).view(np.uint8).data)

    try:
        write_whole(path, write, durable=True)
    except OSError as error:
        kept = "; the earlier file of that name is kept" if path.exists() else ""
        raise WeightsError(
            f"{path}: the weights could not be written ({error.strerror or error}){kept}"
        ) from None


def _kind(path: Path, name: str, array: np.ndarray) -> str:
    if not isinstance(name, str) or name == _METADATA or len(name) > _LONGEST_NAME:
        raise ValueError(f"{path}: {name!r:.80} cannot be the name of an array")
    _check_text(name)
    little = array.dtype.newbyteorder("<")
    for kind, dtype in _DTYPES.items():
        if kind != "BF16" and np.dtype(dtype) == little:
            return kind
    raise ValueError(
        f"{path}: {name!r:.80} has dtype {array.dtype}; expected truth values, integers or floats "
        "of at most 64 bits"
    )


def _read_header(file: IO[bytes], size: int) -> tuple[int, dict[str, Any]]:
    """Where the numbers begin, and the header."""
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > size - 8:
        raise WeightsError(
            f"cut short, or no safetensors file: its header is said to have {length:,} bytes, the "
            f"file has {size:,}"
        )
    if length > _MOST_HEADER:
        raise WeightsError(f"a header of {length:,} bytes; at most {_MOST_HEADER:,} are read")
    text = file.read(length)
    if text[:1] != b"{":
        raise WeightsError("not a safetensors file (its header is no JSON object)")
    try:
        header = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_without_repeats,
            parse_int=_short_integer,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"its header is no JSON ({' '.join(str(error).split()):.150})") from None
    return 8 + length, header


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise WeightsError(f"its header names {name!r:.80} twice")
        found[name] = value
    return found


def _short_integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise WeightsError(f"its header holds a number of {len(digits):,} digits")
    return int(digits)


def _no_constant(word: str) -> float:
    raise WeightsError(f"its header holds {word}, which is no JSON")


def _metadata(header: dict[str, Any]) -> dict[str, str]:
    metadata = header.get(_METADATA, {})
    if not isinstance(metadata, dict) or any(type(v) is not str for v in metadata.values()):
        raise WeightsError("its header's __metadata__ is no object of texts")
    for key, value in metadata.items():
        _check_text(key)
        _check_text(value)
    return metadata


def _entries(header: dict[str, Any], size: int) -> list[_Entry]:
    """What the header says of each array, if every byte of the rest belongs to one of them."""
    _metadata(header)
    entries = [_entry(n, described) for n, described in header.items() if n != _METADATA]
    reached, before = 0, ""
    for entry in sorted(entries, key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != reached:
            what = "overlaps" if entry.begin < reached else "leaves a hole after"
            other = f"{before!r:.80}" if before else "the header"
            raise WeightsError(
                f"entry {entry.name!r:.80} at {entry.begin:,} {what} {other}, which ends at "
                f"{reached:,}"
            )
        reached, before = entry.end, entry.name
    if reached > size:
        raise WeightsError(f"cut short: it has {size:,} of {reached:,} bytes of numbers")
    if reached < size:
        raise WeightsError(f"{size - reached:,} bytes at its end belong to no entry")
    return entries


def _entry(name: str, described: Any) -> _Entry:
    _check_text(name)
    if len(name) > _LONGEST_NAME:
        raise WeightsError(f"an entry has a name of {len(name):,} characters")
    if not isinstance(described, dict) or not described.keys() >= _FIELDS:
        raise WeightsError(
            f"entry {name!r:.80} is {described!r:.80}, expected dtype, shape and data_offsets"
        )
    dtype, shape, offsets = described["dtype"], described["shape"], described["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise WeightsError(
            f"entry {name!r:.80} has dtype {dtype!r:.40}, which is not read; there are "
            f"{', '.join(_DTYPES)}"
        )
    if not _are_counts(shape) or len(shape) > _MOST_AXES:
        raise WeightsError(f"entry {name!r:.80} has shape {shape!r:.80}, expected up to 32 lengths")
    if not _are_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise WeightsError(
            f"entry {name!r:.80} has data_offsets {offsets!r:.80}, expected its begin and its end"
        )
    begin, end = offsets
    wanted = math.prod(shape) * np.dtype(_DTYPES[dtype]).itemsize
    if end - begin != wanted:
        raise WeightsError(
            f"entry {name!r:.80}: {dtype} {tuple(shape)!r:.80} takes {wanted:,} bytes, and its "
            f"data_offsets give it {end - begin:,}"
        )
    return _Entry(name, dtype, tuple(shape), begin, end)


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(n) is int and 0 <= n < 2**63 for n in values)


def _check_text(text: str) -> None:
    """A JSON text may hold halves of characters, which can neither be printed nor written."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise WeightsError(f"the text {text!r:.80} is no Unicode") from None


def _array(file: IO[bytes], start: int, entry: _Entry) -> np.ndarray:
    file.seek(start + entry.begin)
    raw = bytearray(entry.end - entry.begin)
    if file.readinto(raw) != len(raw):  # type: ignore[attr-defined]
        raise WeightsError(f"cut short within entry {entry.name!r:.80}")
    if entry.dtype == "BOOL":
        numbers = np.frombuffer(raw, np.uint8) != 0  # a truth value is one byte, 0 or 1
    else:
        numbers = np.frombuffer(raw, _DTYPES[entry.dtype])
    if entry.dtype == "BF16":
        numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
    native = numbers.astype(numbers.dtype.newbyteorder("="), copy=False)
    return native.reshape(entry.shape)


__all__ = ["read_safetensors", "read_safetensors_metadata", "write_safetensors"]
