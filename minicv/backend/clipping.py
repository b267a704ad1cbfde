"""ReLU and its kin: numbers clipped below 0 and above a ceiling, and the gradient behind that.

On the host large arrays are cut into blocks, for all cores and for the cache: a gradient takes
three or four passes, and what lies between them never leaves it.
"""

from __future__ import annotations

import math

import numpy as np

from minicv.backend.cpu.memory import scratch
from minicv.backend.device import Array, xp_of
from minicv.backend.parallel import parallel_for, split_evenly
from minicv.backend.selection import kept_where

BLOCK_ELEMENTS = 1 << 19  # finer blocks cost more to hand out than a nearer cache saves
LARGE = 1 << 20  # numbers that are worth a second thread
LEAKY_BLOCK, LEAKY_LARGE = 1 << 17, 1 << 18  # the same where there are twice as many passes


def clipped(x: Array, ceiling: float) -> Array:
    """min(max(x, 0), ceiling), with NaN where x is NaN.

    >>> clipped(np.array([-1.0, 2.0, 7.0]), 6.0).tolist()
    [0.0, 2.0, 6.0]
    """
    if not _is_large(x):
        return xp_of(x).clip(x, 0, ceiling)  # twice as fast as maximum(x, 0)
    y = np.empty(x.shape, x.dtype)
    numbers, results = x.reshape(-1), y.reshape(-1)

    def clip(part: slice) -> None:
        np.clip(numbers[part], 0, ceiling, out=results[part])

    parallel_for(clip, split_evenly(x.size, BLOCK_ELEMENTS))
    return y


def kept_inside(y: Array, ceiling: float, grad: Array) -> Array:
    """``grad`` where 0 < y < ceiling, else 0, also where it is infinite or NaN.

    Args:
        y: what `clipped` gave.
        ceiling: infinity for the usual ReLU.
        grad: of the shape of y.

    >>> kept_inside(np.array([0.0, 2.0, 6.0]), 6.0, np.array([np.inf, 1.0, np.nan])).tolist()
    [0.0, 1.0, 0.0]
    """
    if not (_is_large(y) and _is_large(grad) and y.shape == grad.shape):
        return kept_where(_inside(y, ceiling), grad)
    result = np.empty(grad.shape, grad.dtype)
    numbers, arriving, kept = y.reshape(-1), grad.reshape(-1), result.reshape(-1)

    def keep(part: slice) -> None:
        mask = scratch("clipping", (part.stop - part.start,), bool)
        np.greater(numbers[part], 0, out=mask)
        if ceiling < math.inf:
            mask &= numbers[part] < ceiling
        kept_where(mask, arriving[part], out=kept[part])

    parallel_for(keep, split_evenly(y.size, BLOCK_ELEMENTS))
    return result


def leaky(x: Array, slope: float) -> Array:
    """x where it is positive, else slope · x, for a slope in 0..1; NaN where x is NaN.

    >>> leaky(np.array([-2.0, 3.0]), 0.5).tolist()
    [-1.0, 3.0]
    """
    if not _is_large(x, LEAKY_LARGE):
        return xp_of(x).maximum(x, slope * x)  # x is the larger one where it is positive
    y = np.empty(x.shape, x.dtype)
    numbers, results = x.reshape(-1), y.reshape(-1)

    def leak(part: slice) -> None:
        np.multiply(numbers[part], slope, out=results[part])
        np.maximum(numbers[part], results[part], out=results[part])

    parallel_for(leak, split_evenly(x.size, LEAKY_BLOCK))
    return y


def leaky_gradient(x: Array, slope: float, grad: Array) -> Array:
    """``grad`` where x is positive, else slope · grad, for a slope above 0 and up to 1.

    Args:
        x: what `leaky` took.
        slope: of the negative side.
        grad: of the shape of x.

    >>> leaky_gradient(np.array([-2.0, 0.0, 3.0]), 0.5, np.array([1.0, 1.0, 1.0])).tolist()
    [0.5, 0.5, 1.0]
    """
    if not (_is_large(x, LEAKY_LARGE) and _is_large(grad, LEAKY_LARGE) and x.shape == grad.shape):
        positive = (x > 0).astype(grad.dtype)  # 0 or 1
        return grad * xp_of(x).clip(positive, slope, 1)
    result = np.empty(grad.shape, grad.dtype)
    numbers, arriving, passed = x.reshape(-1), grad.reshape(-1), result.reshape(-1)

    def leak(part: slice) -> None:
        mask = scratch("clipping", (part.stop - part.start,), bool)
        out = passed[part]
        out[...] = np.greater(numbers[part], 0, out=mask)  # 0 or 1
        np.clip(out, slope, 1, out=out)  # three times as fast as the maximum with a scalar
        np.multiply(out, arriving[part], out=out)

    parallel_for(leak, split_evenly(x.size, LEAKY_BLOCK))
    return result


def _inside(y: Array, ceiling: float) -> Array:
    inside = y > 0
    if ceiling < math.inf:
        inside &= y < ceiling
    return inside


def _is_large(array: Array, large: int = LARGE) -> bool:
    """Whether it is worth cutting: on the host, without gaps, of so many numbers."""
    return (
        type(array) is np.ndarray
        and array.size >= large
        and array.flags.c_contiguous
        and array.dtype.kind == "f"
    )
