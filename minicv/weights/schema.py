"""Whether the values of a checkpoint's description have the types with which it was written."""

from __future__ import annotations

import math
import reprlib
import types
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from minicv.weights.errors import WeightsError

_NAMES = {
    bool: "true or false",
    int: "a whole number",
    float: "a finite number",
    Real: "a number",
    str: "a text",
    type(None): "none",
}


def check_value(path: str | Path, field: str, value: Any, hint: Any) -> Any:
    """``value`` as it came, if it `fits` the type ``hint``.

    Raises:
        WeightsError: it does not; names the file, the field, what it holds and what was expected.

    >>> check_value("a.npz", "epoch", float("nan"), int)
    Traceback (most recent call last):
        ...
    minicv.weights.errors.WeightsError: a.npz: its epoch is nan, expected a whole number
    """
    if not fits(value, hint):
        raise WeightsError(
            f"{path}: its {field} is {reprlib.repr(value)}, expected {_in_words(hint)}"
        )
    return value


def fits(value: Any, hint: Any) -> bool:
    """Whether a value that came out of JSON is of a type; a list stands for a tuple there.

    True is no number. NaN and infinity are numbers for ``numbers.Real``, but not for ``float``.

    >>> fits([1, 2], tuple[int, ...]), fits(True, int), fits(3, float), fits(None, int | None)
    (True, False, True, True)
    """
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in inner)
    if origin is list or (origin is tuple and inner[1:] == (...,)):
        return isinstance(value, (list, tuple)) and all(fits(one, inner[0]) for one in value)
    if origin is tuple:
        return (
            isinstance(value, (list, tuple))
            and len(value) == len(inner)
            and all(fits(one, wanted) for one, wanted in zip(value, inner, strict=True))
        )
    if origin is dict:
        return isinstance(value, Mapping) and all(
            fits(key, inner[0]) and fits(one, inner[1]) for key, one in value.items()
        )
    if hint is None or hint is type(None):
        return value is None
    if hint is Real:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is float:
        return _is_finite(value)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)


def _is_finite(value: Any) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of more digits than a float has
        return False


def _in_words(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_in_words(one) for one in inner)
    if origin is Literal:
        return "one of " + ", ".join(map(repr, inner))
    if origin is list or (origin is tuple and inner[1:] == (...,)):
        return f"a list, each item {_in_words(inner[0])}"
    if origin is tuple:
        return f"a list of {len(inner)}, each item {_in_words(inner[0])}"
    if origin is dict:
        return "an object of names and values"
    return _NAMES.get(hint, getattr(hint, "__name__", str(hint)))


__all__ = ["check_value", "fits"]
