"""How long a convolution in TF32 takes on an H100, estimated, to choose between its algorithms.

Nothing of it is measured. Counted are launches, bytes that go to and from memory, multiply-adds,
and what tiles compute beyond the result; a clock is 1 / 1.7 ns.

- im2col writes and reads columns, and the product.
- A 1x1 kernel whose images cuBLAS takes as they are needs neither; but an epilogue reads and writes
  y once more.
- Implicit GEMM reads x and writes y, with the epilogue. Its products are slower than cuBLAS's,
  whose kernels use instructions of Hopper alone, and its tiles are less often full.

So columns are worth their traffic where hundreds of outputs use each of their numbers, or where the
map is so small that there is a tile for a few multiprocessors only: cuBLAS then cuts the inner
dimension as well.
"""

from __future__ import annotations

import math

from minicv.backend.convolution_layer import Direction, Layer
from minicv.backend.cuda.convolution_implicit_gemm_tf32 import BYTES, estimated_clocks
from minicv.backend.cuda.convolution_pointwise import takes_images_as_they_are

LAUNCH = 5000  # clocks
MULTIPLY_ADDS = 100_000  # of cuBLAS in a clock: about 0.7 of what the data sheet says


def implicit_gemm_is_faster(layer: Layer, direction: Direction, with_epilogue: bool) -> bool:
    """Than cuBLAS's products, of images or of columns.

    >>> import numpy as np
    >>> once, none = (1, 1), (0, 0)
    >>> shapes = (8, 64, 56, 56), (256, 64, 1, 1)
    >>> layer = Layer.of(np.dtype("float32"), *shapes, once, none, once, 1)
    >>> implicit_gemm_is_faster(layer, "forward", with_epilogue=False)
    False
    >>> implicit_gemm_is_faster(layer, "forward", with_epilogue=True)
    True
    """
    return implicit_gemm_clocks(layer, direction) < cublas_clocks(layer, with_epilogue)


def implicit_gemm_clocks(layer: Layer, direction: Direction) -> float:
    """Of `convolution_implicit_gemm_tf32`: launches (one packs the weight, or adds parts), tiles.

    >>> import numpy as np
    >>> once = (1, 1)
    >>> shapes = (8, 128, 56, 56), (128, 128, 3, 3)
    >>> wide = Layer.of(np.dtype("float32"), *shapes, once, once, once, 1)
    >>> round(implicit_gemm_clocks(wide, "forward") / 1.7e3), "microseconds"
    (44, 'microseconds')
    """
    launches = 2
    if direction == "grad_input":  # two for each place within a stride that a tap reaches
        launches *= math.prod(map(min, layer.stride, layer.kernel))
    moved = _bytes(layer, layer.x_shape, layer.y_shape) / BYTES
    return launches * LAUNCH + max(moved, estimated_clocks(layer, direction))


def cublas_clocks(layer: Layer, with_epilogue: bool) -> float:
    """Of `convolution_pointwise` where images are columns, else of `convolution_im2col`."""
    n, o, oh, ow = layer.y_shape
    rows, pixels = layer.x_shape[1] * math.prod(layer.kernel), n * oh * ow
    product = o * rows // layer.groups * pixels / MULTIPLY_ADDS
    if layer.groups == 1 and layer.kernel == (1, 1) and takes_images_as_they_are(layer):
        moved = _bytes(layer, layer.x_shape, layer.y_shape) / BYTES
        epilogue = 2 * _bytes(layer, layer.y_shape) / BYTES + LAUNCH if with_epilogue else 0
        return LAUNCH + max(moved, product) + epilogue
    columns = 2 * _bytes(layer, (rows, pixels), layer.y_shape) / BYTES  # written and read
    return (2 + layer.groups) * LAUNCH + columns + product


def _bytes(layer: Layer, *shapes: tuple[int, ...]) -> int:
    return layer.dtype.itemsize * sum(map(math.prod, shapes))
