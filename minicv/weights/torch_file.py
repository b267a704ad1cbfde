"""Read a PyTorch ``.pth`` file of tensors without PyTorch, building arrays and nothing else.

A pickle is a program: a hostile one may call any function that it can name. The unpickler here
knows the three things a state_dict is made of (an ordered dictionary, a storage, a tensor that
looks into a storage) and refuses every other name before anything of it runs.

Both layouts are read:

- legacy (PyTorch before 1.6): pickles for a magic number, a version, system facts, the state_dict
  and the list of storages; then the raw numbers of each storage, each led by its length;
- zip (since 1.6): ``NAME/data.pkl`` and a member ``NAME/data/KEY`` for each storage.
"""

from __future__ import annotations

import collections
import pickle
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from minicv.weights.errors import WeightsError

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_STORAGE_DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}


def read_torch_file(path: str | Path) -> dict[str, np.ndarray]:
    """The state_dict in a ``.pth`` file, by name, as NumPy arrays of their stored dtypes.

    Raises:
        WeightsError: the file is missing, no PyTorch file, cut short, holds anything but a
            dictionary of tensors, or names a function that a state_dict does not need.

    >>> read_torch_file("no-such-file.pth")
    Traceback (most recent call last):
        ...
    minicv.weights.errors.WeightsError: no-such-file.pth: no such file
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")
    try:
        if zipfile.is_zipfile(path):
            found, storages = _read_zip(path)
        else:
            with path.open("rb") as file:
                found, storages = _read_legacy(file)
        if not isinstance(found, dict):
            raise WeightsError(f"holds a {type(found).__name__}, expected a dictionary of tensors")
        return {name: _array(name, value, storages) for name, value in found.items()}
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    # A damaged pickle can fail in any of these ways inside the standard library.
    except (pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError, TypeError,
            AttributeError, MemoryError, OverflowError, zipfile.BadZipFile) as error:  # fmt: skip
        raise WeightsError(
            f"{path}: not a readable PyTorch file of tensors ({type(error).__name__}: {error})"
        ) from None


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: np.dtype
    length: int


@dataclass(frozen=True)
class _TensorView:
    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


def _rebuild_tensor(
    storage: Any, offset: int, size: Sequence[int], stride: Sequence[int], *_: Any
) -> _TensorView:
    return _TensorView(storage, offset, tuple(size), tuple(stride))


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
}


class _RestrictedUnpickler(pickle.Unpickler):
    """Builds dictionaries, numbers, strings and tensor views; remembers the storages they name."""

    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        if module == "torch" and name in _STORAGE_DTYPES:
            return np.dtype(_STORAGE_DTYPES[name])
        raise WeightsError(
            f"refused: the file asks for {module}.{name}, which a dictionary of tensors does not "
            "need; it may be malicious, or a whole pickled model: save model.state_dict() instead"
        )

    def persistent_load(self, identifier: Any) -> _Storage:
        kind, dtype, key, _location, length, *_ = identifier
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise WeightsError(f"expected a tensor storage but found {kind!r}")
        return self.storages.setdefault(str(key), _Storage(str(key), dtype, int(length)))


Reader = Callable[[_Storage], np.ndarray]


def _read_legacy(file: BinaryIO) -> tuple[Any, Reader]:
    if _RestrictedUnpickler(file).load() != _MAGIC_NUMBER:
        raise WeightsError("not a PyTorch file (its first number is not PyTorch's)")
    for _ in ("protocol version", "system facts"):
        _RestrictedUnpickler(file).load()
    unpickler = _RestrictedUnpickler(file)
    found = unpickler.load()
    contents: dict[str, np.ndarray] = {}
    for key in _RestrictedUnpickler(file).load():
        length = int.from_bytes(file.read(8), "little")
        storage = unpickler.storages.get(str(key))
        if storage is None or storage.length != length:
            raise WeightsError(f"storage {key}: length {length} does not fit its description")
        contents[storage.key] = _numbers(file.read(length * storage.dtype.itemsize), storage)
    return found, lambda storage: contents[storage.key]


def _read_zip(path: Path) -> tuple[Any, Reader]:
    archive = zipfile.ZipFile(path)
    pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise WeightsError("a zip file, but not one that PyTorch wrote (no data.pkl)")
    folder = pickles[0].removesuffix("data.pkl")
    contents: dict[str, np.ndarray] = {}

    def read(storage: _Storage) -> np.ndarray:
        if storage.key not in contents:
            contents[storage.key] = _numbers(archive.read(f"{folder}data/{storage.key}"), storage)
        return contents[storage.key]

    with archive.open(pickles[0]) as file:
        return _RestrictedUnpickler(file).load(), read


def _numbers(raw: bytes, storage: _Storage) -> np.ndarray:
    wanted = storage.length * storage.dtype.itemsize
    if len(raw) < wanted:
        raise WeightsError(f"cut short: storage {storage.key} has {len(raw)} of {wanted} bytes")
    return np.frombuffer(raw, storage.dtype, storage.length)


def _array(name: str, view: Any, read: Reader) -> np.ndarray:
    if not isinstance(view, _TensorView) or not isinstance(view.storage, _Storage):
        raise WeightsError(
            f"entry {name!r} is a {type(view).__name__}, expected a tensor; pass the state_dict "
            "alone, not a training checkpoint"
        )
    last = view.offset + sum((n - 1) * s for n, s in zip(view.size, view.stride, strict=True))
    count = int(np.prod(view.size))
    if min((view.offset, *view.size, *view.stride), default=0) < 0 or count > view.storage.length:
        raise WeightsError(f"entry {name!r}: size {view.size} does not fit its storage")
    if count and last >= view.storage.length:
        raise WeightsError(f"entry {name!r}: looks beyond the end of its storage")
    numbers = read(view.storage)
    strides = tuple(s * numbers.itemsize for s in view.stride)
    strided = np.lib.stride_tricks.as_strided(numbers[view.offset :], view.size, strides)
    return strided.copy(order="C")
