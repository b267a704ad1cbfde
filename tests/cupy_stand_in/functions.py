"""CuPy's functions: NumPy's, with CuPy's refusals in front."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from cupy_stand_in.api import FUNCTIONS, NAMESPACES, unknown_keyword
from cupy_stand_in.array import host_values, ndarray, on_device
from cupy_stand_in.cuda import compute
from cupy_stand_in.synchronisation import synchronise

# Functions whose result has as many elements as some condition holds for, or whose work depends on
# the values; the host must know before it can go on.
_SYNCHRONISING = {
    *("argwhere", "bincount", "compress", "extract", "flatnonzero", "histogram", "intersect1d"),
    *("isin", "nonzero", "setdiff1d", "union1d", "unique"),
    *("linalg.cholesky", "linalg.inv", "linalg.solve", "linalg.lstsq", "linalg.svd"),
}
# Functions that take lengths and other numbers of the host, and where they also take arrays. A
# device number in the other places is converted through __index__, and so counted.
_ARRAYS_AT: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("arange", "empty", "eye", "identity", "linspace", "ones", "tri", "zeros"), ()),
    **dict.fromkeys(("broadcast_to", "repeat", "reshape", "roll", "tile"), (0,)),
    "full": (1,),
}
# Functions that make arrays, or are about types and shapes.
_NEED_NO_ARRAY = {
    *("arange", "empty", "eye", "full", "identity", "linspace", "ones", "tri", "zeros"),
    *("broadcast_shapes", "can_cast", "issubdtype", "isscalar", "min_scalar_type", "ndim"),
    *("promote_types", "result_type", "shape", "size"),
}
_SCATTER_TYPES = ("float16", "float32", "float64", "int32", "int64", "uint32", "uint64")


class DeviceFunction:
    """One function of CuPy, or one method of a universal function such as ``add.at``."""

    def __init__(self, name: str, function: Any) -> None:
        self._name = name
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._refuse(args, kwargs)
        if self._name in _SYNCHRONISING or (self._name == "where" and len(args) == 1):
            synchronise(self._name)
        if self._name in ("argsort", "sort"):
            kwargs["kind"] = "stable"
        out = kwargs.get("out")
        places = _ARRAYS_AT.get(self._name)
        host_args = [
            host_values(argument, self._name) if places is None or place in places else argument
            for place, argument in enumerate(args)
        ]
        host_kwargs = {key: host_values(value, self._name) for key, value in kwargs.items()}

        def run() -> Any:
            return self._function(*host_args, **host_kwargs)

        inputs = (*host_args, *host_kwargs.values())
        changes = out is not None or self._name.endswith(".at")
        result = compute(run, inputs, self._name, changes)
        if out is not None:
            return out
        if self._name in ("allclose", "array_equal"):  # CuPy leaves the answer on the device
            result = np.asarray(result)
        return on_device(result)

    def __getattr__(self, name: str) -> DeviceFunction:
        dotted = f"{self._name}.{name}"
        if dotted not in FUNCTIONS:
            raise AttributeError(f"cupy.{dotted} does not exist or does not work")
        return DeviceFunction(dotted, getattr(self._function, name))

    def _refuse(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise what CuPy would raise for these arguments."""
        refused = unknown_keyword(self._name, FUNCTIONS[self._name], kwargs)
        if refused:
            raise TypeError(refused)
        if isinstance(self._function, np.ufunc):
            for argument in args:
                if isinstance(argument, (list, tuple)):
                    raise TypeError(f"cupy.{self._name}: Unsupported type {type(argument)}")
        elif self._name not in _NEED_NO_ARRAY and not _any_device_array(args, kwargs):
            raise TypeError(f"cupy.{self._name}: expected a device array but got none")
        if self._name.endswith(".at"):
            types = ("int32", "uint32") if self._name == "subtract.at" else _SCATTER_TYPES
            if args[0].dtype.name not in types:
                raise TypeError(f"cupy.{self._name} does not support {args[0].dtype}")


class Namespace:
    """``linalg``, ``lib`` and ``lib.stride_tricks``."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return look_up(f"{self._name}.{name}")


def look_up(name: str) -> Any:
    """What ``cupy.name`` is here: a function, a namespace, or NumPy's own type or constant."""
    if name in NAMESPACES:
        return Namespace(name)
    if name not in FUNCTIONS:
        raise AttributeError(f"module 'cupy' has no attribute {name!r}")
    found: Any = np
    for part in name.split("."):
        found = getattr(found, part)
    if isinstance(found, ModuleType):
        raise AttributeError(
            f"cupy.{name} is not part of the stand-in; random numbers are drawn on the host, with "
            "one numpy.random.Generator, and moved"
        )
    return found if FUNCTIONS[name] is None else DeviceFunction(name, found)


def _any_device_array(args: Any, kwargs: dict[str, Any]) -> bool:
    return any(
        isinstance(value, ndarray)
        or (isinstance(value, (tuple, list)) and _any_device_array(value, {}))
        for value in (*args, *kwargs.values())
    )
