"""The slope of a function along a direction, by complex step or by differences.

The function is a sum, L = Σ_j t_j. Its terms are kept apart until their differences are taken: a
term that does not change adds no rounding error then, however great it is.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

Terms = Callable[[list[np.ndarray]], np.ndarray]  # arrays in, the terms of L, real or complex
COMPLEX_STEP = 1e-20
ROUNDING = 64 * float(np.finfo(np.float64).eps)  # of a result of several operations, relative
LADDER = 4.0 ** np.arange(-8, 8)  # steps of `best_difference`, as multiples of eps


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


class Slope(NamedTuple):
    """A slope, how far it may be off, and which terms it has seen move."""

    value: float
    error: float
    moved: np.ndarray


def central_difference(terms: Terms, ray: Ray, eps: float) -> Slope:
    """(L(x + eps v) - L(x - eps v)) / 2 eps; wrong by about eps² L''' and by rounding / eps.

    The ``error`` of the result is that of rounding alone.

    >>> ray = Ray([np.array([3.0])], 0, np.array([1.0]))
    >>> round(central_difference(lambda arrays: arrays[0] ** 2, ray, 1e-6).value, 6)
    6.0
    """
    with np.errstate(all="ignore"):
        right, left = terms(ray.at(eps)), terms(ray.at(-eps))
        moved = right != left
        value = float((right - left).sum()) / (2 * eps)
        return Slope(value, rounding(np.maximum(abs(right), abs(left)), moved) / (2 * eps), moved)


def best_difference(
    terms: Terms, ray: Ray, eps: float, known_to_move: np.ndarray | None = None
) -> Slope:
    """The most trustworthy of many central differences, over steps from eps / 65536 to 16384 eps.

    Long steps round little, short ones see no curvature and meet no kink. From two steps h and 4 h
    the error of second order is removed, R(h) = (16 D(h) - D(4 h)) / 15, and R(h) - R(4 h) says how
    good R(h) is. NaN where no step has a finite difference.

    Args:
        known_to_move: a mask of terms that do move, even if it is by less than their rounding.

    Source: Ridders 1982, Accurate computation of F'(x) and F'(x) F''(x).

    >>> ray = Ray([np.array([20.0])], 0, np.array([1.0]))
    >>> slope = best_difference(lambda arrays: 1 / (1 + np.exp(-arrays[0])), ray, 1e-6)
    >>> float(np.round(slope.value * 1e9, 2)), slope.error < 1e-11  # at 1 - 2.06e-9
    (2.06, True)
    """
    steps = eps * LADDER
    with np.errstate(all="ignore"):
        right = np.stack([terms(ray.at(float(step))) for step in steps])  # (steps, terms)
        left = np.stack([terms(ray.at(-float(step))) for step in steps])
        moved = (right != left).any(axis=0)
        if known_to_move is not None:
            moved |= known_to_move
        value = (right - left).sum(axis=1) / (2 * steps)
        refined = (16 * value[:-1] - value[1:]) / 15
        off = np.abs(refined[:-1] - refined[1:])
        size = np.maximum(abs(right), abs(left))
        off += 16 / 15 * np.array([rounding(each, moved) for each in size[:-2]]) / (2 * steps[:-2])
    off[~np.isfinite(off)] = np.inf
    best = int(off.argmin())
    return Slope(float(refined[best]), float(off[best]), moved)


def complex_step(terms: Terms, ray: Ray) -> Slope | None:
    """Im L(x + ihv) / h with h = 1e-20: no subtraction, hence exact to rounding.

    None where the forward cannot compute with complex numbers, or drops the imaginary part of all
    terms. A forward that drops it on the way, as ``x * abs(x)`` does, gives a wrong slope.

    Source: Squire & Trapp 1998, Using complex variables to estimate derivatives of real functions.

    >>> ray = Ray([np.array([3.0])], 0, np.array([1.0]))
    >>> complex_step(lambda arrays: arrays[0] ** 2, ray).value
    6.0
    >>> complex_step(lambda arrays: np.abs(arrays[0]), ray) is None
    True
    """
    arrays = [array.astype(np.complex128) for array in ray.at(1j * COMPLEX_STEP)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy warns when it discards an imaginary part
            value = terms(arrays)
    except Exception:  # whatever a forward raises that was never meant for complex numbers
        return None
    if not np.iscomplexobj(value):
        return None
    moved = value.imag != 0
    return Slope(float(value.imag.sum() / COMPLEX_STEP), rounding(abs(value), moved), moved)


def rounding(sizes: np.ndarray, moved: np.ndarray) -> float:
    """The rounding error of a sum of terms of these sizes, of which some have moved.

    Terms that have not moved add nothing; but where no term has, a movement may have been lost.

    >>> sizes = np.array([1e9, 1.0])
    >>> rounding(sizes, np.array([False, True])) < 1e-13 < rounding(sizes, np.array([False, False]))
    True
    """
    counted = sizes[moved] if moved.any() else sizes
    return ROUNDING * float(np.linalg.norm(counted))


def on_a_kink(terms: Terms, ray: Ray, eps: float) -> bool:
    """Whether the slopes to the right and to the left differ, and not because of curvature.

    The two differ by about eps L'' where L is smooth, ten times as much over a step ten times as
    long. At a kink they differ by the same jump over either step.

    >>> at_zero = Ray([np.array([0.0])], 0, np.array([1.0]))
    >>> on_a_kink(lambda arrays: np.abs(arrays[0]), at_zero, 1e-6)
    True
    >>> on_a_kink(lambda arrays: np.exp(300 * arrays[0]), at_zero, 1e-6)
    False
    """
    here = terms(ray.point)

    def jump(step: float) -> tuple[float, float, float]:
        """How far the two slopes differ; the greater slope; the rounding error of either."""
        right, left = terms(ray.at(step)), terms(ray.at(-step))
        to_right, to_left = (right - here).sum() / step, (here - left).sum() / step
        noise = rounding(np.maximum(abs(right), abs(left)), right != left) / step
        return abs(to_right - to_left), max(abs(to_right), abs(to_left)), noise

    with np.errstate(all="ignore"):
        difference, slope, noise = jump(eps)
        if not difference > 1e-4 * slope + noise:
            return False
        over_longer_step, _, _ = jump(10 * eps)
    return bool(abs(over_longer_step - 10 * difference) > 2 * difference)
