"""From a matrix product to images, with the epilogue; see convolution_epilogue.cu."""

from __future__ import annotations

import math
from typing import Any

from minicv.backend.convolution_layer import Epilogue
from minicv.backend.cuda.launcher import THREADS, CudaFile, Grid, index_type
from minicv.backend.device import Array, xp_of

EPILOGUE = CudaFile("convolution_epilogue.cu")
CHANNELS_EACH = 4  # for one thread: enough to hide the division that finds its pixel
MOST_BLOCKS_Y = 65535  # that CUDA allows


def epilogue_arguments(epilogue: Epilogue, y: Array) -> tuple[Any, ...]:
    """The epilogue as kernels take it.

    That is three arrays (scale, shift, shortcut), three bools that say which of them are used, and
    the two numbers between which y must lie. A kernel cannot be given None: where an array is left
    out it gets ``y``, and does not read it.
    """
    xp = xp_of(y)
    *arrays, ceiling = epilogue
    return (
        *(y if array is None else xp.ascontiguousarray(array) for array in arrays),
        *(array is not None for array in arrays),
        *((-math.inf, math.inf) if ceiling is None else (0.0, ceiling)),
    )


def write_images(product: Array, y: Array, columns: slice, epilogue: Epilogue) -> None:
    """Write some columns of a matrix product into the images of ``y``, after the epilogue.

    Args:
        product: (O, at least so many columns).
        y: (N, O, OH, OW), written to.
        columns: of N·OH·OW, the columns of all images.
        epilogue: applied to each number.
    """
    _launch(product, y, columns, epilogue, product.shape[1], math.prod(y.shape[2:]))


def apply_epilogue(y: Array, epilogue: Epilogue) -> None:
    """Apply the epilogue to the images ``y`` (N, O, OH, OW) where they are."""
    n, o, oh, ow = y.shape
    if not epilogue.is_empty:
        _launch(y, y, slice(0, n * oh * ow), epilogue, oh * ow, o * oh * ow)


def _launch(
    product: Array, y: Array, columns: slice, epilogue: Epilogue, row_length: int, image_length: int
) -> None:
    n, o, oh, ow = y.shape
    count = columns.stop - columns.start
    EPILOGUE.launch(
        "epilogue",
        columns_and_channels(count, o),
        *(product, y, *epilogue_arguments(epilogue, y)),
        *(columns.start, count, oh * ow, o, row_length, image_length),
        real=y.dtype,
        index_t=index_type(n * oh * ow),
    )


def columns_and_channels(columns: int, channels: int) -> Grid:
    """A thread for each column and `CHANNELS_EACH` channels.

    >>> columns_and_channels(1000, 64)
    Grid(blocks=(4, 16, 1), threads=(256, 1, 1))
    """
    rows = min(-(-channels // CHANNELS_EACH), MOST_BLOCKS_Y)
    return Grid((-(-columns // THREADS), rows, 1), (THREADS, 1, 1))
