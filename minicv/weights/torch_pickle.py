"""Reads the pickles in a PyTorch file without running them.

A pickle is a program for a small machine with a stack. Python's own machine calls whatever function
the program names and writes into whatever object it made. The machine here knows only values:
numbers, strings, lists, dictionaries, and tensors as descriptions of where their numbers stand. It
calls nothing, so a hostile file can at most be wrong.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple, cast

from minicv.weights.errors import WeightsError

MOST_STEPS = 1_000_000  # of the program; a network of 1,000 tensors takes 30,000
MOST_BYTES = 32 * 1024 * 1024  # of the program
# What is used again and again must be short, or a short program could take for ever.
_LONGEST_KEY, _MOST_ARGUMENTS, _MOST_AXES = 10_000, 10, 64

# NumPy's dtype of each kind of storage, without its byte order.
STORAGES = {
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "HalfStorage": "f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
    "ComplexFloatStorage": "c8",
    "ComplexDoubleStorage": "c16",
    "UntypedStorage": "V1",  # bytes, whose tensors say their dtype
}
_DTYPES = {"uint16": "u2", "uint32": "u4", "uint64": "u8"}  # of tensors in an UntypedStorage
# Values beside the tensors of a training's checkpoint. They are not made: nothing looks at them.
_PASSED_OVER = {
    *(("argparse", "Namespace"), ("builtins", "complex"), ("builtins", "set"), ("torch", "device")),
    *(("builtins", "dict"), ("builtins", "int"), ("builtins", "float"), ("builtins", "list")),
    *(("builtins", "frozenset"), ("__builtin__", "dict"), ("__builtin__", "set")),
    *(("__builtin__", "int"), ("__builtin__", "float"), ("__builtin__", "list")),
    *(("numpy", "dtype"), ("numpy", "ndarray"), ("_codecs", "encode"), ("torch", "Tensor")),
    *((f"numpy.{core}.multiarray", made) for core in ("core", "_core") for made in
      ("scalar", "_reconstruct")),
    ("torch.nn.parameter", "Parameter"),
}  # fmt: skip
_REFUSED = {
    "_rebuild_qtensor": "a quantised tensor, which is not read; save model.dequantize() or floats",
    "_rebuild_sparse_tensor": "a sparse tensor, which is not read; save tensor.to_dense()",
    "_rebuild_sparse_csr_tensor": "a sparse tensor, which is not read; save tensor.to_dense()",
    "_rebuild_nested_tensor": "a nested tensor, which is not read",
    "_rebuild_meta_tensor_no_storage": "a tensor without numbers (of the device meta)",
}


class Storage(NamedTuple):
    """The numbers of one or more tensors, in the file under ``key``; ``length`` of them."""

    key: str
    dtype: str
    length: int


class TensorView(NamedTuple):
    """A tensor: where in a storage its numbers stand. ``change`` is "", "conj" or "neg"."""

    storage: Storage
    dtype: str
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    change: str = ""


class _Name(NamedTuple):
    """A function or class that the program names; nothing is imported."""

    module: str
    name: str


class _PassedOver:
    """The place of a value that is not made."""


class _Mark:
    """Where on the stack a row of values begins."""


_PLACE, _MARK = _PassedOver(), _Mark()


def read_pickle(file: BinaryIO) -> tuple[Any, dict[str, Storage]]:
    """The value that one pickle describes, and the storages that it names, by key.

    Args:
        file: stands at the beginning of a pickle; afterwards at its end.

    Raises:
        WeightsError: the program names a function that a dictionary of tensors does not need, or
            an operation that it does not need; or it is too long.
        ValueError, IndexError, TypeError, KeyError, EOFError: it is damaged.
    """
    machine = _Machine()
    steps = pickletools.genops(cast(BinaryIO, _Bounded(file, MOST_BYTES)))
    for operation, argument, _ in steps:
        machine.steps += 1
        if machine.steps > MOST_STEPS:
            raise WeightsError(f"its description takes more than {MOST_STEPS:,} steps")
        machine.step(operation.name, argument)
    return machine.stack.pop(), machine.storages


class _Bounded:
    """Reads no more of a file than so many bytes, whatever length the program claims."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file, self._left = file, most

    def read(self, count: int) -> bytes:
        if count > MOST_BYTES:
            raise WeightsError(f"a value in its description claims {count:,} bytes")
        return self._counted(self._file.read(min(count, self._left)))

    def readline(self) -> bytes:
        return self._counted(self._file.readline(self._left))

    def tell(self) -> int:
        return self._file.tell()

    def _counted(self, content: bytes) -> bytes:
        self._left -= len(content)
        if self._left <= 0:
            raise WeightsError(f"its description is longer than {MOST_BYTES:,} bytes")
        return content


class _Machine:
    """The stack, the values that the program keeps for later, and the storages it has named."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, Storage] = {}
        self.steps = 0

    def step(self, name: str, argument: Any) -> None:
        """One operation of the program."""
        if name in _PUSHED:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            self.stack.append(self._named(argument))
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            self.memo[int(argument)] = self.stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = self.stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            self.stack.append(self.memo[int(argument)])
        elif name in _OPERATIONS:
            _OPERATIONS[name](self)
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise WeightsError(
                f"refused: its description uses the operation {name}, which a dictionary of "
                "tensors does not need"
            )

    def since_mark(self) -> list[Any]:
        """Take the values above the last mark from the stack, and the mark."""
        row: list[Any] = []
        while (value := self.stack.pop()) is not _MARK:
            row.append(value)
        row.reverse()
        return row

    def _named(self, argument: str | None) -> _Name:
        if argument is None:
            name, module = self.stack.pop(), self.stack.pop()
        else:
            module, _, name = argument.partition(" ")
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("a name that is no string")
        _check_name(module, name)
        return _Name(module, name)

    def make_tuple(self, count: int | None = None) -> None:
        if count is None:
            row = self.since_mark()
        else:
            row = [self.stack.pop() for _ in range(count)][::-1]
        self.stack.append(tuple(row))

    def append(self, row: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, list):
            target.extend(row)
        elif target is not _PLACE:
            raise TypeError(f"values appended to a {type(target).__name__}")

    def set_items(self, row: list[Any]) -> None:
        target = self.stack[-1]
        if target is _PLACE:
            return
        if not isinstance(target, dict):
            raise TypeError(f"entries set in a {type(target).__name__}")
        for key, value in zip(row[::2], row[1::2], strict=True):
            target[_key(key)] = value

    def make_dictionary(self) -> None:
        row = self.since_mark()
        self.stack.append({})
        self.set_items(row)

    def build(self) -> None:
        """What would be written into an object; for a dictionary PyTorch's version numbers."""
        self.stack.pop()
        if not isinstance(self.stack[-1], (dict, _PassedOver)):
            raise WeightsError(
                "refused: the file writes into an object that is no dictionary; it may be malicious"
            )

    def reduce(self) -> None:
        """What would be a call."""
        arguments, function = self.stack.pop(), self.stack.pop()
        self.stack.append(_PLACE if function is _PLACE else self.called(function, arguments))

    def called(self, function: Any, arguments: Any) -> Any:
        """The value that the call of a known function would give."""
        if not isinstance(function, _Name) or not isinstance(arguments, tuple):
            raise TypeError("a call of what is no function")
        if len(arguments) > _MOST_ARGUMENTS:
            raise TypeError(f"a call of {function.name:.40} with {len(arguments)} arguments")
        if function == ("collections", "OrderedDict"):
            return self.ordered(*arguments)
        if function == ("torch._tensor", "_rebuild_from_type_v2"):
            inner, _type, its_arguments, _state = arguments
            return self.called(inner, its_arguments)
        known = _CALLS.get((function.module, function.name))
        if known is not None:
            return known(*arguments)
        if tuple(function) in _PASSED_OVER:
            return _PLACE
        raise TypeError(f"a call of {function.name:.40}")

    def ordered(self, pairs: Any = ()) -> dict[Any, Any]:
        """OrderedDict(), or OrderedDict([[key, value], ...]) as Python 2 writes it."""
        self.steps += len(pairs)
        entries = {}
        for key, value in pairs:
            entries[_key(key)] = value
        return entries

    def persistent(self) -> None:
        """A storage: ('storage', its kind, key, location, length) or one more."""
        identifier = self.stack.pop()
        if not isinstance(identifier, tuple) or len(identifier) > _MOST_ARGUMENTS:
            raise WeightsError("expected the storage of a tensor")
        kind, stored, key, _location, length, *more = identifier
        if kind != "storage" or not isinstance(stored, _Name) or stored.name not in STORAGES:
            raise WeightsError("expected the storage of a tensor")
        if more and more[0] is not None:
            raise WeightsError("a storage that is a part of another (PyTorch before 0.4); load "
                               "the file with PyTorch and save it again")  # fmt: skip
        storage = Storage(str(_key(key)), STORAGES[stored.name], _whole(length))
        if self.storages.setdefault(storage.key, storage) != storage:
            raise WeightsError(f"storage {storage.key:.40}: two descriptions")
        self.stack.append(storage)


_PUSHED = {
    *("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE"),
    *("BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": lambda: _PLACE,
    "MARK": lambda: _MARK,
}
_OPERATIONS: dict[str, Callable[[_Machine], Any]] = {
    "POP": lambda machine: machine.stack.pop(),
    "POP_MARK": _Machine.since_mark,
    "DUP": lambda machine: machine.stack.append(machine.stack[-1]),
    "TUPLE": _Machine.make_tuple,
    "TUPLE1": lambda machine: machine.make_tuple(1),
    "TUPLE2": lambda machine: machine.make_tuple(2),
    "TUPLE3": lambda machine: machine.make_tuple(3),
    "LIST": lambda machine: machine.stack.append(machine.since_mark()),
    "DICT": _Machine.make_dictionary,
    "APPEND": lambda machine: machine.append([machine.stack.pop()]),
    "APPENDS": lambda machine: machine.append(machine.since_mark()),
    "ADDITEMS": lambda machine: machine.append(machine.since_mark()),
    "SETITEM": lambda machine: machine.set_items([machine.stack.pop(), machine.stack.pop()][::-1]),
    "SETITEMS": lambda machine: machine.set_items(machine.since_mark()),
    "BUILD": _Machine.build,
    "REDUCE": _Machine.reduce,
    "NEWOBJ": _Machine.reduce,
    "BINPERSID": _Machine.persistent,
}


def _check_name(module: str, name: str) -> None:
    """Raise unless a dictionary of tensors, or a training's checkpoint, may name this."""
    if (module, name) in _PASSED_OVER or (module, name) in _CALLS:
        return
    if module in ("torch", "torch.storage") and (name in STORAGES or name in _DTYPES):
        return
    if module == "torch" and name.startswith(("float", "int", "uint8", "bool", "bfloat16")):
        return  # a dtype beside the tensors
    if module == "torch._utils" and name in _REFUSED:
        raise WeightsError(f"it holds {_REFUSED[name]}")
    if module.startswith("torch") and name.startswith(("QInt", "QUInt", "Float8")):
        raise WeightsError(
            f"it holds numbers of the kind {name:.40}, which are not read; save floats"
        )
    if module.startswith("__torch__"):
        raise WeightsError(
            "it is a TorchScript archive; save torch.jit.load(file).state_dict() instead"
        )
    raise WeightsError(
        f"refused: the file asks for {module:.80}.{name:.80}, which a dictionary of tensors does "
        "not need; it may be malicious, or a whole pickled model: save model.state_dict() instead"
    )


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> TensorView:
    """`_rebuild_tensor_v2`: of the rest, the last may say that the numbers are to be changed."""
    return _view(storage, offset, size, stride, None, rest[2] if len(rest) > 2 else None)


def _tensor_of_dtype(
    storage: Any, offset: Any, size: Any, stride: Any, _grad: Any, _hooks: Any, dtype: Any,
    changes: Any = None,
) -> TensorView:  # fmt: skip
    """`_rebuild_tensor_v3`, of PyTorch's newest dtypes, in storages without a dtype."""
    if not isinstance(dtype, _Name) or dtype.name not in _DTYPES:
        name = dtype.name if isinstance(dtype, _Name) else "?"
        raise WeightsError(f"it holds a tensor of the dtype {name:.40}, which is not read")
    return _view(storage, offset, size, stride, _DTYPES[dtype.name], changes)


def _view(
    storage: Any, offset: Any, size: Any, stride: Any, dtype: str | None, changes: Any
) -> TensorView:
    if not isinstance(storage, Storage):
        raise TypeError(f"a tensor in a {type(storage).__name__}")
    if not isinstance(size, tuple) or not isinstance(stride, tuple) or len(size) != len(stride):
        raise TypeError("a tensor whose size and stride do not fit")
    if len(size) > _MOST_AXES:
        raise WeightsError(f"a tensor of {len(size)} axes")
    asked = [name for name in ("conj", "neg") if isinstance(changes, dict) and changes.get(name)]
    if len(asked) > 1:
        raise WeightsError("a tensor that is both conjugated and negated when it is read")
    return TensorView(
        storage, dtype or storage.dtype, _whole(offset), tuple(map(_whole, size)),
        tuple(map(_whole, stride)), "".join(asked),
    )  # fmt: skip


# What stands for a call of each function. (The machine itself answers for the first and the last.)
_CALLS: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): dict,
    ("collections", "defaultdict"): lambda *_: {},
    ("collections", "Counter"): lambda *_: {},
    ("torch", "Size"): lambda size=(): size,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _tensor_of_dtype,
    ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
    ("torch._utils", "_rebuild_parameter_with_state"): lambda tensor, *_: tensor,
    ("torch._tensor", "_rebuild_from_type_v2"): lambda *_: None,
}


def _whole(number: Any) -> int:
    """A number that NumPy can take; whether it fits its storage is looked at later."""
    if type(number) is not int or abs(number) >= 2**62:
        raise WeightsError(f"a length or an offset is a {type(number).__name__}, or out of range")
    return number


def _key(key: Any) -> Any:
    """A key of a dictionary: a short string or a number."""
    short = isinstance(key, (str, bytes)) and len(key) <= _LONGEST_KEY
    number = isinstance(key, float) or (isinstance(key, int) and abs(key) < 2**62)
    if not (short or number or key is None):
        raise WeightsError(f"a dictionary has a {type(key).__name__} for a key, or a long one")
    return key


def first_value(content: bytes) -> Any:
    """The value of one pickle in memory.

    >>> import pickle
    >>> first_value(pickle.dumps({"epoch": 3, "best": [0.5, None]}))
    {'epoch': 3, 'best': [0.5, None]}
    """
    return read_pickle(io.BytesIO(content))[0]


__all__ = ["MOST_BYTES", "STORAGES", "Storage", "TensorView", "first_value", "read_pickle"]
