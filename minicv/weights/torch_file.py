"""Read a PyTorch ``.pth`` file of tensors without PyTorch, building arrays and nothing else.

What the file says of its tensors is a pickle, which `torch_pickle` reads without running it. Here
are the layouts in which the numbers stand beside it, and the check that no tensor looks beyond its
own storage.

Both layouts are read:

- legacy (PyTorch before 1.6): pickles for a magic number, a version, system facts, the state_dict
  and the list of storages; then the raw numbers of each storage, each led by its length;
- zip (since 1.6): ``NAME/data.pkl`` and a member ``NAME/data/KEY`` for each storage.

What a file can cost follows from its size: its tensors may take four times as much memory, and 256
MiB more for those that repeat their numbers.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from minicv.weights.errors import DAMAGE, WeightsError
from minicv.weights.foreign_files import refuse_foreign, refuse_safetensors
from minicv.weights.state_dicts import WRAPPERS, state_dict_in
from minicv.weights.torch_pickle import MOST_BYTES, Storage, TensorView, read_pickle

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_FREE_BYTES = 256 * 1024 * 1024
Reader = Callable[[Storage], np.ndarray]


def read_torch_file(path: str | Path) -> dict[str, np.ndarray]:
    """The state_dict in a ``.pth`` file, by name, as NumPy arrays of their stored dtypes.

    Of a training's checkpoint, such as ``{"epoch": 3, "state_dict": {...}, "optimizer": {...}}``,
    the dictionary of tensors is taken: the one under the first of `WRAPPERS`, or the only one.

    bfloat16, which NumPy lacks, becomes float32. A tensor that repeats its numbers (``expand``)
    becomes an array of its full size.

    Raises:
        WeightsError: the file is missing, no PyTorch file, cut short, holds anything but a
            dictionary of tensors (quantised and sparse ones are none), names a function that a
            state_dict does not need, or would take far more memory than the file itself.

    >>> read_torch_file("no-such-file.pth")
    Traceback (most recent call last):
        ...
    minicv.weights.errors.WeightsError: no-such-file.pth: no such file
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")
    try:
        size = path.stat().st_size
        refuse_foreign(path)
        refuse_safetensors(path)
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return _arrays(*_read_zip(archive), size)
        with path.open("rb") as file:
            return _arrays(*_read_legacy(file, size), size)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    except DAMAGE as error:
        reason = " ".join(str(error).split())
        reason = f"{type(error).__name__}: {reason:.200}"
        raise WeightsError(f"{path}: not a readable PyTorch file of tensors ({reason})") from None


def _read_legacy(file: BinaryIO, file_size: int) -> tuple[Any, Reader]:
    if read_pickle(file)[0] != _MAGIC_NUMBER:
        raise WeightsError("not a PyTorch file (its first number is not PyTorch's)")
    for _ in ("protocol version", "system facts"):
        read_pickle(file)
    found, storages = read_pickle(file)
    keys, _ = read_pickle(file)
    contents: dict[str, np.ndarray] = {}
    for key in keys:
        storage = storages.get(str(key))
        length = int.from_bytes(file.read(8), "little")
        if storage is None or storage.length != length:
            raise WeightsError(f"storage {key!r:.40}: length {length} does not fit its description")
        if length > file_size:
            raise WeightsError(f"cut short: storage {key!r:.40} has {length} numbers")
        # In this layout the numbers are little-endian on every computer.
        contents[storage.key] = _numbers(file, storage, "<")
    return found, lambda storage: contents[storage.key]


def _read_zip(archive: zipfile.ZipFile) -> tuple[Any, Reader]:
    names = set(archive.namelist())
    pickles = [name for name in names if name.endswith("/data.pkl") or name == "data.pkl"]
    if len(pickles) != 1:
        raise WeightsError("a zip file, but not one that PyTorch wrote (no data.pkl)")
    folder = pickles[0].removesuffix("data.pkl")
    order = "<"
    if f"{folder}byteorder" in names:
        with archive.open(f"{folder}byteorder") as member:
            order = {b"little": "<", b"big": ">"}[member.read(16).strip()]
    contents: dict[str, np.ndarray] = {}

    def read(storage: Storage) -> np.ndarray:
        if storage.key not in contents:
            with archive.open(f"{folder}data/{storage.key}") as member:
                contents[storage.key] = _numbers(member, storage, order)
        return contents[storage.key]

    with archive.open(pickles[0]) as member:
        return read_pickle(io.BytesIO(member.read(MOST_BYTES)))[0], read


def _numbers(file: Any, storage: Storage, order: str) -> np.ndarray:
    """The numbers of a storage, which is where ``file`` stands."""
    half = storage.dtype == "bfloat16"
    dtype = np.dtype(order + ("u2" if half else storage.dtype))
    wanted = storage.length * dtype.itemsize
    if dtype.kind == "V" and order == ">":
        raise WeightsError("bytes of a big-endian computer whose dtype is not said")
    if wanted < 0:
        raise WeightsError(f"storage {storage.key}: a negative length")
    raw = file.read(wanted)
    if len(raw) < wanted:
        raise WeightsError(f"cut short: storage {storage.key} has {len(raw)} of {wanted} bytes")
    numbers = np.frombuffer(raw, dtype, storage.length)
    if half:  # bfloat16 is the upper half of a float32
        return (numbers.astype(np.uint32) << 16).view(np.float32)
    return numbers.astype(dtype.newbyteorder("="), copy=False)


def _arrays(found: Any, read: Reader, file_size: int) -> dict[str, np.ndarray]:
    """The arrays of the dictionary of tensors in what the file describes."""
    views = state_dict_in(found, TensorView)
    left = 4 * file_size + _FREE_BYTES
    seen: set[str] = set()
    for name, view in views.items():
        if min((view.offset, view.storage.length, *view.size, *view.stride)) < 0:
            raise WeightsError(f"entry {name!r:.80}: a negative length, offset or stride")
        left -= math.prod(view.size) * _itemsize(view.dtype)
        if view.storage.key not in seen:
            seen.add(view.storage.key)
            left -= view.storage.length * _itemsize(view.storage.dtype)
        if left < 0:
            raise WeightsError(
                f"entry {name!r:.80}: size {view.size} takes far more memory than the file, which "
                f"has {file_size:,} bytes; it may be malicious"
            )
    return {name: _array(name, view, read) for name, view in views.items()}


def _itemsize(dtype: str) -> int:
    return 4 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def _array(name: str, view: TensorView, read: Reader) -> np.ndarray:
    if 0 in view.size:
        return np.empty(view.size, _native(view.dtype))
    numbers = read(view.storage)
    if view.dtype != view.storage.dtype:  # a storage of bytes
        itemsize = np.dtype(view.dtype).itemsize
        numbers = numbers[: numbers.size // itemsize * itemsize].view(view.dtype)
    # Compared with the array in hand, not with what the file says of it.
    last = view.offset + sum((n - 1) * s for n, s in zip(view.size, view.stride, strict=True))
    if last >= numbers.size:
        raise WeightsError(
            f"entry {name!r:.80}: size {view.size} with the stride {view.stride} looks beyond the "
            f"end of its storage of {numbers.size} numbers"
        )
    strides = tuple(s * numbers.itemsize for s in view.stride)
    strided = np.lib.stride_tricks.as_strided(numbers[view.offset :], view.size, strides)
    array = strided.copy(order="C")
    if view.change == "conj":
        np.conjugate(array, out=array)
    elif view.change == "neg":
        np.negative(array, out=array)
    return array


def _native(dtype: str) -> np.dtype:
    return np.dtype("f4" if dtype == "bfloat16" else dtype)


__all__ = ["WRAPPERS", "read_torch_file"]
