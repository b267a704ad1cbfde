"""The slope of a function along a direction, by complex step or by central difference."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Loss = Callable[[list[np.ndarray]], Any]  # arrays in, one number out, real or complex
COMPLEX_STEP = 1e-20


@dataclass(frozen=True)
class Ray:
    """A point and a way to leave it: input ``index`` moves along ``direction``."""

    point: list[np.ndarray]
    index: int
    direction: np.ndarray

    def at(self, step: complex) -> list[np.ndarray]:
        """The point after ``step`` times the direction."""
        arrays = list(self.point)
        arrays[self.index] = arrays[self.index] + step * self.direction
        return arrays


def central_difference(loss: Loss, ray: Ray, eps: float) -> float:
    """(L(x + eps v) - L(x - eps v)) / 2 eps; wrong by about eps² L''' and by rounding / eps.

    >>> ray = Ray([np.array([3.0])], 0, np.array([1.0]))
    >>> round(central_difference(lambda arrays: float((arrays[0] ** 2).sum()), ray, 1e-6), 6)
    6.0
    """
    return float((loss(ray.at(eps)) - loss(ray.at(-eps))) / (2 * eps))


def complex_step(loss: Loss, ray: Ray) -> float | None:
    """Im L(x + ihv) / h with h = 1e-20: no subtraction, hence exact to rounding.

    None where the forward cannot compute with complex numbers, or drops the imaginary part.

    Source: Squire & Trapp 1998, Using complex variables to estimate derivatives of real functions.

    >>> ray = Ray([np.array([3.0])], 0, np.array([1.0]))
    >>> complex_step(lambda arrays: (arrays[0] ** 2).sum(), ray)
    6.0
    >>> complex_step(lambda arrays: np.abs(arrays[0]).sum(), ray) is None
    True
    """
    arrays = [array.astype(np.complex128) for array in ray.at(1j * COMPLEX_STEP)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy warns when it discards an imaginary part
            value = loss(arrays)
    except (TypeError, ValueError, Warning):
        return None
    return float(value.imag / COMPLEX_STEP) if np.iscomplexobj(value) else None


def on_a_kink(loss: Loss, ray: Ray, eps: float) -> bool:
    """Whether the slopes to the right and to the left differ, and not because of curvature.

    The two differ by about eps L'' where L is smooth, ten times as much over a step ten times as
    long. At a kink they differ by the same jump over either step.

    >>> at_zero = Ray([np.array([0.0])], 0, np.array([1.0]))
    >>> on_a_kink(lambda arrays: float(np.abs(arrays[0]).sum()), at_zero, 1e-6)
    True
    >>> on_a_kink(lambda arrays: float(np.exp(300 * arrays[0]).sum()), at_zero, 1e-6)
    False
    """

    def jump(step: float) -> tuple[float, float]:
        here = loss(ray.point)
        right = (loss(ray.at(step)) - here) / step
        left = (here - loss(ray.at(-step))) / step
        return abs(right - left), max(abs(right), abs(left))

    difference, slope = jump(eps)
    if difference <= 1e-4 * slope + 1e-6:
        return False
    over_longer_step, _ = jump(10 * eps)
    return bool(abs(over_longer_step - 10 * difference) > 2 * difference)
