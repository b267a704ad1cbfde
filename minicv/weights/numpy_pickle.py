"""Reads a ``.pkl`` of NumPy arrays, as detectron2 and Caffe2's Detectron publish them.

Such a file is a pickle of ``{"model": {name: array}, "__author__": ...}``, of ``{"blobs": {name:
array}, "cfg": ...}``, or of the arrays alone. `PickleMachine` reads it without running it. Of
NumPy's functions the machine here knows those that make an array of a dtype, a shape and bytes.
Python 2 wrote the bytes as a string, Python 3 writes them as bytes, or as a text that is to be
encoded in latin-1.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minicv.weights.errors import DAMAGE, WeightsError
from minicv.weights.foreign_files import refuse_foreign, refuse_safetensors
from minicv.weights.pickle_machine import MOST_ARGUMENTS, Name, PickleMachine, run_pickle, whole
from minicv.weights.state_dicts import state_dict_in

_MULTIARRAY = {f"numpy.{core}.multiarray" for core in ("core", "_core")}
_NUMERIC = {f"numpy.{core}.numeric" for core in ("core", "_core")}
_KINDS = re.compile(r"([fiubc])(\d{1,2})")
_MOST_AXES = 32
# Beyond the size of the file: several arrays may be made of the same bytes, but that has an end.
_TIMES, _FREE_BYTES = 4, 256 * 1024 * 1024
_MOMENTUM = "_momentum"  # of the optimizer, beside each of Caffe2's blobs


def read_numpy_pickle(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of a pickle by name; nothing in it is executed.

    Of a dictionary such as ``{"model": {...}, "__author__": "..."}`` the dictionary of arrays is
    taken, see `minicv.weights.state_dicts.state_dict_in`. Caffe2's momenta are left out.

    Raises:
        WeightsError: there is no such file, it is damaged or cut short, is no pickle of arrays of
            numbers, names a function that such a pickle does not need, or would take far more
            memory than it has bytes.

    >>> import pickle, tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.pkl"
    >>> _ = file.write_bytes(pickle.dumps({"model": {"w": np.ones((2, 3))}, "__author__": "me"}, 4))
    >>> read_numpy_pickle(file)["w"].shape
    (2, 3)
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")
    try:
        refuse_foreign(path)
        refuse_safetensors(path)
        size = path.stat().st_size
        with path.open("rb") as file:
            found = run_pickle(file, _ArrayMachine(), size + 1)
        views = state_dict_in(found, _Array, "array")
        return _arrays({n: v for n, v in views.items() if not n.endswith(_MOMENTUM)}, size)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    except DAMAGE as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split()):.200}"
        raise WeightsError(
            f"{path}: not a readable pickle of arrays, or cut short ({reason})"
        ) from None


class _Type:
    """A dtype: its code, such as f4, and its byte order."""

    def __init__(self, code: Any) -> None:
        if not isinstance(code, (str, bytes)) or len(code) > 10:
            raise TypeError("a dtype without a code")
        self.code = code.decode("latin-1") if isinstance(code, bytes) else code
        self.order = "|"
        self.plain = True

    def set(self, state: Any) -> None:
        """(version, order, subarray, names, fields, ...)"""
        if not isinstance(state, tuple) or len(state) < 5:
            raise TypeError("a dtype whose state is no tuple")
        order = state[1].decode("latin-1") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "="):
            raise TypeError("a dtype of an unknown byte order")
        self.order, self.plain = order, state[2:5] == (None, None, None)


class _Text(NamedTuple):
    """Bytes that stand in the file as a text."""

    text: str


class _View(NamedTuple):
    dtype: _Type
    shape: tuple[int, ...]
    fortran: bool
    content: bytes | bytearray | str


class _Array:
    """An array; ``view`` is None as long as the program has not said what is in it."""

    view: _View | None = None

    def set(self, state: Any) -> None:
        """(version, shape, dtype, whether in Fortran's order, bytes)"""
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise TypeError("an array whose state is no tuple")
        shape, dtype, fortran, content = state[-4:]
        self.fill(content, dtype, shape, bool(fortran))

    def fill(self, content: Any, dtype: Any, shape: Any, fortran: bool) -> _Array:
        """What is in it; where it says nothing of the kind, an error."""
        if isinstance(content, _Text):
            content = content.text
        if not isinstance(dtype, _Type) or not isinstance(shape, tuple):
            raise TypeError("an array without a dtype or a shape")
        if len(shape) > _MOST_AXES:
            raise TypeError(f"an array of {len(shape)} axes")
        if isinstance(content, list):  # as of objects
            content = b""
        if not isinstance(content, (bytes, bytearray, str)):
            raise TypeError("an array without bytes")
        self.view = _View(dtype, tuple(map(whole, shape)), fortran, content)
        return self


class _ArrayMachine(PickleMachine):
    """Makes descriptions of arrays."""

    needs = "a dictionary of arrays"

    def check_name(self, module: str, name: str) -> None:
        """Raise unless a dictionary of arrays may name this."""
        if module.startswith("torch"):
            raise WeightsError(
                "it holds PyTorch's tensors as pickle.dump writes them; write them with torch.save"
            )
        own = (module in _NUMERIC and name == "_frombuffer") or (module, name) in _BYTES
        if not own:
            super().check_name(module, name)

    def called(self, function: Any, arguments: Any) -> Any:
        """The value that the call of a known function would give."""
        if not isinstance(function, Name) or not isinstance(arguments, tuple):
            raise TypeError("a call of what is no function")
        if len(arguments) > MOST_ARGUMENTS:
            raise TypeError(f"a call of {function.name:.40} with {len(arguments)} arguments")
        if function.module in _MULTIARRAY and function.name == "_reconstruct":
            return _Array()
        if function.module in _MULTIARRAY and function.name == "scalar":
            dtype, content = arguments
            return _Array().fill(content, dtype, (), False)
        if function.module in _NUMERIC:
            content, dtype, shape, order = arguments
            return _Array().fill(content, dtype, shape, order == "F")
        if function == ("numpy", "dtype"):
            return _Type(arguments[0])
        if function == ("_codecs", "encode"):
            text, encoding = arguments
            if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
                raise TypeError("a text that is not to be encoded in latin-1")
            return _Text(text)
        if function in _BYTES and arguments == ():
            return b""
        return super().called(function, arguments)

    def build(self) -> None:
        """The state of an array or a dtype."""
        if len(self.stack) > 1 and isinstance(self.stack[-2], (_Array, _Type)):
            state = self.stack.pop()
            self.stack[-1].set(state)
        else:
            super().build()


_BYTES = {("builtins", "bytes"), ("__builtin__", "bytes"), ("__builtin__", "str")}


def _arrays(views: dict[str, _Array], file_size: int) -> dict[str, np.ndarray]:
    left = _TIMES * file_size + _FREE_BYTES
    dtypes = {}
    for name, array in views.items():
        if array.view is None:
            raise WeightsError(f"entry {name!r:.80} is an array of which nothing is said")
        dtype = dtypes[name] = _dtype(name, array.view.dtype)
        view = array.view
        wanted = math.prod(view.shape) * dtype.itemsize
        if min(view.shape, default=0) < 0 or wanted != len(view.content):
            raise WeightsError(
                f"entry {name!r:.80} is said to be {dtype} {view.shape!r:.80}, but the file holds "
                f"{len(view.content):,} bytes of it"
            )
        left -= wanted
        if left < 0:
            raise WeightsError(
                f"its arrays take far more memory than the file, which has {file_size:,} bytes; it "
                "may be malicious"
            )
    return {name: _array(array.view, dtypes[name]) for name, array in views.items() if array.view}


def _dtype(name: str, found: _Type) -> np.dtype:
    if not found.plain or _KINDS.fullmatch(found.code) is None:
        raise WeightsError(
            f"entry {name!r:.80} holds something else than numbers (dtype {found.code!r:.20})"
        )
    return np.dtype(found.order + found.code)


def _array(view: _View, dtype: np.dtype) -> np.ndarray:
    content = view.content
    if isinstance(content, str):
        content = content.encode("latin-1")
    if dtype.kind == "b":
        numbers = np.frombuffer(content, np.uint8) != 0
    else:
        numbers = np.frombuffer(content, dtype).astype(dtype.newbyteorder("="))  # a copy
    return np.asarray(numbers.reshape(view.shape, order="F" if view.fortran else "C"), order="C")


__all__ = ["read_numpy_pickle"]
