"""Convolution of interleaved images: im2col in a third of the copies, all of them long runs.

im2col copies a window row by row, and a row of a small map has some ten pixels. Here the images of
a block are interleaved first, so that the same pixel of all of them stands side by side:

    x (N, C, H, W)  ->  rows (H, C, W, N), with the zeros of the padding around.

Now a row of a map is a run of W·N numbers, and the next pixel lies N numbers further. What kernel
column v meets along a row is one such run, moved by v·N:

    columns[h, v, c]  =  rows[h, c, v : v + OW]            (H, KW, C, OW·N)

The columns of rows i, i + 1, ... i + KH - 1 follow each other in memory. So the matrix that belongs
to row i of the result is there already, as a view, and each row is one matrix product:

    y[o, i]  =  weight[o, u·v·c]  @  columns[i : i + KH] as (u·v·c, OW·N).

The gradient of the weight needs no columns at all. A product of long rows with long rows can read
the same row from any pixel on:

    dL/dweight[v, o, u·c]  =  Σ_i  dL/dy[i, o, OW·N]  @  rows[i : i + KH, c, v : v + OW]ᵀ.

For stride 1, no dilation and one group. Of a batch of small maps a block holds many images; of wide
maps, whose rows are long enough, a single one, and then nothing has to be transposed: N is 1.

Arithmetic: that of im2col. Traffic: x, dL/dy and y are transposed, number by number, and
N·C·KW·H·OW numbers are copied in the cache. Memory: one block for each thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from minicv.backend.convolution_layer import NO_EPILOGUE, Direction, Epilogue, Layer, turn_weight
from minicv.backend.cpu import convolution_shifted as shifted
from minicv.backend.cpu.convolution_products import multiply, multiply_rows
from minicv.backend.cpu.convolution_shifted import Block, copy_out
from minicv.backend.cpu.memory import add_up, row_length, scratch, strided_numbers
from minicv.backend.parallel import parallel_for, split, split_evenly

IMAGES, RUN = 32, 256  # of a block, and numbers of a row of it: at most so many images
WIDE = 48  # pixels of a row that are enough without other images
BLOCK_BYTES = 3 << 19  # of the columns of a block
MOST_PRODUCTS = 1 << 18  # numbers of the products that a block of the gradient of the weight adds
MOST_SUMS = 8  # of the gradient of the weight, which stay apart until the end

Views = TypeVar("Views")


def can_compute(layer: Layer) -> bool:
    """Whether there are windows at every pixel, without gaps, which see all channels.

    >>> options = {"padding": (1, 1), "stride": (1, 1), "groups": 1}
    >>> shapes = np.dtype("float32"), (2, 3, 8, 9), (5, 3, 3, 3)
    >>> [can_compute(Layer.of(*shapes, dilation=(d, d), **options)) for d in (1, 2)]
    [True, False]
    """
    return layer.dilation == (1, 1) and shifted.can_compute(layer)


def forward(
    layer: Layer, x: np.ndarray, weight: np.ndarray, epilogue: Epilogue = NO_EPILOGUE
) -> np.ndarray:
    """y = weight @ columns(x), row by row, and the epilogue.

    >>> x, weight = np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3))
    >>> layer = Layer.of(x.dtype, x.shape, weight.shape, (1, 1), (1, 1), (1, 1), 1)
    >>> forward(layer, x, weight)[0, 0].tolist()
    [[4.0, 6.0, 4.0], [6.0, 9.0, 6.0], [4.0, 6.0, 4.0]]
    """
    o, c, kh, kw = layer.weight_shape
    y = np.empty(layer.y_shape, np.result_type(x, weight))
    matrix = np.empty((o, kh * kw, c), weight.dtype)
    matrix[...] = weight.reshape(o, c, kh * kw).swapaxes(1, 2)
    matrix = matrix.reshape(o, kh * kw * c)
    of_threads = OfThreads(lambda place: _forward_views(layer, place, x.dtype, y.dtype))

    def compute(block: Block) -> None:
        place, seen = _place(layer, block)
        here = of_threads.at(place)
        here.pixels[...] = x[block.images, :, seen]
        here.copies[...] = here.moved
        multiply(matrix, here.columns, out=here.products)
        copy_out(here.product, here.results, y, block, epilogue)

    parallel_for(compute, blocks(layer, sizes(layer, "forward")))
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
    """dL/dweight: rows of dL/dy times the rows of x that they met, summed over rows and blocks.

    Each run of blocks sums on its own and the runs are added in order, so the result is the same
    for any number of threads.

    >>> grad, x = np.ones((1, 1, 1, 2)), np.array([[[[1.0, 2.0, 4.0, 8.0]]]])
    >>> layer = Layer.of(x.dtype, x.shape, (1, 1, 1, 3), (1, 1), (0, 0), (1, 1), 1)
    >>> grad_weight(layer, grad, x).tolist()
    [[[[3.0, 6.0, 12.0]]]]
    """
    o, c, kh, kw = layer.weight_shape
    parts = blocks(layer, sizes(layer, "grad_weight"))
    runs = split(len(parts), -(-len(parts) // MOST_SUMS))
    sums = np.zeros((len(runs), kw, o, kh * c), np.result_type(grad, x))
    of_threads = OfThreads(lambda place: _gradient_views(layer, place, x.dtype, grad.dtype))

    def add(run: int) -> None:
        for block in parts[runs[run]]:
            place, seen = _place(layer, block)
            here = of_threads.at(place)
            here.pixels[...] = x[block.images, :, seen]
            here.arriving[...] = grad[block.images, :, block.rows]
            multiply_rows(here.grads, here.moved, out=here.products)
            sums[run] += here.products.sum(axis=0)

    parallel_for(add, range(len(runs)))
    total = add_up(sums).reshape(kw, o, kh, c)
    return np.ascontiguousarray(total.transpose(1, 3, 2, 0))


def sizes(layer: Layer, direction: Direction) -> Sizes:
    """How large the blocks of a layer are."""
    o, c, kh, kw = layer.weight_shape
    if direction == "grad_weight":
        return Sizes(max(c, o), 2 * RUN, MOST_PRODUCTS // (o * c * kh * kw))
    return Sizes(c * kw, RUN, layer.y_shape[2])


class Sizes(NamedTuple):
    """Of a block.

    Attributes:
        channels: that it holds of each of its pixels.
        run: numbers of a row, about.
        rows: at most.
    """

    channels: int
    run: int
    rows: int


def blocks(layer: Layer, sizes: Sizes) -> list[Block]:
    """The result in blocks of some rows of some images, for about `BLOCK_BYTES` of memory.

    There are two at least, for two cores to share, where that is possible.

    >>> layer = Layer.of(np.dtype("float32"), (2, 1, 4, 4), (1, 1, 3, 3), (1, 1), (1, 1), (1, 1), 1)
    >>> blocks(layer, Sizes(channels=1, run=RUN, rows=4))
    [Block(images=slice(0, 2, None), rows=slice(0, 2, None)),
     Block(images=slice(0, 2, None), rows=slice(2, 4, None))]
    """
    (n, _, oh, ow), item = layer.y_shape, layer.dtype.itemsize
    at_once = 1 if ow >= WIDE else min(IMAGES, max(1, sizes.run // max(1, ow)))
    images = split_evenly(n, at_once)
    rows = BLOCK_BYTES // max(1, min(n, at_once) * sizes.channels * ow * item)
    rows = min(rows, sizes.rows, oh if len(images) > 1 else -(-oh // 2))
    # The rows of one place after the other, so that threads keep their views.
    return [Block(i, r) for r in split_evenly(oh, max(1, rows)) for i in images]


class Place(NamedTuple):
    """How a block lies on its rows; many blocks of a layer lie alike.

    Attributes:
        images: how many.
        rows: of the result.
        above: rows of zeros above the pixels.
        seen: rows of pixels.
    """

    images: int
    rows: int
    above: int
    seen: int


class OfThreads(Generic[Views]):
    """Views of scratch memory, which each thread makes once for all blocks of a place.

    Args:
        make: the views for a place.
    """

    def __init__(self, make: Callable[[Place], Views]) -> None:
        self.make = make
        self._made: dict[int, tuple[Place, Views]] = {}

    def at(self, place: Place) -> Views:
        """Those of the calling thread."""
        thread = threading.get_ident()
        before = self._made.get(thread)
        if before is None or before[0] != place:
            before = self._made[thread] = (place, self.make(place))
        return before[1]


class ForwardViews(NamedTuple):
    """Of the memory that `forward` needs for a block.

    Attributes:
        pixels: (N, C, seen, W), for the pixels of x; zeros lie around them.
        moved: (H, KW, C, OW, N), the same memory as each kernel column sees it.
        copies: for a copy of them.
        columns: (rows, KH·KW·C, OW·N), the copies as a matrix for each row of the result.
        products: (rows, O, OW·N).
        product: (O, rows·OW·N), the same memory.
        results: (N, O, rows, OW), the same memory.
    """

    pixels: np.ndarray
    moved: np.ndarray
    copies: np.ndarray
    columns: np.ndarray
    products: np.ndarray
    product: np.ndarray
    results: np.ndarray


def _forward_views(
    layer: Layer, place: Place, dtype: DTypeLike, product_dtype: DTypeLike
) -> ForwardViews:
    (o, c, kh, kw), ow, n = layer.weight_shape, layer.y_shape[3], place.images
    spread, pixels = _interleaved(layer, place, dtype)
    height, _, per_channel = spread.shape
    run = ow * n
    row = row_length(run)
    copies = scratch("interleaved columns", (height, kw, c, row), dtype)
    size = row_length(place.rows * run)
    product = scratch("interleaved product", (o, size), product_dtype)
    return ForwardViews(
        pixels=pixels,
        moved=strided_numbers(
            spread, (height, kw, c, ow, n), (c * per_channel, n, per_channel, n, 1)
        ),
        copies=strided_numbers(copies, (height, kw, c, ow, n), (kw * c * row, c * row, row, n, 1)),
        columns=strided_numbers(copies, (place.rows, kh * kw * c, run), (kw * c * row, row, 1)),
        products=strided_numbers(product, (place.rows, o, run), (run, size, 1)),
        product=product[:, : place.rows * run],
        results=strided_numbers(product, (n, o, place.rows, ow), (1, size, run, n)),
    )


class GradientViews(NamedTuple):
    """Of the memory that `grad_weight` needs for a block.

    Attributes:
        pixels: (N, C, seen, W), for the pixels of x; zeros lie around them.
        moved: (rows, KW, KH·C, OW·N), the same memory as each kernel column sees it.
        arriving: (N, O, rows, OW), for dL/dy.
        grads: (rows, KW, O, OW·N), the same memory, alike for each kernel column.
        products: (rows, KW, O, KH·C).
    """

    pixels: np.ndarray
    moved: np.ndarray
    arriving: np.ndarray
    grads: np.ndarray
    products: np.ndarray


def _gradient_views(
    layer: Layer, place: Place, dtype: DTypeLike, grad_dtype: DTypeLike
) -> GradientViews:
    (o, c, kh, kw), ow, n, rows = layer.weight_shape, layer.y_shape[3], place.images, place.rows
    spread, pixels = _interleaved(layer, place, dtype)
    per_channel = spread.shape[2]
    run = ow * n
    row = row_length(run)
    grads = scratch("interleaved gradient", (rows, o, row), grad_dtype)
    return GradientViews(
        pixels=pixels,
        moved=strided_numbers(
            spread, (rows, kw, kh * c, run), (c * per_channel, n, per_channel, 1)
        ),
        arriving=strided_numbers(grads, (n, o, rows, ow), (1, row, o * row, n)),
        grads=strided_numbers(grads, (rows, kw, o, run), (o * row, 0, row, 1)),
        products=scratch(
            "interleaved products", (rows, kw, o, kh * c), np.result_type(dtype, grad_dtype)
        ),
    )


def _interleaved(layer: Layer, place: Place, dtype: DTypeLike) -> tuple[np.ndarray, np.ndarray]:
    """Memory (H, C, W·N) with zeros for the padding, and the view (N, C, seen, W) of its pixels."""
    c, kh, kw = layer.weight_shape[1:]
    (above, left), w, n = (place.above, layer.padding[1]), layer.x_shape[3], place.images
    row = row_length((layer.y_shape[3] + kw - 1) * n)
    spread = scratch("interleaved images", (place.rows + kh - 1, c, row), dtype)
    spread[:above] = 0
    spread[above + place.seen :] = 0
    spread[..., : left * n] = 0
    spread[..., (left + w) * n :] = 0
    start = above * c * row + left * n
    return spread, strided_numbers(spread, (n, c, place.seen, w), (1, row, c * row, n), start)


def _place(layer: Layer, block: Block) -> tuple[Place, slice]:
    """How a block lies on its rows, and the rows of x that it sees."""
    (images, rows), above = block, layer.padding[0]
    first = max(0, rows.start - above)
    last = min(layer.x_shape[2], rows.stop + layer.reach[0] - above)
    place = Place(
        images.stop - images.start,
        rows.stop - rows.start,
        above=first - (rows.start - above),
        seen=last - first,
    )
    return place, slice(first, last)
