"""Reads pickles without running them.

A pickle is a program for a small machine with a stack. Python's own machine calls whatever function
the program names and writes into whatever object it made. The machine here knows only values:
numbers, strings, lists and dictionaries, and what a subclass makes of the few names that its kind
of file needs. It calls nothing, so a hostile file can at most be wrong.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple, NoReturn, cast

from minicv.weights.errors import WeightsError

MOST_STEPS = 1_000_000  # of the program; a network of 1,000 tensors takes 30,000
MOST_BYTES = 32 * 1024 * 1024  # of the program
# What is used again and again must be short, or a short program could take for ever.
_LONGEST_KEY, MOST_ARGUMENTS = 10_000, 10

# Values beside the arrays of a training's checkpoint. They are not made: nothing looks at them.
PASSED_OVER = {
    *(("argparse", "Namespace"), ("builtins", "complex"), ("builtins", "set"), ("torch", "device")),
    *(("builtins", "dict"), ("builtins", "int"), ("builtins", "float"), ("builtins", "list")),
    *(("builtins", "frozenset"), ("__builtin__", "dict"), ("__builtin__", "set")),
    *(("__builtin__", "int"), ("__builtin__", "float"), ("__builtin__", "list")),
    *(("__builtin__", "long"), ("__builtin__", "bool"), ("__builtin__", "unicode")),
    *(("__builtin__", "tuple"), ("builtins", "tuple"), ("builtins", "bool"), ("builtins", "str")),
    *(("numpy", "dtype"), ("numpy", "ndarray"), ("_codecs", "encode"), ("torch", "Tensor")),
    *((f"numpy.{core}.multiarray", made) for core in ("core", "_core") for made in
      ("scalar", "_reconstruct")),
    ("torch.nn.parameter", "Parameter"),
}  # fmt: skip
_EMPTY = {
    ("collections", "OrderedDict"),
    ("collections", "defaultdict"),
    ("collections", "Counter"),
}


class Name(NamedTuple):
    """A function or class that the program names; nothing is imported."""

    module: str
    name: str


class PassedOver:
    """The place of a value that is not made."""


class _Mark:
    """Where on the stack a row of values begins."""


PLACE, _MARK = PassedOver(), _Mark()


def run_pickle(file: BinaryIO, machine: PickleMachine, most: int = MOST_BYTES) -> Any:
    """The value that one pickle describes.

    Args:
        file: stands at the beginning of a pickle; afterwards at its end.
        machine: knows the names that the program may use.
        most: bytes of the program.

    Raises:
        WeightsError: the program names a function or an operation that such a file does not need;
            or it is too long.
        ValueError, IndexError, TypeError, KeyError, EOFError: it is damaged.

    >>> import io, pickle
    >>> run_pickle(io.BytesIO(pickle.dumps({"epoch": 3})), PickleMachine())
    {'epoch': 3}
    """
    steps = pickletools.genops(cast(BinaryIO, _Bounded(file, most)))
    for operation, argument, _ in steps:
        machine.steps += 1
        if machine.steps > MOST_STEPS:
            raise WeightsError(f"its description takes more than {MOST_STEPS:,} steps")
        machine.step(operation.name, argument)
    return machine.stack.pop()


class _Bounded:
    """Reads no more of a file than so many bytes, whatever length the program claims."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file, self._left, self._most = file, most, most

    def read(self, count: int) -> bytes:
        if count > self._most:
            raise WeightsError(f"a value in its description claims {count:,} bytes")
        return self._counted(self._file.read(min(count, self._left)))

    def readline(self) -> bytes:
        return self._counted(self._file.readline(self._left))

    def tell(self) -> int:
        return self._file.tell()

    def _counted(self, content: bytes) -> bytes:
        self._left -= len(content)
        if self._left <= 0:
            raise WeightsError(f"its description is longer than {self._most:,} bytes")
        return content


class PickleMachine:
    """The stack, and the values that the program keeps for later; it knows no names.

    Attributes:
        needs: what is read, for the messages.
    """

    needs = "a dictionary of arrays"

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
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
                f"refused: its description uses the operation {name}, which {self.needs} does not "
                "need"
            )

    def since_mark(self) -> list[Any]:
        """Take the values above the last mark from the stack, and the mark."""
        row: list[Any] = []
        while (value := self.stack.pop()) is not _MARK:
            row.append(value)
        row.reverse()
        return row

    def _named(self, argument: str | None) -> Name:
        if argument is None:
            name, module = self.stack.pop(), self.stack.pop()
        else:
            module, _, name = argument.partition(" ")
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("a name that is no string")
        self.check_name(module, name)
        return Name(module, name)

    def _make_tuple(self, count: int | None = None) -> None:
        if count is None:
            row = self.since_mark()
        else:
            row = [self.stack.pop() for _ in range(count)][::-1]
        self.stack.append(tuple(row))

    def _append(self, row: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, list):
            target.extend(row)
        elif target is not PLACE:
            raise TypeError(f"values appended to a {type(target).__name__}")

    def _set_items(self, row: list[Any]) -> None:
        target = self.stack[-1]
        if target is PLACE:
            return
        if not isinstance(target, dict):
            raise TypeError(f"entries set in a {type(target).__name__}")
        for key, value in zip(row[::2], row[1::2], strict=True):
            target[short_key(key)] = value

    def _make_dictionary(self) -> None:
        row = self.since_mark()
        self.stack.append({})
        self._set_items(row)

    def build(self) -> None:
        """What would be written into an object; for a dictionary PyTorch's version numbers."""
        self.stack.pop()
        if not isinstance(self.stack[-1], (dict, PassedOver)):
            raise WeightsError(
                "refused: the file writes into an object that is no dictionary; it may be malicious"
            )

    def _reduce(self) -> None:
        """What would be a call."""
        arguments, function = self.stack.pop(), self.stack.pop()
        self.stack.append(PLACE if function is PLACE else self.called(function, arguments))

    def called(self, function: Any, arguments: Any) -> Any:
        """The value that the call of a known function would give."""
        if not isinstance(function, Name) or not isinstance(arguments, tuple):
            raise TypeError("a call of what is no function")
        if len(arguments) > MOST_ARGUMENTS:
            raise TypeError(f"a call of {function.name:.40} with {len(arguments)} arguments")
        if function == ("collections", "OrderedDict"):
            return self.ordered(*arguments)
        if tuple(function) in _EMPTY:
            return {}
        if tuple(function) in PASSED_OVER:
            return PLACE
        raise TypeError(f"a call of {function.name:.40}")

    def ordered(self, pairs: Any = ()) -> dict[Any, Any]:
        """OrderedDict(), or OrderedDict([[key, value], ...]) as Python 2 writes it."""
        self.steps += len(pairs)
        entries = {}
        for key, value in pairs:
            entries[short_key(key)] = value
        return entries

    def persistent(self) -> None:
        """What stands in the file beside the pickle."""
        raise WeightsError(f"refused: it names what stands beside it, which {self.needs} does not")

    def check_name(self, module: str, name: str) -> None:
        """Raise unless such a file may name this."""
        if (module, name) not in PASSED_OVER and (module, name) not in _EMPTY:
            self.refuse(module, name)

    def refuse(self, module: str, name: str) -> NoReturn:
        """The error of a name that no such file needs."""
        raise WeightsError(
            f"refused: the file asks for {module:.80}.{name:.80}, which {self.needs} does not "
            "need; it may be malicious, or a whole pickled model: save model.state_dict() instead"
        )


_PUSHED = {
    *("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE"),
    *("BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    "BYTEARRAY8",
}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": lambda: PLACE,
    "MARK": lambda: _MARK,
}
_OPERATIONS: dict[str, Callable[[PickleMachine], Any]] = {
    "POP": lambda machine: machine.stack.pop(),
    "POP_MARK": PickleMachine.since_mark,
    "DUP": lambda machine: machine.stack.append(machine.stack[-1]),
    "TUPLE": PickleMachine._make_tuple,
    "TUPLE1": lambda machine: machine._make_tuple(1),
    "TUPLE2": lambda machine: machine._make_tuple(2),
    "TUPLE3": lambda machine: machine._make_tuple(3),
    "LIST": lambda machine: machine.stack.append(machine.since_mark()),
    "DICT": PickleMachine._make_dictionary,
    "APPEND": lambda machine: machine._append([machine.stack.pop()]),
    "APPENDS": lambda machine: machine._append(machine.since_mark()),
    "ADDITEMS": lambda machine: machine._append(machine.since_mark()),
    "SETITEM": lambda machine: machine._set_items([machine.stack.pop(), machine.stack.pop()][::-1]),
    "SETITEMS": lambda machine: machine._set_items(machine.since_mark()),
    "BUILD": lambda machine: machine.build(),
    "REDUCE": PickleMachine._reduce,
    "NEWOBJ": PickleMachine._reduce,
    "BINPERSID": lambda machine: machine.persistent(),
}


def whole(number: Any) -> int:
    """A number that NumPy can take; whether it fits its storage is looked at later."""
    if type(number) is not int or abs(number) >= 2**62:
        raise WeightsError(f"a length or an offset is a {type(number).__name__}, or out of range")
    return number


def short_key(key: Any) -> Any:
    """A key of a dictionary: a short string or a number."""
    short = isinstance(key, (str, bytes)) and len(key) <= _LONGEST_KEY
    number = isinstance(key, float) or (isinstance(key, int) and abs(key) < 2**62)
    if not (short or number or key is None):
        raise WeightsError(f"a dictionary has a {type(key).__name__} for a key, or a long one")
    return key


__all__ = [
    "MOST_ARGUMENTS",
    "MOST_BYTES",
    "PASSED_OVER",
    "PLACE",
    "Name",
    "PickleMachine",
    "run_pickle",
    "short_key",
    "whole",
]
