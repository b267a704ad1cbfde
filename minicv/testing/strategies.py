"""Hypothesis strategies for arrays, shapes and boxes: distinct sizes, odd layouts, no ties.

Values come from a seeded generator, not element by element: a failing example then shrinks in its
shape and options, which is what one reads, and drawing is fast.
"""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import DTypeLike

Shape = tuple[int, ...]


def shapes(
    min_dims: int = 1, max_dims: int = 4, max_side: int = 5, allow_empty: bool = False
) -> st.SearchStrategy[Shape]:
    """Shapes of ``min_dims`` to ``max_dims`` axes with sides up to ``max_side``."""
    side = st.integers(0 if allow_empty else 1, max_side)
    return st.lists(side, min_size=min_dims, max_size=max_dims).map(tuple)


def distinct_sizes(count: int, low: int = 1, high: int = 7) -> st.SearchStrategy[Shape]:
    """``count`` different whole numbers in low..high, so that swapped axes are noticed."""
    sizes = st.lists(st.integers(low, high), min_size=count, max_size=count, unique=True)
    return sizes.map(tuple)


def seeds() -> st.SearchStrategy[int]:
    """A seed for `numpy.random.default_rng`."""
    return st.integers(0, 2**31 - 1)


def arrays(
    shape: Shape | st.SearchStrategy[Shape],
    low: float = -2.0,
    high: float = 2.0,
    dtype: DTypeLike = np.float64,
) -> st.SearchStrategy[np.ndarray]:
    """Arrays with values uniform in low..high."""
    shape = shape if isinstance(shape, st.SearchStrategy) else st.just(shape)

    def draw(shape: Shape, seed: int) -> np.ndarray:
        return np.random.default_rng(seed).uniform(low, high, shape).astype(dtype)

    return st.builds(draw, shape, seeds())


def distinct_arrays(
    shape: Shape | st.SearchStrategy[Shape], scale: float = 1.0, dtype: DTypeLike = np.float64
) -> st.SearchStrategy[np.ndarray]:
    """Arrays within ±scale whose values all differ and stay away from zero.

    The values are a random permutation of evenly spaced steps plus a little noise, so any two are
    at least half a step apart: no tie for a maximum, no kink at zero.
    """
    shape = shape if isinstance(shape, st.SearchStrategy) else st.just(shape)

    def draw(shape: Shape, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        size = int(np.prod(shape))
        steps = rng.permutation(size) + rng.uniform(0.25, 0.75, size)
        values = scale * (2 * steps / max(size, 1) - 1)
        gap = 0.25 * scale / max(size, 1)
        values = np.where(np.abs(values) < gap, np.copysign(gap, values) + values, values)
        return values.reshape(shape).astype(dtype)

    return st.builds(draw, shape, seeds())


def layouts(array: np.ndarray) -> st.SearchStrategy[np.ndarray]:
    """The same values in other memory: C order, Fortran order, every second element, reversed.

    An array without axes has only one layout.
    """

    def in_c_order(a: np.ndarray) -> np.ndarray:
        return a.copy(order="C")

    def in_fortran_order(a: np.ndarray) -> np.ndarray:
        return a.copy(order="F")

    def every_second(a: np.ndarray) -> np.ndarray:
        wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
        wide[..., 1::2] = np.nan if a.dtype.kind in "fc" else 99  # must never be read
        wide[..., ::2] = a
        return wide[..., ::2]

    def reversed_rows(a: np.ndarray) -> np.ndarray:
        return a[::-1].copy(order="C")[::-1]

    makers = [in_c_order, in_fortran_order, every_second, reversed_rows]
    return st.sampled_from(makers if array.ndim else makers[:1]).map(lambda make: make(array))


def boxes(
    count: int | st.SearchStrategy[int], width: float = 32.0, height: float = 24.0
) -> st.SearchStrategy[np.ndarray]:
    """(count, 4) boxes x1, y1, x2, y2: proper, degenerate, on half pixels, and partly outside."""
    count = count if isinstance(count, st.SearchStrategy) else st.just(count)

    def draw(count: int, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        x = np.sort(rng.uniform(-0.25 * width, 1.25 * width, (count, 2)), axis=1)
        y = np.sort(rng.uniform(-0.25 * height, 1.25 * height, (count, 2)), axis=1)
        result = np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], axis=1)  # (count, 4)
        kind = rng.integers(0, 4, count)
        result[kind == 1] = np.floor(2 * result[kind == 1]) / 2
        result[kind == 2, 2] = result[kind == 2, 0]
        return result

    return st.builds(draw, count, seeds())
