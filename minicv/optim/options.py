"""The options of optimizers and schedules: numbers, or a sentence that says what to write."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minicv.autograd import Tensor

HOW_TO_SCHEDULE = (
    "a schedule knows nothing of the optimizer: write e.g. StepLR(0.1, step_size=30), and call "
    "optimizer.set_lr(schedule.lr(step)) before each step"
)


def as_number(owner: str, option: str, value: Any, least: float = -math.inf) -> float:
    """``value`` as a Python number, finite and at least ``least``.

    NumPy's numbers become Python's: a float64 of NumPy would widen every float32 it meets.

    Raises:
        TypeError: it is no number.
        ValueError: it is too small, infinite or NaN.

    >>> as_number("SGD", "lr", np.float32(0.5), least=0)
    0.5
    >>> as_number("SGD", "lr", "0.1")
    Traceback (most recent call last):
    TypeError: SGD: lr must be a number but is '0.1'
    """
    if isinstance(value, (np.integer, np.floating)):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        hint = ""
        if hasattr(value, "lr") or hasattr(value, "param_groups"):
            hint = f"; {HOW_TO_SCHEDULE}"
        shown = f"a {type(value).__name__}" if hint or hasattr(value, "shape") else repr(value)
        raise TypeError(f"{owner}: {option} must be a number but is {shown}{hint}")
    if not least <= value < math.inf:
        limit = {-math.inf: "be finite", 0: "not be negative"}.get(least, f"be at least {least:g}")
        if least == 0 and not value < 0:
            limit = "be finite"
        raise ValueError(f"{owner}: {option} must {limit} but is {value}")
    return value


def as_whole_number(owner: str, option: str, value: Any, least: int) -> int:
    """``value`` as a Python int of at least ``least``.

    >>> as_whole_number("StepLR", "step_size", 2.5, least=1)
    Traceback (most recent call last):
    TypeError: StepLR: step_size must be a whole number but is 2.5
    """
    try:
        whole = operator.index(value)
    except TypeError:
        raise TypeError(f"{owner}: {option} must be a whole number but is {value!r}") from None
    if whole < least:
        limit = "not be negative" if least == 0 else f"be at least {least}"
        raise ValueError(f"{owner}: {option} must {limit} but is {whole}")
    return whole


def as_list(owner: str, params: Any) -> list[Any]:
    """What an optimizer is given, as a list of parameters or groups, not looked into.

    Raises:
        TypeError: a module, a single parameter, or what cannot be gone through.

    >>> as_list("SGD", Tensor([1.0]))
    Traceback (most recent call last):
    TypeError: SGD: params is a single Tensor; write [parameter], a list
    """
    if isinstance(params, Tensor):
        raise TypeError(
            f"{owner}: params is a single {type(params).__name__}; write [parameter], a list"
        )
    if callable(getattr(params, "parameters", None)):
        raise TypeError(
            f"{owner}: params is the module {type(params).__name__}; write model.parameters()"
        )
    if callable(params):
        raise TypeError(f"{owner}: params is a function; call it: model.parameters()")
    if isinstance(params, Mapping):
        advice = "[group], a list" if "params" in params else "model.parameters()"
        raise TypeError(f"{owner}: params is a dictionary; write {advice}")
    if isinstance(params, (str, bytes)) or not isinstance(params, Iterable):
        raise TypeError(
            f"{owner}: params must be parameters, such as model.parameters(), but is {params!r}"
        )
    return list(params)


def check_parameter(owner: str, parameter: Any, where: str = "params") -> None:
    """Refuse what an optimizer cannot change.

    >>> check_parameter("SGD", np.zeros(2))
    Traceback (most recent call last):
    TypeError: SGD: params has a ndarray among its parameters; pass e.g. model.parameters()
    """
    if isinstance(parameter, tuple):
        raise TypeError(
            f"{owner}: {where} has a tuple among its parameters; write model.parameters(), "
            "without names"
        )
    if not isinstance(parameter, Tensor):
        raise TypeError(
            f"{owner}: {where} has a {type(parameter).__name__} among its parameters; pass e.g. "
            "model.parameters()"
        )
    if parameter.dtype.kind != "f" or parameter.dtype.itemsize < 4:
        raise TypeError(
            f"{owner}: {where} has a parameter of {parameter.dtype}, in which small steps are "
            'rounded away; convert the model: model.astype("float32")'
        )
