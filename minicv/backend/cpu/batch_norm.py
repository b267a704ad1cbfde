"""Batch normalisation by the statistics of the batch, perhaps with ReLU, and its gradient.

A pass through memory takes longer than its arithmetic, so there are two passes forwards and two
backwards: one for the sums over all images, one for the result. Each goes block by block, and all
steps of a block find it in the cache. The cores share the blocks of large arrays. On small ones a
step takes a few microseconds, and two threads that take turns so often mostly wait for each other.

The variance comes from the same pass as the mean, as E[x²] - E[x]². Where a mean lies many
deviations from 0, the difference of two large numbers would be left, and rounding with it. Then the
mean is taken away first, which is one more pass.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence

import numpy as np

from minicv.backend.cpu.memory import scratch, unbuffered
from minicv.backend.parallel import parallel_for, split_evenly
from minicv.backend.selection import kept_where

BLOCK_ELEMENTS = 1 << 18  # numbers in a block of images: a megabyte of float32
LEAST_ELEMENTS = 1 << 15  # numbers that are not worth a block of their own
SHARED_ELEMENTS = 1 << 19  # numbers of all blocks that are worth a second thread
LONG_ROW = 512  # pixels: a number for each channel is repeated for every pixel of a shorter row
FAR = 4.0  # deviations from 0 to a mean: E[x²] has (1 + 4²) times the rounding of the variance


def batch_norm_forward(
    x: np.ndarray,
    weight: np.ndarray | None,
    bias: np.ndarray | None,
    eps: float,
    relu: bool,
    ceiling: float = math.inf,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Each channel with mean 0 and variance 1, then scaled and shifted, then cut off below 0.

    Args:
        x: (N, C, ...).
        weight, bias: (C,); None stands for 1 and 0.
        eps: added to the variance under the root.
        relu: whether negative results become 0.
        ceiling: which results do not exceed then.

    Returns:
        ``(y, saved, mean, variance, inverse_deviation)``: the result; what `batch_norm_backward`
        needs of x, here x itself; and the mean, the biased variance and 1 / √(variance + eps), (C,)
        each.
    """
    values = _by_channel(x)  # (N, C, pixels)
    n, c, pixels = values.shape
    y = np.empty(values.shape, np.result_type(x, *(v for v in (weight, bias) if v is not None)))
    sums, squares = np.empty((2, n, c), x.dtype)
    ones = np.ones(pixels, x.dtype)
    blocks = _blocks(values)

    def add(images: slice) -> None:
        np.matmul(values[images], ones, out=sums[images])  # three times as fast as np.sum
        squares[images] = _products(values[images], values[images])

    _for_each(add, blocks, values)
    mean = sums.sum(axis=0) / (n * pixels)  # (C,)
    variance = squares.sum(axis=0) / (n * pixels) - mean * mean
    center = _center(mean, variance + eps)
    if center is not None:

        def add_squares(images: slice) -> None:
            centered = _centered(values[images], center)
            squares[images] = _products(centered, centered)

        _for_each(add_squares, blocks, values)
        variance = squares.sum(axis=0) / (n * pixels)
    inverse_deviation = 1 / np.sqrt(variance + eps)
    scale = inverse_deviation if weight is None else inverse_deviation * weight
    shift = np.zeros_like(mean) if bias is None else bias
    if center is None:
        shift = shift - mean * scale
    factors, terms = _for_pixels(scale, pixels), _for_pixels(shift, pixels)

    def stretch(images: slice) -> None:
        out = y[images]
        with _in_place(pixels):
            np.multiply(_centered(values[images], center), factors, out=out)
            out += terms
        if relu:
            np.clip(out, 0, ceiling, out=out)

    _for_each(stretch, blocks[::-1], values)  # the last blocks are still in the cache
    return y.reshape(x.shape), x, mean, variance, inverse_deviation


def batch_norm_backward(
    grad: np.ndarray,
    saved: np.ndarray,
    y: np.ndarray | None,
    weight: np.ndarray | None,
    mean: np.ndarray,
    inverse_deviation: np.ndarray,
    needs_x: bool,
    ceiling: float = math.inf,
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """The gradients of x (None unless it needs one), weight and bias.

    Args:
        grad: dL/dy, (N, C, ...).
        saved, mean, inverse_deviation: from `batch_norm_forward`.
        y: its result if that has gone through ReLU, else None.
        weight: (C,) or None.
        needs_x: whether dL/dx is wanted.
        ceiling: of `batch_norm_forward`.
    """
    arriving, values = _by_channel(grad), _by_channel(saved)  # (N, C, pixels)
    result = None if y is None else _by_channel(y)
    n, c, pixels = values.shape
    center = _center(mean, inverse_deviation**-2)
    grad_x = np.empty(arriving.shape, grad.dtype)
    passed = arriving if result is None else grad_x  # what ReLU lets through
    sums, products = np.empty((2, n, c), grad.dtype)
    ones = np.ones(pixels, grad.dtype)
    blocks = _blocks(values)

    def add(images: slice) -> None:
        if result is not None:
            inside = result[images] > 0
            if ceiling < math.inf:
                inside &= result[images] < ceiling
            kept_where(inside, arriving[images], out=passed[images])
        np.matmul(passed[images], ones, out=sums[images])
        products[images] = _products(passed[images], _centered(values[images], center))

    _for_each(add, blocks, values)
    grad_bias = sums.sum(axis=0)  # (C,)
    products_with_x = products.sum(axis=0)
    if center is None:
        products_with_x = products_with_x - mean * grad_bias
    grad_weight = inverse_deviation * products_with_x
    if not needs_x:
        return None, grad_weight, grad_bias
    # dL/dx = scale · (g - x̂ Σ g x̂ / m - Σ g / m), with x̂ = (x - mean) · inverse_deviation
    scale = inverse_deviation if weight is None else inverse_deviation * weight
    slope = -scale * inverse_deviation * grad_weight / (n * pixels)
    shift = -scale * grad_bias / (n * pixels)
    if center is None:
        shift = shift - slope * mean
    factors, slopes, terms = (_for_pixels(v, pixels) for v in (scale, slope, shift))

    def combine(images: slice) -> None:
        out = grad_x[images]
        term = scratch("batch norm", out.shape, out.dtype)
        with _in_place(pixels):
            np.multiply(passed[images], factors, out=out)
            np.multiply(_centered(values[images], center), slopes, out=term)
            term += terms
        out += term

    _for_each(combine, blocks[::-1], values)
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
    most = min(BLOCK_ELEMENTS, max(values.size // 2, LEAST_ELEMENTS))
    return split_evenly(n, most // max(1, c * pixels))


def _for_each(
    function: Callable[[slice], None], blocks: Sequence[slice], values: np.ndarray
) -> None:
    """Call the function for every block of the values, on all cores if they are large."""

    def one_by_one(jobs: Sequence[slice]) -> None:
        for block in jobs:
            function(block)

    if values.size < SHARED_ELEMENTS:
        parallel_for(one_by_one, [blocks])
    else:
        parallel_for(function, blocks)


def _products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Σ a · b over the pixels: (N, C, pixels) twice -> (N, C), without an array of the products.

    >>> _products(np.array([[[1.0, 2.0]], [[3.0, 0.0]]]), np.full((2, 1, 2), 10.0)).tolist()
    [[30.0], [30.0]]
    """
    return np.vecdot(a.conj() if np.iscomplexobj(a) else a, b)  # which takes the conjugate of a


def _center(mean: np.ndarray, variance: np.ndarray) -> np.ndarray | None:
    """The mean, if any channel's is so `FAR` from 0 that it must be taken away first, else None.

    >>> _center(np.array([1.0, -3.0]), np.array([1.0, 1.0]))
    >>> _center(np.array([1.0, -5.0]), np.array([1.0, 1.0])).tolist()
    [1.0, -5.0]
    """
    is_near = np.abs(mean) ** 2 <= FAR**2 * np.abs(variance)
    return None if is_near.all() else mean


def _centered(values: np.ndarray, center: np.ndarray | None) -> np.ndarray:
    """The values, or the values less their center in scratch memory."""
    if center is None:
        return values
    out = scratch("centered", values.shape, values.dtype)
    return np.subtract(values, center[:, None], out=out)


def _for_pixels(of_channels: np.ndarray, pixels: int) -> np.ndarray:
    """(C,) -> (C, 1), or (C, pixels) where the rows are short: then N rows of C · pixels are added
    in one loop each, not N · C rows."""
    if pixels >= LONG_ROW:
        return of_channels[:, None]
    return np.repeat(of_channels, pixels).reshape(-1, pixels)


def _in_place(pixels: int) -> contextlib.AbstractContextManager[None]:
    """`unbuffered`, where the rows are long enough for it."""
    return unbuffered() if pixels >= LONG_ROW else contextlib.nullcontext()
