"""What the pickles in a PyTorch file say of its tensors: where in the file their numbers stand."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

from minicv.weights.errors import WeightsError
from minicv.weights.pickle_machine import (
    MOST_ARGUMENTS,
    MOST_BYTES,
    Name,
    PickleMachine,
    run_pickle,
    short_key,
    whole,
)

_MOST_AXES = 64

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


def read_pickle(file: BinaryIO) -> tuple[Any, dict[str, Storage]]:
    """The value that one pickle describes, and the storages that it names, by key.

    Args:
        file: stands at the beginning of a pickle; afterwards at its end.

    Raises:
        WeightsError: the program names a function that a dictionary of tensors does not need, or
            an operation that it does not need; or it is too long.
        ValueError, IndexError, TypeError, KeyError, EOFError: it is damaged.
    """
    machine = _TorchMachine()
    found = run_pickle(file, machine)
    return found, machine.storages


class _TorchMachine(PickleMachine):
    """Makes descriptions of tensors, and keeps the storages that the program has named."""

    needs = "a dictionary of tensors"

    def __init__(self) -> None:
        super().__init__()
        self.storages: dict[str, Storage] = {}

    def called(self, function: Any, arguments: Any) -> Any:
        """The value that the call of a known function would give."""
        named = isinstance(function, Name)
        known = _CALLS.get((function.module, function.name)) if named else None
        if known is None or not isinstance(arguments, tuple) or len(arguments) > MOST_ARGUMENTS:
            return super().called(function, arguments)
        if function == ("torch._tensor", "_rebuild_from_type_v2"):
            inner, _type, its_arguments, _state = arguments
            return self.called(inner, its_arguments)
        return known(*arguments)

    def persistent(self) -> None:
        """A storage: ('storage', its kind, key, location, length) or one more."""
        identifier = self.stack.pop()
        if not isinstance(identifier, tuple) or len(identifier) > MOST_ARGUMENTS:
            raise WeightsError("expected the storage of a tensor")
        kind, stored, key, _location, length, *more = identifier
        if kind != "storage" or not isinstance(stored, Name) or stored.name not in STORAGES:
            raise WeightsError("expected the storage of a tensor")
        if more and more[0] is not None:
            raise WeightsError("a storage that is a part of another (PyTorch before 0.4); load "
                               "the file with PyTorch and save it again")  # fmt: skip
        storage = Storage(str(short_key(key)), STORAGES[stored.name], whole(length))
        if self.storages.setdefault(storage.key, storage) != storage:
            raise WeightsError(f"storage {storage.key:.40}: two descriptions")
        self.stack.append(storage)

    def check_name(self, module: str, name: str) -> None:
        """Raise unless a dictionary of tensors, or a training's checkpoint, may name this."""
        if (module, name) in _CALLS:
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
        super().check_name(module, name)


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> TensorView:
    """`_rebuild_tensor_v2`: of the rest, the last may say that the numbers are to be changed."""
    return _view(storage, offset, size, stride, None, rest[2] if len(rest) > 2 else None)


def _tensor_of_dtype(
    storage: Any, offset: Any, size: Any, stride: Any, _grad: Any, _hooks: Any, dtype: Any,
    changes: Any = None,
) -> TensorView:  # fmt: skip
    """`_rebuild_tensor_v3`, of PyTorch's newest dtypes, in storages without a dtype."""
    if not isinstance(dtype, Name) or dtype.name not in _DTYPES:
        name = dtype.name if isinstance(dtype, Name) else "?"
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
        storage, dtype or storage.dtype, whole(offset), tuple(map(whole, size)),
        tuple(map(whole, stride)), "".join(asked),
    )  # fmt: skip


# What stands for a call of each function. (The machine itself answers for the last.)
_CALLS: dict[tuple[str, str], Callable[..., Any]] = {
    ("torch", "Size"): lambda size=(): size,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _tensor_of_dtype,
    ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
    ("torch._utils", "_rebuild_parameter_with_state"): lambda tensor, *_: tensor,
    ("torch._tensor", "_rebuild_from_type_v2"): lambda *_: None,
}


def first_value(content: bytes) -> Any:
    """The value of one pickle in memory.

    >>> import pickle
    >>> first_value(pickle.dumps({"epoch": 3, "best": [0.5, None]}))
    {'epoch': 3, 'best': [0.5, None]}
    """
    return read_pickle(io.BytesIO(content))[0]


__all__ = ["MOST_BYTES", "STORAGES", "Storage", "TensorView", "first_value", "read_pickle"]
