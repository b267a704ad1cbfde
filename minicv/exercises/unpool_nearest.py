"""Exercise: nearest-neighbour unpooling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv import reference
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Speed
from minicv.functional.unpool_nearest import unpool_nearest as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def unpool_nearest(x: np.ndarray, scale_factor: int) -> np.ndarray:
    """Repeat rows, then columns.

    >>> unpool_nearest(np.array([[[[1.0, 2.0]]]]), 2).tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]
    """
    return x.repeat(scale_factor, axis=2).repeat(scale_factor, axis=3)


def _twin(x: np.ndarray, scale_factor: int) -> np.ndarray:
    return reference.unpool_nearest(x, (scale_factor, scale_factor))


CASES = (
    Case(
        "the lecture's example",
        {"x": np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), "scale_factor": 2},
    ),
    Case(
        "three times as large, not square",
        {"x": np.array([[[[1.0, 2.0, 3.0]]]]), "scale_factor": 3},
    ),
    Case(
        "two images of two channels",
        {"x": np.arange(8.0).reshape(2, 2, 1, 2), "scale_factor": 2},
    ),
)


def _drawn() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import distinct_sizes

    def draw(shape: tuple[int, ...], scale: int) -> Arguments:
        return {"x": 1.0 + np.arange(np.prod(shape)).reshape(shape), "scale_factor": scale}

    return st.builds(draw, distinct_sizes(4, high=5), st.integers(1, 4))


def _timed() -> Arguments:
    return {"x": np.random.default_rng(0).normal(size=(2, 8, 32, 32)), "scale_factor": 2}


EXERCISE = Exercise(
    name="unpool_nearest",
    title="nearest-neighbour unpooling",
    example="03_four_upsamplings.py",
    chapter="05_upsampling.md",
    holes=(
        Hole(
            solution=unpool_nearest,
            twin=_twin,
            explained_by=explained,
            excerpt=("Forward: … SW)].", "====="),
            note="Here scale_factor is one number, SH = SW.",
            cases=CASES,
            drawn=_drawn,
            speed=Speed(
                arguments=_timed,
                ours=explained,
                why="nothing is computed, so the time is that of writing the result: once, with "
                "many pixels at a time, or pixel by pixel.",
            ),
        ),
    ),
    hints=(
        "How large is the result, and which pixel of x does its pixel i, j lie in?",
        "y[n, c, i, j] = x[n, c, i // scale_factor, j // scale_factor]. Four loops do it; but an "
        "array can also be indexed by arrays of rows and columns.",
        "x.repeat(scale_factor, axis=2) repeats each row. What repeats each column?",
    ),
)
