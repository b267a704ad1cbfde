"""Exercise: bed-of-nails unpooling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv import reference
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Speed
from minicv.functional.unpool_bed_of_nails import unpool_bed_of_nails as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def unpool_bed_of_nails(x: np.ndarray, scale_factor: int) -> np.ndarray:
    """Zeros, and the values at every scale_factor-th row and column.

    >>> unpool_bed_of_nails(np.array([[[[1.0, 2.0]]]]), 2).tolist()
    [[[[1.0, 0.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]]
    """
    batch, channels, height, width = x.shape
    y = np.zeros((batch, channels, height * scale_factor, width * scale_factor), x.dtype)
    y[:, :, ::scale_factor, ::scale_factor] = x
    return y


def _twin(x: np.ndarray, scale_factor: int) -> np.ndarray:
    return reference.unpool_bed_of_nails(x, (scale_factor, scale_factor))


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
        {"x": 1.0 + np.arange(8.0).reshape(2, 2, 1, 2), "scale_factor": 2},
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
    name="unpool_bed_of_nails",
    title="bed-of-nails unpooling",
    example="03_four_upsamplings.py",
    chapter="05_upsampling.md",
    holes=(
        Hole(
            solution=unpool_bed_of_nails,
            twin=_twin,
            explained_by=explained,
            excerpt=("Forward: … elsewhere.", "====="),
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
        "Begin with an array of zeros that has the size of the result. In which corner of its "
        "block does a value stand?",
        "The value of row h and column w goes to row h * scale_factor and column w * scale_factor. "
        "Give the zeros the dtype of x.",
        "A slice with a step, ::scale_factor, names every scale_factor-th row of an array, and one "
        "can assign to it.",
    ),
)
