"""Exercise: max pooling, with the positions of the maxima."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from minicv import reference
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Speed
from minicv.functional.max_pool2d import max_pool2d as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def max_pool2d(x: np.ndarray, kernel_size: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """All windows as a view; argmax takes the first of equal values.

    >>> x = np.array([[[[1.0, 2.0, 6.0, 3.0], [3.0, 5.0, 2.0, 1.0]]]])
    >>> maxima, indices = max_pool2d(x, 2, 2)
    >>> maxima.tolist(), indices.tolist()
    ([[[[5.0, 6.0]]]], [[[[5, 2]]]])
    """
    kernel = (kernel_size, kernel_size)
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]  # (N, C, OH, OW, KH, KW)
    taps = windows.reshape(*windows.shape[:4], -1)
    best = taps.argmax(axis=-1)  # (N, C, OH, OW): which of the KH·KW taps
    u, v = np.divmod(best, kernel_size)
    height, width = best.shape[2:]
    h = stride * np.arange(height)[:, None] + u
    w = stride * np.arange(width) + v
    return taps.max(axis=-1), h * x.shape[3] + w


def _twin(x: np.ndarray, kernel_size: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    return reference.max_pool2d(x, (kernel_size, kernel_size), (stride, stride))


LECTURE = np.array(
    [[[[1.0, 2.0, 6.0, 3.0], [3.0, 5.0, 2.0, 1.0], [1.0, 2.0, 2.0, 1.0], [7.0, 3.0, 4.0, 8.0]]]]
)
CASES = (
    Case("the lecture's example", {"x": LECTURE, "kernel_size": 2, "stride": 2}),
    Case(
        "all values below zero",
        {"x": np.array([[[[-4.0, -3.0], [-2.0, -1.0]]]]), "kernel_size": 2, "stride": 2},
    ),
    Case(
        "equal values: the first in reading order counts",
        {
            "x": np.array([[[[1.0, 1.0, 0.0, 2.0], [1.0, 0.0, 2.0, 2.0]]]]),
            "kernel_size": 2,
            "stride": 2,
        },
    ),
    Case(
        "windows that overlap, and a column that none reaches",
        {"x": np.arange(18.0).reshape(1, 1, 3, 6)[..., ::-1].copy(), "kernel_size": 3, "stride": 2},
    ),
    Case(
        "two channels of two rows",
        {
            "x": np.array([[[[1.0, 2.0], [4.0, 3.0]], [[8.0, 7.0], [6.0, 5.0]]]]),
            "kernel_size": 2,
            "stride": 2,
        },
    ),
)


def _drawn() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import seeds

    def draw(
        maps: tuple[int, int], kernel: int, more: tuple[int, int], stride: int, seed: int
    ) -> Arguments:
        shape = (*maps, kernel + more[0], kernel + more[1])
        x = np.random.default_rng(seed).integers(-9, 0, shape).astype(float)  # with ties
        return {"x": x, "kernel_size": kernel, "stride": stride}

    return st.builds(
        draw,
        st.tuples(st.integers(1, 2), st.integers(1, 3)),
        st.integers(1, 3),
        st.tuples(st.integers(0, 4), st.integers(0, 4)),
        st.integers(1, 3),
        seeds(),
    )


def _timed() -> Arguments:
    x = np.random.default_rng(0).normal(size=(2, 8, 64, 64))
    return {"x": x, "kernel_size": 2, "stride": 2}


EXERCISE = Exercise(
    name="max_pool2d",
    title="max pooling with the positions of the maxima",
    example="05_max_unpooling_keeps_edges.py",
    chapter="02_classification.md",
    holes=(
        Hole(
            solution=max_pool2d,
            twin=_twin,
            explained_by=explained,
            excerpt=("Forward, … -inf.", "=====", "Ties: … gradient."),
            note="Here kernel_size and stride are one number each, for both directions, padding p "
            "is 0 and dilation d is 1. Return (result, indices).",
            results=("result", "indices"),
            cases=CASES,
            drawn=_drawn,
            speed=Speed(
                arguments=_timed,
                ours=partial(explained, return_indices=True),
                why="minicv compares whole images, tap by tap, and keeps one byte for each window; "
                "it never copies the windows.",
            ),
        ),
    ),
    hints=(
        "Four loops over n, c, i, j, and a window of kernel_size x kernel_size pixels that begins "
        "at row i * stride and column j * stride. np.argmax of a window counts through its pixels "
        "in reading order.",
        "From the place of the maximum in the window, u, v = divmod(place, kernel_size), to its "
        "place in the map: h = i * stride + u, w = j * stride + v. indices holds h * W + w, with W "
        "the width of x, not of the result.",
        "window = x[n, c, i * stride : i * stride + kernel_size, and the same with j]\n"
        "u, v = divmod(window.argmax(), kernel_size)\n"
        "result[n, c, i, j] = window[u, v]\n"
        "indices[n, c, i, j] = (i * stride + u) * W + j * stride + v\n"
        "indices must be whole numbers: np.zeros(shape, np.int64).",
    ),
)
