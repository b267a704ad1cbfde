"""Exercise: transposed convolution of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv import reference
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Speed
from minicv.functional.conv_transpose2d import conv_transpose2d as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def conv_transpose2d(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int, padding: int
) -> np.ndarray:
    """One tap u, v of all stamps at a time; at the end the padding is cut off.

    >>> x, weight = np.array([[[[1.0, 10.0]]]]), np.array([[[[1.0, 2.0, 3.0]]]])
    >>> conv_transpose2d(x, weight, np.zeros(1), 2, 0).tolist()
    [[[[1.0, 2.0, 13.0, 20.0, 30.0]]]]
    """
    batch, _, height, width = x.shape
    _, outputs, *kernel = weight.shape
    reach = [stride * (size - 1) + 1 for size in (height, width)]
    whole = [r + k - 1 for r, k in zip(reach, kernel, strict=True)]
    y = np.zeros((batch, outputs, *whole), np.result_type(x, weight))
    for u, v in np.ndindex(*kernel):
        stamped = np.einsum("ncij,co->noij", x, weight[:, :, u, v])
        y[:, :, u : u + reach[0] : stride, v : v + reach[1] : stride] += stamped
    y += bias[:, None, None]
    return y[:, :, padding : whole[0] - padding, padding : whole[1] - padding]


def _twin(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int, padding: int
) -> np.ndarray:
    return reference.conv_transpose2d(x, weight, bias, (stride, stride), (padding, padding))


CASES = (
    Case(
        "the lecture's example in one row",
        {
            "x": np.array([[[[1.0, 10.0]]]]),
            "weight": np.array([[[[1.0, 2.0, 3.0]]]]),
            "bias": np.array([0.0]),
            "stride": 2,
            "padding": 0,
        },
    ),
    Case(
        "stamps of 2x2 that overlap",
        {
            "x": np.array([[[[1.0, 10.0], [100.0, 1000.0]]]]),
            "weight": np.array([[[[1.0, 2.0], [3.0, 4.0]]]]),
            "bias": np.array([0.0]),
            "stride": 1,
            "padding": 0,
        },
    ),
    Case(
        "padding cuts a ring off",
        {
            "x": np.array([[[[1.0, 10.0], [100.0, 1000.0]]]]),
            "weight": np.arange(1.0, 10.0).reshape(1, 1, 3, 3),
            "bias": np.array([0.0]),
            "stride": 2,
            "padding": 1,
        },
    ),
    Case(
        "two channels in, three out, each with its bias",
        {
            "x": np.array([[[[1.0]], [[10.0]]]]),
            "weight": np.array(
                [
                    [[[1.0, 2.0]], [[3.0, 4.0]], [[5.0, 6.0]]],
                    *[[[[1.0, 1.0]], [[2.0, 2.0]], [[3.0, 3.0]]]],
                ]
            ),
            "bias": np.array([100.0, 200.0, 300.0]),
            "stride": 2,
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
        size: tuple[int, int],
        stride: int,
        padding: int,
        seed: int,
    ) -> Arguments:
        images, inputs, outputs = channels
        rng = np.random.default_rng(seed)

        def whole(*shape: int) -> np.ndarray:
            return rng.integers(-4, 5, shape).astype(float)

        result = [(s - 1) * stride + k for s, k in zip(size, kernel, strict=True)]
        return {
            "x": whole(images, inputs, *size),
            "weight": whole(inputs, outputs, *kernel),
            "bias": whole(outputs),
            "stride": stride,
            "padding": min(padding, (min(result) - 1) // 2),
        }

    small = st.integers(1, 3)
    return st.builds(
        draw,
        st.tuples(st.integers(1, 2), small, small),
        st.tuples(small, small),
        st.tuples(small, small),
        small,
        st.integers(0, 2),
        seeds(),
    )


def _timed() -> Arguments:
    rng = np.random.default_rng(0)
    return {
        "x": rng.normal(size=(1, 8, 16, 16)),
        "weight": rng.normal(size=(8, 8, 4, 4)),
        "bias": rng.normal(size=8),
        "stride": 2,
        "padding": 1,
    }


EXERCISE = Exercise(
    name="conv_transpose2d",
    title="transposed convolution of images",
    example="27_checkerboards.py",
    chapter="05_upsampling.md",
    holes=(
        Hole(
            solution=conv_transpose2d,
            twin=_twin,
            explained_by=explained,
            excerpt=("Also called", "Stamps that … add.", "=====", "``padding`` cuts … `conv2d`."),
            note="Here stride and padding are one number each, for both directions, dilation d and "
            "groups are 1, output_padding is 0, and there always is a bias.",
            cases=CASES,
            drawn=_drawn,
            speed=Speed(
                arguments=_timed,
                ours=explained,
                why="minicv makes all stamps of an image with one product of matrices, weight "
                "transposed times x, and adds them up row by row.",
            ),
        ),
    ),
    hints=(
        "It is conv_transpose1d with rows, columns and channels. Make the result without padding "
        "first, (H - 1)·stride + KH rows, and cut the padding off at the end.",
        "The first axis of weight is C, the channels of x: weight[c, o] is the stamp that channel "
        "c leaves in output o. Pixel i, j sets its stamps down at row i * stride and column "
        "j * stride.",
        "for n, c, i, j: y[n, :, i * stride : i * stride + KH, j * stride : j * stride + KW] "
        "+= x[n, c, i, j] * weight[c]\n"
        "then y += bias[:, None, None], and the result is "
        "y[:, :, padding : rows - padding, padding : columns - padding].",
    ),
)
