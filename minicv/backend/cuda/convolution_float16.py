"""Convolution of float16 arrays on CUDA, with sums in float32; see the .cu file beside.

As in `convolution_im2col` and `convolution_pointwise`, windows become columns and one matrix
product does the rest; a large image under a 1x1 kernel is its own column matrix. cuBLAS takes both
matrices in 16 bits, which is what tensor cores are fastest at, adds up in float32, and rounds each
sum to float16. The epilogue computes in float32 and rounds once more. So no array has 32 bits, and
all that is written and read is half as large.

A sum beyond 65,504 becomes infinite here even where a scale would have made it small again.

Works for every stride and dilation, without groups. Arithmetic and traffic are those of im2col,
each number counted as two bytes.
"""

from __future__ import annotations

import math

import numpy as np

from minicv.backend.convolution_layer import Epilogue, Layer
from minicv.backend.cuda.convolution_epilogue import columns_and_channels, epilogue_arguments
from minicv.backend.cuda.convolution_im2col import runs
from minicv.backend.cuda.launcher import CudaFile, index_type
from minicv.backend.cuda.matmul import product
from minicv.backend.device import Array, xp_of
from minicv.backend.storage import FLOAT16
from minicv.backend.windows import Windows

KERNELS = CudaFile("convolution_float16.cu")
ROW_MULTIPLE = 8  # numbers: rows start at multiples of 16 bytes, as tensor cores like them
LARGE = 1 << 30  # multiply-adds of an image: on tensor cores about what a launch takes


def forward(layer: Layer, x: Array, weight: Array, epilogue: Epilogue) -> Array:
    """y = weight @ columns(x), and the epilogue: (N, C, H, W) -> (N, O, OH, OW), in float16.

    Args:
        layer: without groups.
        x, weight: float16, in C order.
        epilogue: scale and shift in float32, shortcut in any dtype.
    """
    xp, y_shape = xp_of(x), layer.y_shape
    scale, shift, shortcut, ceiling = epilogue
    ready = Epilogue(
        None if scale is None else xp.ascontiguousarray(scale, np.float32),
        None if shift is None else xp.ascontiguousarray(shift, np.float32),
        None if shortcut is None else xp.ascontiguousarray(shortcut, FLOAT16),
        ceiling,
    )
    y = xp.empty(y_shape, FLOAT16)
    if _images_are_columns(layer):
        pixels = y_shape[2] * y_shape[3]
        for i in range(y_shape[0]):
            own = y[i].reshape(y_shape[1], pixels)  # a view
            product(weight[:, :, 0, 0], x[i].reshape(-1, pixels), out=own)
            if not epilogue.is_empty:
                _write_images(own, y, slice(i * pixels, (i + 1) * pixels), ready)
        return y
    matrix = weight.reshape(y_shape[1], -1)  # (O, CKK)
    for run in runs(layer.x_shape, y_shape, layer.windows, FLOAT16.itemsize):
        _write_images(product(matrix, _im2col(x, layer.windows, run)), y, run, ready)
    return y


def _images_are_columns(layer: Layer) -> bool:
    """Whether a kernel of one tap meets each pixel, and an image is worth a product of its own."""
    n, o, oh, ow = layer.y_shape
    plain = layer.kernel == (1, 1) and layer.padding == (0, 0)
    worth_it = n == 1 or layer.x_shape[1] * o * oh * ow >= LARGE
    return plain and worth_it and layer.x_shape[2:] == layer.y_shape[2:]


def _im2col(x: Array, windows: Windows, run: slice) -> Array:
    """Some of the columns of x (N, C, H, W): (C·KH·KW, columns), and up to seven zeros more."""
    n, c, h, w = x.shape
    count = run.stop - run.start
    row_length = -(-count // ROW_MULTIPLE) * ROW_MULTIPLE
    columns = xp_of(x).empty((c * math.prod(windows.kernel), row_length), FLOAT16)
    KERNELS.launch(
        "im2col_float16",
        columns_and_channels(row_length, c),
        *(_bits(x), _bits(columns), run.start, count, row_length),
        *(c, h, w, *windows.output, *windows.kernel, *windows.padding, *windows.dilation),
        index_t=index_type(n * math.prod(windows.output) + ROW_MULTIPLE),
        SH=windows.stride[0],
        SW=windows.stride[1],
    )
    return columns


def _write_images(sums: Array, y: Array, columns: slice, epilogue: Epilogue) -> None:
    """Some columns of a matrix product into the images of ``y``, after the epilogue."""
    n, o, oh, ow = y.shape
    count = columns.stop - columns.start
    # Of an array that is left out the kernel gets another of its dtype, and does not read it.
    unused = xp_of(y).empty(1, np.float32)
    scale, shift = (unused if array is None else array for array in epilogue[:2])
    arguments = epilogue_arguments(epilogue, y)
    KERNELS.launch(
        "epilogue_float16",
        columns_and_channels(count, o),
        *(_bits(sums), _bits(y), scale, shift, _bits(arguments[2]), *arguments[3:]),
        *(columns.start, count, oh * ow, o, sums.shape[1]),
        index_t=index_type(n * oh * ow),
        SH=1,  # not used
        SW=1,
    )


def _bits(array: Array) -> Array:
    return array.view(np.uint16)
