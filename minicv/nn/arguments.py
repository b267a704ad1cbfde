"""The arguments of layers: checked when the layer is made, not when it first runs."""

from __future__ import annotations

import operator
from typing import Any

from minicv.functional.arguments import as_number


def as_count(layer: str, argument: str, value: Any, least: int | None = 1) -> int:
    """A number of channels, features or groups, as a Python int.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is less than ``least``; None leaves that check out.

    >>> as_count("Conv2d", "in_channels", "3")
    Traceback (most recent call last):
    TypeError: Conv2d: in_channels must be a whole number but is '3'
    """
    try:
        count = operator.index(value)
    except TypeError:
        shown = f"a {type(value).__name__}" if hasattr(value, "shape") else repr(value)
        raise TypeError(f"{layer}: {argument} must be a whole number but is {shown}") from None
    if least is not None and count < least:
        raise ValueError(f"{layer}: {argument} must be at least {least} but is {count}")
    return count


def as_option(layer: str, argument: str, value: Any) -> float:
    """A number such as eps or a slope, as a Python number; NumPy's would widen float32.

    >>> as_option("LeakyReLU", "negative_slope", None)
    Traceback (most recent call last):
    TypeError: LeakyReLU: negative_slope must be a number but is None
    """
    return as_number(layer, argument, value)
