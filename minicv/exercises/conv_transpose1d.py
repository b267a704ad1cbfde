"""Exercise: transposed convolution of one row, the lecture's example in one dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv.autograd import Tensor
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Speed
from minicv.functional.conv_transpose2d import conv_transpose2d as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def conv_transpose1d(x: np.ndarray, weight: np.ndarray, stride: int) -> np.ndarray:
    """All pixels' products with one tap of the kernel land ``stride`` apart.

    >>> conv_transpose1d(np.array([1.0, 10.0]), np.array([1.0, 2.0, 3.0]), 2).tolist()
    [1.0, 2.0, 13.0, 20.0, 30.0]
    """
    reach = stride * (len(x) - 1) + 1
    y = np.zeros(reach + len(weight) - 1, np.result_type(x, weight))
    for u, tap in enumerate(weight):
        y[u : u + reach : stride] += tap * x
    return y


def _twin(x: np.ndarray, weight: np.ndarray, stride: int) -> np.ndarray:
    y = np.zeros((len(x) - 1) * stride + len(weight))
    for i in range(len(x)):
        for u in range(len(weight)):
            y[i * stride + u] += weight[u] * x[i]
    return y


def _ours(x: np.ndarray, weight: np.ndarray, stride: int) -> Tensor:
    return explained(x[None, None, None], weight[None, None, None], stride=(1, stride))


CASES = (
    Case(
        "the lecture's example: a = 1, b = 10 stamp x, y, z = 1, 2, 3",
        {"x": np.array([1.0, 10.0]), "weight": np.array([1.0, 2.0, 3.0]), "stride": 2},
    ),
    Case(
        "stride 1: stamps overlap in all but one pixel",
        {"x": np.array([1.0, 10.0, 100.0]), "weight": np.array([1.0, 2.0]), "stride": 1},
    ),
    Case(
        "stride 3: gaps between the stamps",
        {"x": np.array([1.0, 10.0]), "weight": np.array([1.0, 2.0]), "stride": 3},
    ),
)


def _drawn() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import seeds

    def draw(length: int, taps: int, stride: int, seed: int) -> Arguments:
        rng = np.random.default_rng(seed)
        x, weight = (rng.integers(1, 10, n).astype(float) for n in (length, taps))
        return {"x": x, "weight": weight, "stride": stride}

    return st.builds(draw, st.integers(1, 5), st.integers(1, 4), st.integers(1, 4), seeds())


def _timed() -> Arguments:
    rng = np.random.default_rng(0)
    return {"x": rng.normal(size=20_000), "weight": rng.normal(size=4), "stride": 2}


EXERCISE = Exercise(
    name="conv_transpose1d",
    title="transposed convolution of one row",
    example="03_four_upsamplings.py",
    chapter="05_upsampling.md",
    holes=(
        Hole(
            solution=conv_transpose1d,
            twin=_twin,
            explained_by=explained,
            excerpt=("Stamps that … add.",),
            note="Here an image is one row x of W numbers and weight is one row of K numbers, "
            "without channels, bias or padding: y[i·stride + u] gets weight[u] · x[i] from every "
            "pixel i and every tap u, and y is (W - 1)·stride + K long.",
            cases=CASES,
            drawn=_drawn,
            speed=Speed(
                arguments=_timed,
                ours=_ours,
                why="a step of a loop in Python takes about a hundred nanoseconds, a product and a "
                "sum of whole rows of numbers less than one for each number.",
            ),
        ),
    ),
    hints=(
        "Draw it: the kernel as a stamp of K numbers. Pixel i multiplies the stamp by x[i] and "
        "sets it down at i * stride. How far does the last stamp reach?",
        "y = np.zeros((len(x) - 1) * stride + len(weight)), and y gets a slice of len(weight) "
        "numbers added for each i. Where stamps overlap they add: +=.",
        "y[i * stride : i * stride + len(weight)] += x[i] * weight, for each i.",
    ),
)
