"""Exercise: the gradient of max pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv import reference
from minicv.autograd import Tensor
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Slopes, Speed
from minicv.exercises.max_pool2d import LECTURE
from minicv.functional.max_pool2d import max_pool2d as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def max_pool2d_gradient(
    grad: np.ndarray, x: np.ndarray, kernel_size: int, stride: int
) -> np.ndarray:
    """Each window gives all of its gradient to the first of its largest values.

    >>> x = np.array([[[[1.0, 2.0, 6.0, 3.0], [3.0, 5.0, 2.0, 1.0]]]])
    >>> max_pool2d_gradient(np.array([[[[10.0, 20.0]]]]), x, 2, 2).tolist()
    [[[[0.0, 0.0, 20.0, 0.0], [0.0, 10.0, 0.0, 0.0]]]]
    """
    kernel = (kernel_size, kernel_size)
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]  # (N, C, OH, OW, KH, KW)
    best = windows.reshape(*windows.shape[:4], -1).argmax(axis=-1)
    u, v = np.divmod(best, kernel_size)
    n, c, i, j = np.indices(grad.shape)
    grad_x = np.zeros_like(x)
    np.add.at(grad_x, (n, c, i * stride + u, j * stride + v), grad)  # windows may overlap
    return grad_x


def _twin(grad: np.ndarray, x: np.ndarray, kernel_size: int, stride: int) -> np.ndarray:
    grad_x = np.zeros_like(x)
    for n, c, i, j in np.ndindex(grad.shape):
        best = (i * stride, j * stride)
        for u, v in np.ndindex(kernel_size, kernel_size):
            here = (i * stride + u, j * stride + v)
            if x[n, c][here] > x[n, c][best]:
                best = here
        grad_x[n, c][best] += grad[n, c, i, j]
    return grad_x


def _forward(x: np.ndarray, kernel_size: int, stride: int) -> np.ndarray:
    return reference.max_pool2d(x, (kernel_size, kernel_size), (stride, stride))[0]


def _ours(grad: np.ndarray, x: np.ndarray, kernel_size: int, stride: int) -> None:
    explained(Tensor(x, requires_grad=True), kernel_size, stride).backward(grad)


CASES = (
    Case(
        "the lecture's example",
        {
            "grad": np.array([[[[1.0, 2.0], [3.0, 4.0]]]]),
            "x": LECTURE,
            "kernel_size": 2,
            "stride": 2,
        },
    ),
    Case(
        "one maximum of three windows that overlap",
        {
            "grad": np.array([[[[1.0, 10.0, 100.0]]]]),
            "x": np.array([[[[0.0, 0.0, 9.0, 0.0, 1.0]] * 3]]),
            "kernel_size": 3,
            "stride": 1,
        },
    ),
    Case(
        "equal values: the first one gets it all",
        {
            "grad": np.array([[[[6.0]]]]),
            "x": np.array([[[[1.0, 2.0], [2.0, 2.0]]]]),
            "kernel_size": 2,
            "stride": 2,
        },
    ),
    Case(
        "two channels, each with its own maxima",
        {
            "grad": np.array([[[[5.0]], [[7.0]]]]),
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
        rng = np.random.default_rng(seed)
        x = rng.integers(-9, 0, (*maps, kernel + more[0], kernel + more[1])).astype(float)
        windows = [m // stride + 1 for m in more]
        grad = rng.integers(1, 10, (*maps, *windows)).astype(float)
        return {"grad": grad, "x": x, "kernel_size": kernel, "stride": stride}

    return st.builds(
        draw,
        st.tuples(st.integers(1, 2), st.integers(1, 3)),
        st.integers(1, 3),
        st.tuples(st.integers(0, 4), st.integers(0, 4)),
        st.integers(1, 3),
        seeds(),
    )


def _timed() -> Arguments:
    rng = np.random.default_rng(0)
    grad, x = rng.normal(size=(2, 8, 32, 32)), rng.normal(size=(2, 8, 64, 64))
    return {"grad": grad, "x": x, "kernel_size": 2, "stride": 2}


EXERCISE = Exercise(
    name="max_pool2d_gradient",
    title="max pooling, its gradient",
    example="05_max_unpooling_keeps_edges.py",
    chapter="02_classification.md",
    holes=(
        Hole(
            solution=max_pool2d_gradient,
            twin=_twin,
            explained_by=explained,
            excerpt=("Forward", "over taps … it gets.", "=====", "Ties: … gradient."),
            note="grad is dL/dy, (N, C, OH, OW). Here kernel_size and stride are one number each, "
            "for both directions, padding p is 0 and dilation d is 1. Return dL/dx.",
            results=("dL/dx",),
            cases=CASES,
            drawn=_drawn,
            slopes=Slopes(
                forward=_forward,
                wrt=("x",),
                arguments={
                    "x": np.random.default_rng(0)
                    .permutation(40.0 + np.arange(40))
                    .reshape(1, 2, 4, 5),
                    "kernel_size": 2,
                    "stride": 1,
                },
            ),
            speed=Speed(
                arguments=_timed,
                ours=_ours,
                why="minicv remembers from the forward pass which tap of a window was the largest, "
                "in one byte, and adds tap by tap for the whole image at once; the time also holds "
                "that forward pass.",
            ),
        ),
    ),
    hints=(
        "Find the maximum of each window again, as in the forward pass. Of all its pixels, which "
        "ones would change y if they grew a little?",
        "Only the largest pixel of a window counts, and it counts with slope 1: all of "
        "grad[n, c, i, j] goes to it. Windows may overlap, so one pixel can get from several.",
        "grad_x = np.zeros_like(x); for all n, c, i, j:\n"
        "window = x[n, c, i * stride : i * stride + kernel_size, and the same with j]\n"
        "u, v = divmod(window.argmax(), kernel_size)\n"
        "grad_x[n, c, i * stride + u, j * stride + v] += grad[n, c, i, j]\n"
        "Without loops the += must be np.add.at, which also counts positions that come twice.",
    ),
)
