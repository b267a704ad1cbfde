"""Batch normalisation on CUDA: batch_norm.cu; `minicv.backend.cpu.batch_norm` documents it."""

from __future__ import annotations

import math

from minicv.backend.cuda.launcher import THREADS, CudaFile, Grid, index_type, one_thread_each
from minicv.backend.device import Array, xp_of

BATCH_NORM = CudaFile("batch_norm.cu")
PART = THREADS * 8  # values of a channel that one block reduces; as in batch_norm.cu


def batch_norm_forward(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    eps: float,
    relu: bool,
    ceiling: float = math.inf,
) -> tuple[Array, Array, Array, Array, Array]:
    """As on the CPU, but it saves x itself, so that x̂ need not be written to memory."""
    xp = xp_of(x)
    x = xp.ascontiguousarray(x)
    channels, pixels, values, parts = _sizes(x)
    means, squares = (xp.empty((channels, parts), x.dtype) for _ in range(2))
    mean, variance, inverse_deviation = (xp.empty(channels, x.dtype) for _ in range(3))
    y = xp.empty(x.shape, x.dtype)
    types = {"real": x.dtype, "index_t": index_type(x.size)}
    launch = BATCH_NORM.launch
    launch(
        "batch_norm_parts",
        _blocks(channels * parts),
        *(x, means, squares, values, channels, pixels, parts),
        **types,
    )
    launch(
        "batch_norm_statistics",
        _blocks(channels),
        *(means, squares, mean, variance, inverse_deviation, values, parts, eps),
        **types,
    )
    launch(
        "batch_norm_apply",
        one_thread_each(x.size),
        *(x, mean, inverse_deviation, _weight(weight, x), _bias(bias, x), y),
        *(x.size, channels, pixels, relu, ceiling),
        **types,
    )
    return y, x, mean, variance, inverse_deviation


def batch_norm_backward(
    grad: Array,
    saved: Array,
    y: Array | None,
    weight: Array | None,
    mean: Array,
    inverse_deviation: Array,
    needs_x: bool,
    ceiling: float = math.inf,
) -> tuple[Array | None, Array, Array]:
    """The gradients of x (None unless it needs one), weight and bias."""
    xp = xp_of(grad)
    grad, x = xp.ascontiguousarray(grad), saved
    channels, pixels, values, parts = _sizes(x)
    sums, products = (xp.empty((channels, parts), x.dtype) for _ in range(2))
    grad_bias, grad_weight = (xp.empty(channels, x.dtype) for _ in range(2))
    types = {"real": x.dtype, "index_t": index_type(x.size)}
    relu = y is not None
    y = x if y is None else y  # not read without ReLU
    launch = BATCH_NORM.launch
    launch(
        "batch_norm_backward_parts",
        _blocks(channels * parts),
        *(grad, x, y, mean, inverse_deviation, sums, products),
        *(values, channels, pixels, parts, relu, ceiling),
        **types,
    )
    launch(
        "batch_norm_backward_sums",
        _blocks(channels),
        *(sums, products, grad_bias, grad_weight, parts),
        **types,
    )
    if not needs_x:
        return None, grad_weight, grad_bias
    grad_x = xp.empty(x.shape, x.dtype)
    launch(
        "batch_norm_backward_apply",
        one_thread_each(x.size),
        *(grad, x, y, mean, inverse_deviation, _weight(weight, x), grad_bias, grad_weight, grad_x),
        *(x.size, channels, pixels, values, relu, ceiling),
        **types,
    )
    return grad_x, grad_weight, grad_bias


def _sizes(x: Array) -> tuple[int, int, int, int]:
    """(channels, pixels of a map, values of a channel, parts that they are cut into)."""
    channels, pixels = x.shape[1], math.prod(x.shape[2:])
    values = x.shape[0] * pixels
    return channels, pixels, values, -(-values // PART)


def _blocks(count: int) -> Grid:
    return Grid((count, 1, 1), (THREADS, 1, 1))


def _weight(weight: Array | None, x: Array) -> Array:
    return xp_of(x).ones(x.shape[1], x.dtype) if weight is None else _whole(weight)


def _bias(bias: Array | None, x: Array) -> Array:
    return xp_of(x).zeros(x.shape[1], x.dtype) if bias is None else _whole(bias)


def _whole(values: Array) -> Array:
    return xp_of(values).ascontiguousarray(values)
