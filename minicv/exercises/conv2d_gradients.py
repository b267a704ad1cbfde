"""Exercise: the gradients of a convolution, with respect to image, weight and bias."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv import reference
from minicv.autograd import Tensor
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Slopes, Speed
from minicv.functional.conv2d import conv2d as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Gradients = tuple[np.ndarray, np.ndarray, np.ndarray]


def conv2d_gradients(
    grad: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: int, padding: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One tap u, v of the kernel at a time, for all windows at once.

    >>> x = np.array([[[[1.0, 2.0, 3.0]]]])
    >>> gradients = conv2d_gradients(np.ones((1, 1, 1, 2)), x, np.array([[[[5.0, 7.0]]]]), 1, 0)
    >>> [gradient.ravel().tolist() for gradient in gradients]
    [[5.0, 12.0, 7.0], [3.0, 5.0], [2.0]]
    """
    around = (padding, padding)
    padded = np.pad(x, ((0, 0), (0, 0), around, around))
    grad_padded, grad_weight = np.zeros_like(padded), np.zeros_like(weight)
    for u, v in np.ndindex(weight.shape[2:]):
        # Where this tap lies in each window: h = i stride + u, w = j stride + v.
        h = slice(u, u + stride * (grad.shape[2] - 1) + 1, stride)
        w = slice(v, v + stride * (grad.shape[3] - 1) + 1, stride)
        grad_weight[:, :, u, v] = np.einsum("noij,ncij->oc", grad, padded[:, :, h, w])
        grad_padded[:, :, h, w] += np.einsum("noij,oc->ncij", grad, weight[:, :, u, v])
    height, width = x.shape[2:]
    grad_x = grad_padded[:, :, padding : padding + height, padding : padding + width]
    return grad_x, grad_weight, grad.sum(axis=(0, 2, 3))


def _twin(
    grad: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: int, padding: int
) -> Gradients:
    grad_x, grad_weight = np.zeros_like(x), np.zeros_like(weight)
    for n, o, i, j in np.ndindex(grad.shape):
        for c, u, v in np.ndindex(weight.shape[1:]):
            h, w = i * stride + u - padding, j * stride + v - padding
            if 0 <= h < x.shape[2] and 0 <= w < x.shape[3]:
                grad_x[n, c, h, w] += weight[o, c, u, v] * grad[n, o, i, j]
                grad_weight[o, c, u, v] += x[n, c, h, w] * grad[n, o, i, j]
    return grad_x, grad_weight, grad.sum(axis=(0, 2, 3))


def _forward(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int, padding: int
) -> np.ndarray:
    return reference.conv2d(x, weight, bias, (stride, stride), (padding, padding))


def _ours(grad: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: int, padding: int) -> None:
    image, kernel = Tensor(x, requires_grad=True), Tensor(weight, requires_grad=True)
    explained(image, kernel, None, stride, padding).backward(grad)


CASES = (
    Case(
        "one row, a kernel of two",
        {
            "grad": np.array([[[[1.0, 10.0]]]]),
            "x": np.array([[[[1.0, 2.0, 3.0]]]]),
            "weight": np.array([[[[5.0, 7.0]]]]),
            "stride": 1,
            "padding": 0,
        },
    ),
    Case(
        "windows that overlap add up",
        {
            "grad": np.array([[[[1.0, 2.0], [3.0, 4.0]]]]),
            "x": np.arange(1.0, 10.0).reshape(1, 1, 3, 3),
            "weight": np.array([[[[1.0, 0.0], [0.0, 10.0]]]]),
            "stride": 1,
            "padding": 0,
        },
    ),
    Case(
        "padding, and every second window: some pixels are never seen",
        {
            "grad": np.array([[[[1.0, 2.0]]]]),
            "x": np.array([[[[1.0, 2.0, 3.0, 4.0]]]]),
            "weight": np.array([[[[1.0, 10.0], [100.0, 1000.0], [1.0, 1.0]]]]),
            "stride": 2,
            "padding": 1,
        },
    ),
    Case(
        "two images, two channels in, one out",
        {
            "grad": np.array([[[[1.0]]], [[[10.0]]]]),
            "x": np.array([[[[1.0, 2.0]], [[3.0, 4.0]]], [[[5.0, 6.0]], [[7.0, 8.0]]]]),
            "weight": np.array([[[[1.0, 2.0]], [[3.0, 4.0]]]]),
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
        windows = [(s + 2 * padding - k) // stride + 1 for s, k in zip(size, kernel, strict=True)]
        rng = np.random.default_rng(seed)

        def whole(*shape: int) -> np.ndarray:
            return rng.integers(-4, 5, shape).astype(float)

        return {
            "grad": whole(images, outputs, *windows),
            "x": whole(images, inputs, *size),
            "weight": whole(outputs, inputs, *kernel),
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
        "grad": rng.normal(size=(1, 8, 24, 24)),
        "x": rng.normal(size=(1, 8, 24, 24)),
        "weight": rng.normal(size=(8, 8, 3, 3)),
        "stride": 1,
        "padding": 1,
    }


_SLOPES = np.random.default_rng(0)
EXERCISE = Exercise(
    name="conv2d_gradients",
    title="convolution, its three gradients",
    example="01_sliding_window_vs_fully_convolutional.py",
    chapter="02_classification.md",
    holes=(
        Hole(
            solution=conv2d_gradients,
            twin=_twin,
            explained_by=explained,
            excerpt=(
                "Forward",
                "Gradients, … dL/dbias[o] = Σ_{n, i, j} dL/dy[n, o, i, j]",
                "dL/dx is a",
                "=====",
            ),
            note="grad is dL/dy, (N, O, OH, OW). Here stride and padding are one number each, "
            "dilation d and groups are 1. Return (dL/dx, dL/dweight, dL/dbias).",
            results=("dL/dx", "dL/dweight", "dL/dbias"),
            cases=CASES,
            drawn=_drawn,
            slopes=Slopes(
                forward=_forward,
                wrt=("x", "weight", "bias"),
                arguments={
                    "x": _SLOPES.normal(size=(2, 2, 4, 3)),
                    "weight": _SLOPES.normal(size=(3, 2, 3, 2)),
                    "bias": _SLOPES.normal(size=3),
                    "stride": 2,
                    "padding": 1,
                },
            ),
            speed=Speed(
                arguments=_timed,
                ours=_ours,
                why="both gradients are products of matrices, and minicv lays the windows out so "
                "that each is one; the time also holds minicv's forward pass.",
            ),
        ),
    ),
    hints=(
        "Write the forward pass with its loops over n, o, i, j, c, u, v. Each product weight · x "
        "in it sends grad · weight to that pixel and grad · x to that weight: two lines.",
        "Several windows cover the same pixel, so add, never assign: +=. Work on a padded image, "
        "and cut the ring off its gradient at the end: "
        "[:, :, padding : padding + H, padding : padding + W].",
        "For each tap u, v of the kernel the pixels under it, for all windows at once, are\n"
        "seen = padded[:, :, u : u + stride * (OH - 1) + 1 : stride, and the same with v and OW]\n"
        'grad_weight[:, :, u, v] = np.einsum("noij,ncij->oc", grad, seen)\n'
        'the same part of grad_padded += np.einsum("noij,oc->ncij", grad, weight[:, :, u, v])\n'
        "grad_bias = grad.sum(axis=(0, 2, 3))",
    ),
)
