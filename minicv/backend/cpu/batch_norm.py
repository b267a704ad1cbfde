"""Batch normalisation by the statistics of the batch, with ReLU if wanted, and its gradient.

A pass through memory takes longer than its arithmetic, so there are few passes, and the cores share
them: each takes some of the images. Between the passes stand the sums over all images.
"""

from __future__ import annotations

import contextlib
import math

import numpy as np

from minicv.backend.cpu.memory import scratch, unbuffered
from minicv.backend.parallel import parallel_for, split_evenly
from minicv.backend.selection import kept_where

BLOCK_ELEMENTS = 1 << 19  # numbers in a block of images; for fewer, no second thread is woken
LONG_ROW = 128  # pixels: shorter rows are faster through NumPy's buffer


def batch_norm_forward(
    x: np.ndarray, weight: np.ndarray | None, bias: np.ndarray | None, eps: float, relu: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Each channel with mean 0 and variance 1, then scaled and shifted, then cut off below 0.

    Args:
        x: (N, C, ...).
        weight, bias: (C,); None stands for 1 and 0.
        eps: added to the variance under the root.
        relu: whether negative results become 0.

    Returns:
        ``(y, saved, mean, variance, inverse_deviation)``: the result; what `batch_norm_backward`
        needs of x, here x itself; and the mean, the biased variance and 1 / √(variance + eps), (C,)
        each.
    """
    values = _by_channel(x)  # (N, C, pixels)
    n, c, pixels = values.shape
    blocks = _blocks(values)
    y = np.empty(values.shape, np.result_type(x, *(v for v in (weight, bias) if v is not None)))
    sums, squares = np.empty((2, n, c), x.dtype)
    ones = np.ones(pixels, x.dtype)

    def add(images: slice) -> None:
        np.matmul(values[images], ones, out=sums[images])  # three times as fast as np.sum

    parallel_for(add, blocks)
    mean = sums.sum(axis=0) / (n * pixels)  # (C,)

    def center(images: slice) -> None:
        with _in_place(values):
            np.subtract(values[images], mean[:, None], out=y[images])
        squares[images] = _products(y[images], y[images])

    parallel_for(center, blocks)
    variance = squares.sum(axis=0) / (n * pixels)
    inverse_deviation = 1 / np.sqrt(variance + eps)
    scale = inverse_deviation if weight is None else inverse_deviation * weight

    def stretch(images: slice) -> None:
        out = y[images]
        with _in_place(values):
            out *= scale[:, None]
            if bias is not None:
                out += bias[:, None]
        if relu:
            np.clip(out, 0, math.inf, out=out)

    parallel_for(stretch, blocks)
    return y.reshape(x.shape), x, mean, variance, inverse_deviation


def batch_norm_backward(
    grad: np.ndarray,
    saved: np.ndarray,
    y: np.ndarray | None,
    weight: np.ndarray | None,
    mean: np.ndarray,
    inverse_deviation: np.ndarray,
    needs_x: bool,
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """The gradients of x (None unless it needs one), weight and bias.

    Args:
        grad: dL/dy, (N, C, ...).
        saved, mean, inverse_deviation: from `batch_norm_forward`.
        y: its result if that has gone through ReLU, else None.
        weight: (C,) or None.
        needs_x: whether dL/dx is wanted.
    """
    arriving, values = _by_channel(grad), _by_channel(saved)  # (N, C, pixels)
    result = None if y is None else _by_channel(y)
    n, c, pixels = values.shape
    blocks = _blocks(values)
    passed = arriving if result is None else scratch("passed", arriving.shape, grad.dtype)
    centered = scratch("centered", arriving.shape, grad.dtype)
    sums, products = np.empty((2, n, c), grad.dtype)
    ones = np.ones(pixels, grad.dtype)

    def add(images: slice) -> None:
        if result is not None:
            kept_where(result[images] > 0, arriving[images], out=passed[images])
        with _in_place(values):
            np.subtract(values[images], mean[:, None], out=centered[images])
        np.matmul(passed[images], ones, out=sums[images])
        products[images] = _products(passed[images], centered[images])

    parallel_for(add, blocks)
    grad_bias = sums.sum(axis=0)  # (C,)
    grad_weight = inverse_deviation * products.sum(axis=0)
    if not needs_x:
        return None, grad_weight, grad_bias
    grad_x = np.empty_like(arriving)
    scale = inverse_deviation if weight is None else inverse_deviation * weight
    slope = inverse_deviation * grad_weight / (n * pixels)
    shift = grad_bias / (n * pixels)

    def combine(images: slice) -> None:
        # dL/dx = scale · (g - x̂ Σ g x̂ / m - Σ g / m)
        with _in_place(values):
            centered[images] *= slope[:, None]
            centered[images] += shift[:, None]
            np.subtract(passed[images], centered[images], out=grad_x[images])
            grad_x[images] *= scale[:, None]

    parallel_for(combine, blocks)
    return grad_x.reshape(grad.shape), grad_weight, grad_bias


def _by_channel(x: np.ndarray) -> np.ndarray:
    """(N, C, ...) -> (N, C, pixels): a view, unless x has gaps."""
    return x.reshape(*x.shape[:2], math.prod(x.shape[2:]))


def _blocks(values: np.ndarray) -> list[slice]:
    """The images in parts of about `BLOCK_ELEMENTS` numbers.

    Blocks of channels would lie between each other in memory, and two cores that write there slow
    each other down.
    """
    n, c, pixels = values.shape
    return split_evenly(n, BLOCK_ELEMENTS // max(1, c * pixels))


def _products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Σ a · b over the pixels: (N, C, pixels) twice -> (N, C), without an array of the products.

    >>> _products(np.array([[[1.0, 2.0]], [[3.0, 0.0]]]), np.full((2, 1, 2), 10.0)).tolist()
    [[30.0], [30.0]]
    """
    return np.vecdot(a.conj() if np.iscomplexobj(a) else a, b)  # which takes the conjugate of a


def _in_place(values: np.ndarray) -> contextlib.AbstractContextManager[None]:
    """`unbuffered`, where the rows are long enough for it."""
    return unbuffered() if values.shape[2] >= LONG_ROW else contextlib.nullcontext()
