"""Convolution by shifted rows: im2col whose matrix is filled by long runs of memory.

im2col copies a window's pixels row by row, and a row of a small map has some ten pixels. Here the
images of a block are first spread: every channel becomes one long row, the images behind each
other, with zeros between the rows and between the images. One zero column serves as the right
border of a row and as the left border of the next:

    1 2        1 2 0 3 4 0 0 0 0 5 6 0 7 8 0 ...     two images of 2 x 2, padding 1
    3 4                                              (a row of zeros below the first)

Then every window looks at the same offsets, and a row of the matrix, which holds what kernel
element (u, v) meets at all positions, is the long row itself, moved by u rows and v pixels:

    y[o, position]  =  weight[o, c·kh·kw]  @  columns[c·kh·kw, position].

The positions at the zeros between are computed too, and passed over when the result is copied out:
a share of 1 / (W + 1) and 1 / (H + 1). That costs less than short runs.

For stride 1 and one group. It suits layers of few channels, where the transforms of Winograd's
algorithm take longer than the products that they save.

Arithmetic: that of im2col, and that of the positions between. Traffic: a write and a read of
N·C·KH·KW·OH·OW numbers in the cache, in long runs. Memory: one block for each thread.

Only one thread at a time can run Python, and one that has to wait sleeps for longer than a small
product takes. So a thread makes its views and zeros once, in a `Workspace`, and a block is four
calls of NumPy.
"""

from __future__ import annotations

import math
import threading
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from minicv.backend.convolution_layer import NO_EPILOGUE, Epilogue, Layer, turn_weight
from minicv.backend.cpu.convolution_products import multiply, multiply_rows
from minicv.backend.cpu.memory import add_up, row_length, scratch, strided_numbers
from minicv.backend.parallel import parallel_for, split, split_evenly

# Of the columns of a block. They lie in the second cache, but a block is ten steps of Python.
BLOCK_BYTES = 2 << 20
MOST_SUMS = 8  # of the gradient of the weight, which stay apart until the end


class Block(NamedTuple):
    """Some images, or some rows of one image, of a layer's result.

    Attributes:
        images, rows: which.
    """

    images: slice
    rows: slice


class Grid(NamedTuple):
    """The positions of a block: ``planes`` of ``height`` x ``width``, zeros included."""

    planes: int
    height: int
    width: int

    @property
    def positions(self) -> int:
        return math.prod(self)


def can_compute(layer: Layer) -> bool:
    """Whether the windows lie at every pixel, and see all channels.

    >>> options = {"padding": (1, 1), "dilation": (1, 1), "groups": 1}
    >>> shapes = np.dtype("float32"), (1, 3, 8, 9), (5, 3, 3, 3)
    >>> [can_compute(Layer.of(*shapes, stride=(s, s), **options)) for s in (1, 2)]
    [True, False]
    """
    usual = all(0 <= p <= r for p, r in zip(layer.padding, layer.reach, strict=True))
    # A transposed convolution with output padding has an x that its windows do not reach.
    reached = all(
        size + 2 * p - r == out
        for size, p, r, out in zip(
            layer.x_shape[2:], layer.padding, layer.reach, layer.y_shape[2:], strict=True
        )
    )
    return layer.groups == 1 and layer.stride == (1, 1) and usual and reached


def forward(
    layer: Layer, x: np.ndarray, weight: np.ndarray, epilogue: Epilogue = NO_EPILOGUE
) -> np.ndarray:
    """y = weight @ columns(x), and the epilogue.

    >>> x, weight = np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3))
    >>> layer = Layer.of(x.dtype, x.shape, weight.shape, (1, 1), (1, 1), (1, 1), 1)
    >>> forward(layer, x, weight)[0, 0].tolist()
    [[4.0, 6.0, 4.0], [6.0, 9.0, 6.0], [4.0, 6.0, 4.0]]
    """
    o = len(weight)
    y = np.empty(layer.y_shape, np.result_type(x, weight))
    matrix = weight.reshape(o, -1)
    workspaces = Workspaces(layer, x.dtype, y.dtype)

    def compute(block: Block) -> None:
        here = workspaces.filled(x, block)
        multiply(matrix, here.columns, out=here.product)
        copy_out(here.product, here.results, y, block, epilogue)

    parallel_for(compute, blocks(layer, (matrix.shape[1] + o) * y.itemsize))
    return y


def grad_input(layer: Layer, grad: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """dL/dx: the convolution of dL/dy with the turned kernel; see `Layer.turned`.

    >>> grad, weight = np.ones((1, 1, 1, 2)), np.array([[[[1.0, 2.0, 4.0]]]])
    >>> layer = Layer.of(grad.dtype, (1, 1, 1, 4), weight.shape, (1, 1), (0, 0), (1, 1), 1)
    >>> grad_input(layer, grad, weight).tolist()
    [[[[1.0, 3.0, 6.0, 4.0]]]]
    """
    return forward(layer.turned(), grad, turn_weight(weight, 1))


def grad_weight(layer: Layer, grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dL/dweight = (columns(x) @ dL/dyᵀ)ᵀ, summed over the blocks.

    dL/dy is spread like the columns, with zeros at the positions between. Each run of blocks sums
    on its own and the runs are added in order, so the result is the same for any number of threads.

    >>> grad, x = np.ones((1, 1, 1, 2)), np.array([[[[1.0, 2.0, 4.0, 8.0]]]])
    >>> layer = Layer.of(x.dtype, x.shape, (1, 1, 1, 3), (1, 1), (0, 0), (1, 1), 1)
    >>> grad_weight(layer, grad, x).tolist()
    [[[[3.0, 6.0, 12.0]]]]
    """
    o = layer.weight_shape[0]
    window = math.prod(layer.weight_shape[1:])
    dtype = np.result_type(grad, x)
    parts = blocks(layer, (window + o) * dtype.itemsize)
    runs = split(len(parts), -(-len(parts) // MOST_SUMS))
    sums = np.zeros((len(runs), window, o), dtype)
    workspaces = Workspaces(layer, x.dtype, grad.dtype)

    def add(run: int) -> None:
        product = scratch("shifted gradient", (window, o), dtype)
        for block in parts[runs[run]]:
            here = workspaces.filled(x, block)
            here.product[...] = 0
            here.results[...] = grad[block.images, :, block.rows]
            multiply_rows(here.columns, here.product, out=product)
            sums[run] += product

    parallel_for(add, range(len(runs)))
    return np.ascontiguousarray(add_up(sums).T).reshape(layer.weight_shape)


def blocks(layer: Layer, position_bytes: int) -> list[Block]:
    """The result in blocks of about `BLOCK_BYTES`: some whole images, or rows of one image.

    There are two at least, for two cores to share, where that is possible.

    >>> layer = Layer.of(np.dtype("float32"), (2, 1, 4, 4), (1, 1, 3, 3), (1, 1), (1, 1), (1, 1), 1)
    >>> [block.images for block in blocks(layer, position_bytes=4)]
    [slice(0, 1, None), slice(1, 2, None)]
    >>> [block.rows for block in blocks(layer, position_bytes=BLOCK_BYTES // 10)][:2]
    [slice(0, 2, None), slice(2, 4, None)]
    """
    n, oh = layer.y_shape[0], layer.y_shape[2]
    height, width = plane(layer)
    positions = max(1, BLOCK_BYTES // max(1, position_bytes))
    images = _in_equal_blocks(n, min(positions // (height * width), -(-n // 2)))
    rows = min(max(1, positions // width), -(-oh // 2) if n == 1 else oh)
    return [Block(i, r) for i in split_evenly(n, max(1, images)) for r in split_evenly(oh, rows)]


def _in_equal_blocks(n: int, images: int) -> int:
    """About so many of n images, if that makes an even number of equal blocks; else so many.

    Equal blocks lie alike and share a `Workspace`, and of an even number no core gets one more.

    >>> _in_equal_blocks(64, 3), _in_equal_blocks(64, 11), _in_equal_blocks(7, 3)
    (4, 8, 3)
    """
    near = range(images * 4 // 3, images // 2, -1)
    return next((count for count in near if n % (2 * count) == 0), images)


def plane(layer: Layer) -> tuple[int, int]:
    """Rows and columns of a spread image: those of x, and the zeros behind them.

    >>> layer = Layer.of(np.dtype("float32"), (1, 1, 4, 5), (1, 1, 3, 3), (1, 1), (1, 1), (1, 1), 1)
    >>> plane(layer)
    (5, 6)
    """
    (h, w), (oh, ow) = layer.x_shape[2:], layer.y_shape[2:]
    return max(h + layer.padding[0], oh), max(w + layer.padding[1], ow)


class Place(NamedTuple):
    """How a block lies on its grid; most blocks of a layer lie alike.

    Attributes:
        grid: all positions.
        start: position of the first pixel.
        seen: rows of x that the windows see.
        rows: of the result.
    """

    grid: Grid
    start: int
    seen: int
    rows: int


class Workspace(NamedTuple):
    """Scratch memory of a thread, with the zeros and views that all blocks of a place share.

    Attributes:
        place: that of the blocks.
        pixels: (images, C, rows, W), for the pixels of a block; zeros lie around them.
        shifted: (C, KH, KW, positions), the same memory as each kernel element sees it.
        copies: (C, KH, KW, positions), for a copy of them.
        columns: the copies as a matrix, (C·KH·KW, positions).
        product: (O, positions).
        results: (images, O, rows, OW), the product without the positions between.
    """

    place: Place
    pixels: np.ndarray
    shifted: np.ndarray
    copies: np.ndarray
    columns: np.ndarray
    product: np.ndarray
    results: np.ndarray


class Workspaces:
    """A workspace for each thread that computes blocks of a layer."""

    def __init__(self, layer: Layer, dtype: DTypeLike, product_dtype: DTypeLike) -> None:
        self.layer, self.dtype, self.product_dtype = layer, dtype, product_dtype
        self._of_threads: dict[int, Workspace] = {}

    def filled(self, x: np.ndarray, block: Block) -> Workspace:
        """That of the calling thread, with the columns of a block of x."""
        place, first = _place(self.layer, block)
        thread = threading.get_ident()
        here = self._of_threads.get(thread)
        if here is None or here.place != place:
            here = self._of_threads[thread] = self._prepared(place)
        here.pixels[...] = x[block.images, :, first : first + place.seen]
        here.copies[...] = here.shifted
        return here

    def _prepared(self, place: Place) -> Workspace:
        o, c, kh, kw = self.layer.weight_shape
        (dh, dw), (planes, height, width) = self.layer.dilation, place.grid
        positions = place.grid.positions
        w = self.layer.x_shape[3]
        size = positions + self.layer.reach[0] * width + self.layer.reach[1]
        spread = scratch("spread images", (c, size), self.dtype)
        _clear_between(spread, place, w)
        row = row_length(positions)
        copies = scratch("shifted columns", (c, kh, kw, row), self.dtype)
        product = scratch("shifted product", (o, positions), self.product_dtype)
        results = product.reshape(o, *place.grid).swapaxes(0, 1)
        return Workspace(
            place,
            pixels=strided_numbers(
                spread, (planes, c, place.seen, w), (height * width, size, width, 1), place.start
            ),
            # Kernel element (u, v) sees the pixel that lies u · dh rows and v · dw columns further.
            shifted=strided_numbers(spread, (c, kh, kw, positions), (size, dh * width, dw, 1)),
            copies=copies[..., :positions],
            columns=copies.reshape(c * kh * kw, row)[:, :positions],
            product=product,
            results=results[:, :, : place.rows, : self.layer.y_shape[3]],
        )


def _place(layer: Layer, block: Block) -> tuple[Place, int]:
    """How a block lies on its grid, and the first row of x that it sees."""
    (images, rows), (above, left) = block, layer.padding
    height, width = plane(layer)
    count = rows.stop - rows.start
    if count < layer.y_shape[2]:
        height = count
    first = max(0, rows.start - above)
    last = min(layer.x_shape[2], rows.stop + layer.reach[0] - above)
    # Row i of an image begins at position (above + i - rows.start) · width + left.
    start = (above + first - rows.start) * width + left
    grid = Grid(images.stop - images.start, height, width)
    return Place(grid, start, last - first, count), first


def _clear_between(spread: np.ndarray, place: Place, w: int) -> None:
    """Zeros wherever no block of this place puts a pixel.

    >>> spread, place = np.ones((1, 12)), Place(Grid(1, 3, 3), start=4, seen=2, rows=3)
    >>> _clear_between(spread, place, w=2)
    >>> spread.astype(int).tolist()
    [[0, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 0]]
    """
    c, size = spread.shape
    (planes, height, width), start = place.grid, place.start
    last = start + ((planes - 1) * height + place.seen) * width
    spread[:, :start] = 0
    spread[:, last:] = 0
    rows = strided_numbers(
        spread, (c, planes, place.seen, width), (size, height * width, width, 1), start
    )
    rows[..., w:] = 0
    if place.seen < height:
        below = start + place.seen * width
        gap = (height - place.seen) * width
        strided_numbers(spread, (c, planes - 1, gap), (size, height * width, 1), below)[...] = 0


def copy_out(
    product: np.ndarray, results: np.ndarray, y: np.ndarray, block: Block, epilogue: Epilogue
) -> None:
    """A block of the result into y, and its epilogue while it is in the cache.

    Args:
        product: (O, positions), the block; changed in place.
        results: (images, O, rows, OW), the same memory, without positions that are no results.
        y: the whole result.
        block: which.
        epilogue: of the convolution.
    """
    scale, shift, shortcut, ceiling = epilogue
    if scale is not None:
        product *= scale[:, None]
    if shift is not None:
        product += shift[:, None]
    if shortcut is None and ceiling is not None:
        np.clip(product, 0, ceiling, out=product)  # twice as fast as np.maximum(product, 0)
    out = y[block.images, :, block.rows]  # (images, O, rows, OW)
    if shortcut is None:
        out[...] = results
        return
    np.add(results, shortcut[block.images, :, block.rows], out=out)
    if ceiling is not None:
        np.clip(out, 0, ceiling, out=out)
