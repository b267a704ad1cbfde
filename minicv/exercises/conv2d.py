"""Exercise: the forward pass of a convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv import reference
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Speed
from minicv.functional.conv2d import conv2d as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def conv2d(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int, padding: int
) -> np.ndarray:
    """All windows of the padded images, as a view; then one sum over c, u, v for all of them.

    >>> x = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    >>> conv2d(x, np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), np.zeros(1), 1, 0).tolist()
    [[[[37.0, 47.0], [67.0, 77.0]]]]
    """
    around = (padding, padding)
    padded = np.pad(x, ((0, 0), (0, 0), around, around))
    kernel = weight.shape[2:]
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]  # (N, C, OH, OW, KH, KW)
    y = np.einsum("ncijuv,ocuv->noij", windows, weight, optimize=True)
    return y + bias[:, None, None]


def _twin(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int, padding: int
) -> np.ndarray:
    return reference.conv2d(x, weight, bias, (stride, stride), (padding, padding))


NINE = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
CASES = (
    Case(
        "one 3x3 image, one 2x2 kernel",
        {
            "x": NINE,
            "weight": np.array([[[[1.0, 2.0], [3.0, 4.0]]]]),
            "bias": np.array([0.0]),
            "stride": 1,
            "padding": 0,
        },
    ),
    Case(
        "a ring of zeros around the image",
        {
            "x": NINE,
            "weight": np.array([[[[0.0, 1.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]]]]),
            "bias": np.array([0.0]),
            "stride": 1,
            "padding": 1,
        },
    ),
    Case(
        "every second window",
        {
            "x": np.arange(20.0).reshape(1, 1, 4, 5),
            "weight": np.array([[[[1.0, 0.0], [0.0, 10.0]]]]),
            "bias": np.array([0.0]),
            "stride": 2,
            "padding": 0,
        },
    ),
    Case(
        "two channels in, three out, each with its bias",
        {
            "x": np.array([[[[1.0, 2.0, 3.0]], [[10.0, 20.0, 30.0]]]]),
            "weight": np.array(
                [
                    [[[1.0, 0.0]], [[0.0, 1.0]]],
                    [[[0.0, 1.0]], [[1.0, 0.0]]],
                    *[[[[1.0, 1.0]], [[1.0, 1.0]]]],
                ]
            ),
            "bias": np.array([100.0, 200.0, 300.0]),
            "stride": 1,
            "padding": 0,
        },
    ),
)


def _drawn() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import seeds

    def draw(
        channels: tuple[int, int, int],
        kernel: tuple[int, int],
        more: tuple[int, int],
        stride: int,
        padding: int,
        seed: int,
    ) -> Arguments:
        images, inputs, outputs = channels
        size = [max(1, k - 2 * padding) + m for k, m in zip(kernel, more, strict=True)]
        rng = np.random.default_rng(seed)

        def whole(*shape: int) -> np.ndarray:
            return rng.integers(-4, 5, shape).astype(float)

        return {
            "x": whole(images, inputs, *size),
            "weight": whole(outputs, inputs, *kernel),
            "bias": whole(outputs),
            "stride": stride,
            "padding": padding,
        }

    small = st.integers(1, 3)
    return st.builds(
        draw,
        st.tuples(st.integers(1, 2), small, small),
        st.tuples(small, small),
        st.tuples(st.integers(0, 3), st.integers(0, 3)),
        small,
        st.integers(0, 2),
        seeds(),
    )


def _timed() -> Arguments:
    rng = np.random.default_rng(0)
    return {
        "x": rng.normal(size=(1, 8, 24, 24)),
        "weight": rng.normal(size=(8, 8, 3, 3)),
        "bias": rng.normal(size=8),
        "stride": 1,
        "padding": 1,
    }


EXERCISE = Exercise(
    name="conv2d",
    title="convolution, forward",
    example="01_sliding_window_vs_fully_convolutional.py",
    chapter="02_classification.md",
    holes=(
        Hole(
            solution=conv2d,
            twin=_twin,
            explained_by=explained,
            excerpt=("Forward", "and x is … image.", "====="),
            note="Here stride and padding are one number each, for both directions, dilation d and "
            "groups are 1, and there always is a bias.",
            cases=CASES,
            drawn=_drawn,
            speed=Speed(
                arguments=_timed,
                ours=explained,
                why="minicv copies the pixels of all windows into a matrix that fits the "
                "processor's cache and leaves the sums to one product of matrices; loops in Python "
                "spend a hundred nanoseconds on each product.",
            ),
        ),
    ),
    hints=(
        "Begin with the shape of the result: OH and OW of the table, with d = 1. Then four loops "
        "over n, o, i, j: which part of x does the window at i, j cover?",
        "np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding))) makes the zeros; then "
        "no index is ever outside. The window of i, j is "
        "padded[n, :, i * stride : i * stride + KH, j * stride : j * stride + KW], (C, KH, KW), "
        "and so is weight[o].",
        "y[n, o, i, j] = (window * weight[o]).sum() + bias[o]\n"
        "Without loops: np.lib.stride_tricks.sliding_window_view(padded, (KH, KW), axis=(2, 3)) "
        "has all windows, (N, C, rows, columns, KH, KW). Take every stride-th row and column, and "
        'sum with np.einsum("ncijuv,ocuv->noij", windows, weight).',
    ),
)
