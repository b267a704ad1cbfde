"""The device array: NumPy inside, CuPy's manners outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cupy_stand_in.api import METHODS, unknown_keyword
from cupy_stand_in.cuda import compute, is_capturing
from cupy_stand_in.synchronisation import synchronise


class ndarray:
    """An array that pretends to live on a device.

    It is no subclass of numpy.ndarray, so nothing of NumPy works on it by accident. Host arrays are
    refused wherever CuPy refuses them, and beyond: ``np.exp(device_array)``, which real CuPy would
    quietly run on the device, is an error here, because such a line says ``np`` where it should
    say ``xp``.
    """

    __slots__ = ("_host",)
    __hash__ = None
    __array_priority__ = 100  # `host + device` asks the device array

    def __init__(self, host: np.ndarray) -> None:
        self._host = host

    # What can be known without looking at a value.
    shape = property(lambda self: self._host.shape)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    dtype = property(lambda self: self._host.dtype)
    strides = property(lambda self: self._host.strides)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    flags = property(lambda self: self._host.flags)
    T = property(lambda self: ndarray(self._host.T))
    mT = property(lambda self: ndarray(np.swapaxes(self._host, -1, -2)))
    real = property(lambda self: ndarray(self._host.real))
    imag = property(lambda self: ndarray(self._host.imag))

    @property
    def base(self) -> ndarray | None:
        return None if self._host.base is None else ndarray(self._host.base)

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Iterator[ndarray]:
        return (ndarray(np.asarray(row)) for row in self._host)

    # No way to the host except by name.
    def __array__(self, *args: object, **kwargs: object) -> np.ndarray:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_ufunc__(self, ufunc: np.ufunc, *args: object, **kwargs: object) -> None:
        raise TypeError(
            f"numpy.{ufunc.__name__} was called on a device array, or a host array met one: "
            f"use xp.{ufunc.__name__} and arrays of one device"
        )

    def __array_function__(self, function: Any, *args: object) -> None:
        raise TypeError(
            f"numpy.{function.__name__} was called on a device array: use xp.{function.__name__}"
        )

    # Each of these waits for the device.
    def get(self) -> np.ndarray:
        synchronise("get")
        return self._host.copy()

    def item(self) -> Any:
        synchronise("item")
        return self._host.item()

    def tolist(self) -> Any:
        synchronise("tolist")
        return self._host.tolist()

    def __bool__(self) -> bool:
        synchronise("bool")
        return bool(self._host)

    def __float__(self) -> float:
        synchronise("float")
        return float(self._host)

    def __int__(self) -> int:
        synchronise("int")
        return int(self._host)

    def __complex__(self) -> complex:
        synchronise("complex")
        return complex(self._host)

    def __index__(self) -> int:
        synchronise("index")
        return self._host.__index__()

    def __repr__(self) -> str:
        synchronise("repr")
        return f"device {self._host!r}"

    def __getitem__(self, key: Any) -> ndarray:
        key = self._host_key(key)
        if any(_is_mask(part) for part in key):
            synchronise("boolean mask")
        inputs = (self._host, *key)
        return ndarray(np.asarray(compute(lambda: self._host[key], inputs)))

    def __setitem__(self, key: Any, value: Any) -> None:
        key = self._host_key(key)
        value = host_values(value, "array[index] = value")
        if any(_is_mask(part) for part in key):
            synchronise("assignment through a boolean mask")  # CuPy counts what the mask keeps
        elif not is_capturing() and any(isinstance(part, (np.ndarray, list)) for part in key):
            positions = np.arange(self._host.size).reshape(self._host.shape)[key]
            if np.unique(positions).size != positions.size:
                raise ValueError(
                    "array[index] = value with an index that occurs twice: which value stays is "
                    "undefined on a device"
                )
        compute(lambda: self._host.__setitem__(key, value), (), changes=True)

    def _host_key(self, key: Any) -> tuple[Any, ...]:
        parts = key if isinstance(key, tuple) else (key,)
        return tuple(host_values(part, "array[index]") for part in parts)


def host_values(argument: Any, where: str) -> Any:
    """What NumPy shall compute with in place of ``argument``. A host array is refused.

    Slices stay as they are: a device number in one is converted by NumPy through ``__index__``, and
    so counted.
    """
    if isinstance(argument, ndarray):
        return argument._host
    if isinstance(argument, np.ndarray):
        raise TypeError(
            f"{where}: Unsupported type <class 'numpy.ndarray'>: a host array came to the device; "
            "move it there with xp.asarray first"
        )
    if isinstance(argument, (tuple, list)):
        return type(argument)(host_values(part, where) for part in argument)
    return argument


def on_device(result: Any) -> Any:
    """NumPy's result as CuPy would give it: arrays wrapped, numbers as arrays without axes."""
    if isinstance(result, (np.ndarray, np.generic)):
        return ndarray(np.asarray(result))
    if isinstance(result, (tuple, list)):
        return tuple(on_device(part) for part in result)
    return result


def _is_mask(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype == bool


def _method(name: str) -> Any:
    """A method that CuPy's arrays have, on the NumPy array inside."""

    def method(self: ndarray, *args: Any, **kwargs: Any) -> Any:
        refused = unknown_keyword(f"ndarray.{name}", METHODS[name], kwargs)
        if refused:
            raise TypeError(refused)
        if name in ("nonzero", "compress", "choose"):
            synchronise(name)
        if name == "sort" or name == "argsort":
            kwargs["kind"] = "stable"
        if name != "reshape":  # its arguments are lengths, converted through __index__
            args = tuple(host_values(argument, name) for argument in args)
        out = kwargs.get("out")
        kwargs = {key: host_values(value, name) for key, value in kwargs.items()}

        def run() -> Any:
            return getattr(self._host, name)(*args, **kwargs)

        inputs = (self._host, *args, *kwargs.values())
        changes = out is not None or name in ("fill", "sort", "partition", "put", "itemset")
        result = compute(run, inputs, name, changes)
        if out is not None:
            return out
        return self if result is self._host else on_device(result)

    method.__name__ = name
    return method


def _operator(name: str, in_place: bool = False) -> Any:
    """An operator with another device array or a number."""

    def operator(self: ndarray, *other: Any) -> Any:
        for operand in other:
            if isinstance(operand, (list, tuple)):
                raise TypeError(f"{name}: Unsupported type {type(operand)}")
        values = host_values(other, name)
        inputs = (self._host, *values)
        result = compute(lambda: getattr(self._host, name)(*values), inputs, name, in_place)
        if result is NotImplemented:
            return NotImplemented
        return self if in_place else on_device(result)

    operator.__name__ = name
    return operator


for _name, _keywords in METHODS.items():
    if _keywords is not None and _name not in vars(ndarray):
        setattr(ndarray, _name, _method(_name))
_ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
_BITWISE = ("and", "or", "xor", "lshift", "rshift")
for _name in (*_ARITHMETIC, *_BITWISE):
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))
    setattr(ndarray, f"__r{_name}__", _operator(f"__r{_name}__"))
    setattr(ndarray, f"__i{_name}__", _operator(f"__i{_name}__", in_place=True))
for _name in ("lt", "le", "eq", "ne", "gt", "ge", "neg", "pos", "abs", "invert"):
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))
