"""4x4 convolution at stride 2 by Winograd's algorithm: F(4x4, 2x2) on four planes of the image.

*Planes.* With stride 2 a window begins at every second pixel. So an element of the kernel meets
only the pixels of one plane: those of even or odd rows, and of even or odd columns. The kernel
falls apart likewise, and each part of 2x2 elements passes over its plane with stride 1:

    y[o]               = Σ over planes (a, b) and c of  plane(a, b)[c] ⋆ weight[o, c, a::2, b::2]
    dL/dplane(a, b)[c] = Σ over o of  dL/dy[o] ⋆ (weight[o, c, a::2, b::2] turned by 180°)

The second line is also the forward of a transposed convolution: every plane of its result is a
convolution of its own.

*Winograd's algorithm*, which `convolution_winograd` explains, evaluates polynomials at five points,
here 1, -1, 1/2, -1/2 and ∞. A block of 4x4 results takes 25 multiplications in place of 64:

    V[point] (4C, tiles) = Bᵀ d B, of tiles of 5x5 pixels of the four planes
    U[point] (O, 4C)     = G w Gᵀ, of parts of 2x2 elements
    M[point] (O, tiles)  = U[point] @ V[point]             y = Aᵀ M A

    dL/dU[point] = dL/dM[point] @ V[point]ᵀ,   dL/dM = A dL/dy Aᵀ,   dL/dw = Gᵀ dL/dU G

For dL/dx, the tiles of 5x5 numbers of dL/dy that the four planes see begin at most one row and one
column apart, so a tile of 6x6 holds all four, and one matrix (4·25, 36) gives V for all planes.

Arithmetic: 25/64 of the multiply-adds of im2col, where 4 divides the size of y. Added to that, as
matrix products too: for each tile 25² for a plane of x, 100·36 for a channel of dL/dy and 25·16 for
a channel of the result, and 25·4 for each part of a kernel.

Traffic: V and M hold 25/16 of the pixels, U 25/4 of the weights. Where there are many tiles for few
weights, bands of tiles pass through the cache and U stays there; else V stays, and U passes in
blocks of channels.

Rounding: relative error about 1.5e-6.

Source: Lavin and Gray 2016, "Fast algorithms for convolutional neural networks", section 4, for
another size of kernel; Winograd 1980, "Arithmetic complexity of computations", chapter 4.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minicv.backend.convolution_layer import NO_EPILOGUE, Epilogue, Layer, Pair
from minicv.backend.cpu import convolution_products as products
from minicv.backend.cpu.convolution_epilogue import apply_epilogue, apply_to_block
from minicv.backend.cpu.memory import add_up, scratch, strided
from minicv.backend.parallel import parallel_for, split, split_evenly

TILE = 4  # results along one axis
POINTS, TAPS, PLANES = 25, 4, 4  # of a tile, of a part of the kernel, of an image
FEW_WEIGHTS = 4 << 20  # bytes of U that stay in a cache while bands of tiles pass
BAND_TILES = 112  # of a band; matrix products of much fewer columns are slow
AT_ONCE = 8  # images: their pixels may all claim one set of a cache, which has 8 places
IMAGE_BYTES = 64 << 20  # of V at most, where it stays
# For the gradient of few weights bands pay off where there are so many times more numbers in V and
# dL/dM than in dL/dU; elsewhere so many bytes of them are multiplied at once.
MANY_TILES = 8
SUMMED_BYTES = 16 << 20
CHANNELS = 64  # of a block of V or U
AT_ONCE_NUMBERS = 1 << 18  # of V, that are transformed at once
MOST_SUMS = 8  # of a gradient of the weight, that stay apart until the end


def _values(terms: int) -> np.ndarray:
    """Of 1, x, x², ... at the five points, (5, terms); at ∞ the last term counts alone."""
    finite = np.vander([1.0, -1.0, 0.5, -0.5], terms, increasing=True)
    return np.vstack([finite, np.eye(terms)[-1:]])


# A polynomial of 5 terms is known from its values at 5 points. Bᵀ is the transpose of that step.
_BT = np.linalg.inv(_values(5)).T  # (5, 5)
IMAGE = np.kron(_BT, _BT).astype(np.float32)  # (25, 25): Bᵀ ⊗ Bᵀ
KERNEL = np.kron(_values(2), _values(2)).astype(np.float32)  # (25, 4): G ⊗ G
RESULT = np.kron(_values(4), _values(4)).T.astype(np.float32)  # (16, 25): Aᵀ ⊗ Aᵀ
# Where the tiles of two planes end up side by side: (2·25, 32), the pixels of both in turn.
PAIR = np.kron(np.eye(2)[:, None], RESULT.T[:, :, None]).reshape(2 * POINTS, -1).astype(np.float32)


class Tiles(NamedTuple):
    """Some images of a batch, and in each some rows of tiles with ``across`` tiles each.

    The images come last: tiles that stand at the same place of all images lie side by side.
    """

    images: slice
    rows: slice
    across: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(rows, columns, images) of tiles."""
        rows = self.rows.stop - self.rows.start
        return rows, self.across, self.images.stop - self.images.start

    @property
    def number(self) -> int:
        return math.prod(self.shape)


def can_compute(layer: Layer) -> bool:
    """Whether the kernel is 4x4 and the stride 2: the layer that GANs halve and double maps with.

    A 3x3 kernel would do with one of four taps, of which one is 0; im2col is faster there.

    >>> shapes = np.dtype("float32"), (1, 3, 8, 9)
    >>> options = {"padding": (1, 1), "dilation": (1, 1), "groups": 1}
    >>> [can_compute(Layer.of(*shapes, (5, 3, 4, 4), stride=(s, s), **options)) for s in (1, 2)]
    [False, True]
    """
    once = layer.groups == 1 and layer.dilation == (1, 1) and layer.stride == (2, 2)
    return once and layer.kernel == (4, 4) and max(layer.padding) <= 3


def forward(
    layer: Layer, x: np.ndarray, weight: np.ndarray, epilogue: Epilogue = NO_EPILOGUE
) -> np.ndarray:
    """(N, C, H, W), (O, C, 4, 4) -> (N, O, OH, OW), in float32, and the epilogue.

    >>> x, weight = np.ones((1, 1, 4, 4), np.float32), np.ones((1, 1, 4, 4), np.float32)
    >>> layer = Layer.of(x.dtype, x.shape, weight.shape, (2, 2), (1, 1), (1, 1), 1)
    >>> forward(layer, x, weight)[0, 0].round(4).tolist()
    [[9.0, 9.0], [9.0, 9.0]]
    """
    o, c = weight.shape[:2]
    parts = weight.reshape(o, c, 2, 2, 2, 2)  # tap and plane of the rows, then of the columns
    y = np.empty(layer.y_shape, np.float32)
    # A shortcut does not come in tiles: with one, the whole epilogue is done at the end.
    of_tiles, of_images = (
        (epilogue, NO_EPILOGUE) if epilogue.shortcut is None else (NO_EPILOGUE, epilogue)
    )

    def kernels(outputs: slice) -> np.ndarray:
        count = outputs.stop - outputs.start
        in_order = scratch("strided kernels", (count, 2, 2, 2, 2, c), np.float32)
        in_order[...] = parts[outputs].transpose(0, 2, 4, 3, 5, 1)  # (O, taps, planes, C)
        return in_order.reshape(1, count, TAPS, PLANES * c)

    def image(channels: slice, tiles: Tiles, v: np.ndarray) -> None:
        _transform_planes(x, channels, tiles, layer.padding, v[0])

    def result(m: np.ndarray, outputs: slice, tiles: Tiles) -> None:
        count = outputs.stop - outputs.start
        pixels = scratch("strided result", (count, tiles.number, TILE * TILE), np.float32)
        np.matmul(m[0].transpose(1, 2, 0), RESULT.T, out=pixels)  # (O, tiles, 25) @ (25, 16)
        apply_to_block(of_tiles, pixels.reshape(count, -1), 0, outputs)
        put_together(pixels.reshape(1, count, -1, TILE, TILE), y, outputs, tiles)

    sizes = _Sizes(planes=1, channels=c, inner=PLANES * c, outputs=o)
    _convolve(
        sizes, tile_grid(*layer.y_shape[2:]), layer.y_shape[0], image, kernels, KERNEL, result
    )
    return apply_epilogue(of_images, y)


def grad_input(layer: Layer, grad: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """dL/dx, plane by plane. Also the forward of transposed convolution.

    Turning a part of the kernel reverses its 4 numbers; here the columns of its transform are
    reversed instead.

    >>> grad, weight = np.ones((1, 1, 1, 1), np.float32), np.arange(16, dtype=np.float32)
    >>> layer = Layer.of(grad.dtype, (1, 1, 2, 2), (1, 1, 4, 4), (2, 2), (1, 1), (1, 1), 1)
    >>> grad_input(layer, grad, weight.reshape(1, 1, 4, 4)).round(4).tolist()
    [[[[5.0, 6.0], [9.0, 10.0]]]]
    """
    o, c = weight.shape[:2]
    parts = weight.reshape(o, c, 2, 2, 2, 2)
    grad_x = np.empty(layer.x_shape, np.float32)
    down, across = (_part_of_plane(padding) for padding in layer.padding)
    matrix, padding = _gradient_of_planes(layer.padding)

    def kernels(channels: slice) -> np.ndarray:
        count = channels.stop - channels.start
        in_order = scratch("strided kernels", (2, 2, count, 2, 2, o), np.float32)
        of_planes = parts[:, channels][:, :, :, down][..., across]
        in_order[...] = of_planes.transpose(3, 5, 1, 2, 4, 0)  # (planes, C, taps, O)
        return in_order.reshape(PLANES, count, TAPS, o)

    def image(outputs: slice, tiles: Tiles, v: np.ndarray) -> None:
        numbers = cut(grad, outputs, tiles, TILE + 2, TILE, padding)  # (O, 36, tiles)
        np.matmul(matrix, numbers, out=v.reshape(-1, *v.shape[2:])[:, outputs].swapaxes(0, 1))

    def result(m: np.ndarray, channels: slice, tiles: Tiles) -> None:
        count = channels.stop - channels.start
        pixels = scratch("strided result", (2, count, tiles.number, 2 * TILE * TILE), np.float32)
        # Planes of the same rows, of even and odd columns: (C, tiles, 2·25) @ (2·25, 32)
        in_pairs = m.reshape(2, 2 * POINTS, count, tiles.number)
        np.matmul(in_pairs.transpose(0, 2, 3, 1), PAIR, out=pixels)
        put_together(pixels.reshape(2, count, -1, TILE, 2 * TILE), grad_x, channels, tiles)

    sizes = _Sizes(planes=PLANES, channels=o, inner=o, outputs=c)
    grid = tile_grid(*(-(-size // 2) for size in layer.x_shape[2:]))
    _convolve(sizes, grid, layer.x_shape[0], image, kernels, KERNEL[:, ::-1], result)
    return grad_x


def grad_weight(layer: Layer, grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dL/dU = Σ over tiles of dL/dM ⊙ V, summed by the matrix products, then Gᵀ dL/dU G.

    >>> grad, x = np.ones((1, 1, 1, 1), np.float32), np.arange(16, dtype=np.float32)
    >>> layer = Layer.of(x.dtype, (1, 1, 4, 4), (1, 1, 4, 4), (2, 2), (0, 0), (1, 1), 1)
    >>> grad_weight(layer, grad, x.reshape(1, 1, 4, 4))[0, 0, :2].round(4).tolist()
    [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]]
    """
    o, c = layer.weight_shape[:2]
    n, grid = layer.y_shape[0], tile_grid(*layer.y_shape[2:])
    inner = PLANES * c
    grad_of_parts = np.empty((o, TAPS, inner), np.float32)
    of_bands = bands(n, grid, BAND_TILES)
    if sums_bands(o, inner, n * math.prod(grid)) and len(of_bands) > 1:
        runs = split(len(of_bands), -(-len(of_bands) // MOST_SUMS))
        sums = np.zeros((len(runs), POINTS, o, inner), np.float32)

        def sum_run(run: int) -> None:
            for tiles in of_bands[runs[run]]:
                v = scratch("strided image", (POINTS, inner, tiles.number), np.float32)
                dm = scratch("strided gradient", (POINTS, o, tiles.number), np.float32)
                _transform_planes(x, slice(0, c), tiles, layer.padding, v)
                _transform_grad(grad, slice(0, o), tiles, dm)
                term = scratch("strided kernels", (POINTS, o, inner), np.float32)
                products.multiply_rows(dm, v, term)
                sums[run] += term

        parallel_for(sum_run, range(len(runs)))
        np.matmul(KERNEL.T, add_up(sums).swapaxes(0, 1), out=grad_of_parts)
    else:
        grad_of_parts[...] = 0
        most = SUMMED_BYTES if has_few_weights(o, inner) else IMAGE_BYTES
        for tiles in bands(n, grid, most // (4 * POINTS * (inner + o))):
            _add_gradient(layer, grad, x, tiles, grad_of_parts)
    # (O, taps, planes · C) -> (O, C, 2, 2, 2, 2) -> (O, C, 4, 4)
    in_order = grad_of_parts.reshape(o, 2, 2, 2, 2, c).transpose(0, 5, 1, 3, 2, 4)
    return in_order.reshape(layer.weight_shape)


def _add_gradient(
    layer: Layer, grad: np.ndarray, x: np.ndarray, tiles: Tiles, grad_of_parts: np.ndarray
) -> None:
    """What many tiles add to the gradient of the parts, (O, taps, planes · C)."""
    o, c = layer.weight_shape[:2]
    v = scratch("strided whole image", (POINTS, PLANES * c, tiles.number), np.float32)
    dm = scratch("strided whole gradient", (POINTS, o, tiles.number), np.float32)

    def transform(block: tuple[bool, slice]) -> None:
        of_image, channels = block
        if of_image:
            _transform_planes(x, channels, tiles, layer.padding, v)
        else:
            _transform_grad(grad, channels, tiles, dm[:, channels])

    def multiply(outputs: slice) -> None:
        du = scratch("strided kernels", (POINTS, outputs.stop - outputs.start, v.shape[1]), v.dtype)
        products.multiply_rows(dm[:, outputs], v, du)
        grad_of_parts[outputs] += np.matmul(KERNEL.T, du.swapaxes(0, 1))

    of_x, of_grad = (
        _blocks(channels, AT_ONCE_NUMBERS // (numbers * tiles.number))
        for channels, numbers in ((c, PLANES * POINTS), (o, POINTS))
    )
    parallel_for(transform, [(True, b) for b in of_x] + [(False, b) for b in of_grad])
    parallel_for(multiply, _blocks(o))


class _Sizes(NamedTuple):
    """Of the products M (planes, 25, outputs, tiles) = U (.., outputs, inner) @ V (.., inner, ..).

    V is computed from ``channels`` channels of an image.
    """

    planes: int
    channels: int
    inner: int
    outputs: int


def _convolve(
    sizes: _Sizes,
    grid: Pair,
    n: int,
    image: Callable[[slice, Tiles, np.ndarray], None],
    kernels: Callable[[slice], np.ndarray],
    matrix: np.ndarray,
    result: Callable[[np.ndarray, slice, Tiles], None],
) -> None:
    """U of the kernels, V of n images whose tiles form a grid, and what becomes of their products.

    Args:
        sizes: of the products.
        grid: (rows, columns) of tiles in each image.
        image: writes V of some channels of some tiles.
        kernels: (planes, outputs, taps, inner) of some outputs.
        matrix: (25, taps), of the transform of the kernels.
        result: takes M of some outputs and tiles.
    """
    planes, inner = sizes.planes, sizes.inner

    def transformed(outputs: slice, u: np.ndarray) -> np.ndarray:
        np.matmul(matrix, kernels(outputs), out=u.swapaxes(1, 2))  # (25, taps) @ (.., taps, inner)
        return u

    def multiply(u: np.ndarray, v: np.ndarray, outputs: slice, tiles: Tiles) -> None:
        m = scratch("strided product", (planes, POINTS, u.shape[2], tiles.number), np.float32)
        products.multiply(u, v, m)
        result(m, outputs, tiles)

    of_bands = bands(n, grid, BAND_TILES)
    if has_few_weights(sizes.outputs, planes * inner) and len(of_bands) > 1:
        u = np.empty((planes, POINTS, sizes.outputs, inner), np.float32)
        parallel_for(lambda block: transformed(block, u[:, :, block]), _blocks(sizes.outputs))

        def convolve_band(tiles: Tiles) -> None:
            v = scratch("strided image", (planes, POINTS, inner, tiles.number), np.float32)
            image(slice(0, sizes.channels), tiles, v)
            multiply(u, v, slice(0, sizes.outputs), tiles)

        parallel_for(convolve_band, of_bands)
        return

    for tiles in bands(n, grid, IMAGE_BYTES // (4 * planes * POINTS * inner)):
        v = scratch("strided whole image", (planes, POINTS, inner, tiles.number), np.float32)

        def transform(channels: slice, tiles: Tiles = tiles, v: np.ndarray = v) -> None:
            image(channels, tiles, v)

        def convolve_outputs(outputs: slice, tiles: Tiles = tiles, v: np.ndarray = v) -> None:
            shape = (planes, POINTS, outputs.stop - outputs.start, inner)
            u = transformed(outputs, scratch("strided kernels of points", shape, np.float32))
            multiply(u, v, outputs, tiles)

        numbers = planes * inner // sizes.channels * POINTS * tiles.number  # of V, of a channel
        parallel_for(transform, _blocks(sizes.channels, AT_ONCE_NUMBERS // numbers))
        parallel_for(convolve_outputs, _blocks(sizes.outputs))


def has_few_weights(outputs: int, inner: int) -> bool:
    """Whether U stays in a cache."""
    return 4 * POINTS * outputs * inner <= FEW_WEIGHTS


def sums_bands(outputs: int, inner: int, tiles: int) -> bool:
    """Whether the gradient of the weight sums bands of tiles, or multiplies all tiles at once.

    A band adds as many numbers as U has, and without bands V and dL/dM leave the cache.
    """
    many_tiles = tiles * (outputs + inner) > MANY_TILES * outputs * inner
    return has_few_weights(outputs, inner) and many_tiles


def _blocks(channels: int, most: int = CHANNELS) -> list[slice]:
    """Of at most so many channels, at least two blocks for two cores to share."""
    return split_evenly(channels, max(1, min(most, CHANNELS, -(-channels // 2))))


def tile_grid(height: int, width: int) -> Pair:
    """Rows and columns of tiles that cover so many results."""
    return -(-height // TILE), -(-width // TILE)


def bands(n: int, grid: Pair, tiles: int) -> list[Tiles]:
    """Of at most about ``tiles`` tiles: some rows of one image, or several small images."""
    down, across = grid
    images = max(1, tiles // max(1, down * across))
    rows = max(1, tiles // across) if images == 1 else down
    return [Tiles(i, r, across) for i in split_evenly(n, images) for r in split_evenly(down, rows)]


def _part_of_plane(padding: int) -> slice:
    """The order of the kernel's parts in which the planes are those of even and of odd rows of x.

    Row i of x is row i + padding of the padded image; part a of the kernel meets its rows of the
    parity of a.

    >>> [[0, 1][_part_of_plane(padding)] for padding in (0, 1)]
    [[0, 1], [1, 0]]
    """
    return slice(None, None, -1 if padding % 2 else 1)


@functools.cache
def _gradient_of_planes(padding: Pair) -> tuple[np.ndarray, Pair]:
    """The matrix (4 · 25, 36) from 6x6 numbers of dL/dy to V of the planes; where a tile begins.

    Row r of the even rows of x is row 2r + p of the padded image, of p = padding. It meets part
    a = p mod 2, in rows i and i - 1 of dL/dy, with 2i + a = 2r + p. So a tile of results from r
    on sees dL/dy from row r + (p - a) / 2 - 1 on. Odd rows, 2r + 1, have p + 1 in the place of p.

    Returns:
        the matrix, and how many rows and columns before its results a tile begins.
    """
    of_axis = []
    for p in padding:
        begins = [(p + odd) // 2 - 1 for odd in (0, 1)]  # at most one row apart
        place = np.zeros((2, 5, TILE + 2))
        for odd, begin in enumerate(begins):
            place[odd] = np.eye(5, TILE + 2, begin - begins[0])
        of_axis.append((_BT @ place, -begins[0]))  # (2, 5, 6)
    (rows, above), (columns, left) = of_axis
    matrix = np.einsum("api,bqj->abpqij", rows, columns).reshape(PLANES * POINTS, -1)
    return matrix.astype(np.float32), (above, left)


def _transform_planes(
    x: np.ndarray, channels: slice, tiles: Tiles, padding: Pair, v: np.ndarray
) -> None:
    """Bᵀ d B of the planes of some channels, into their places in v (25, 4C, tiles)."""
    count = channels.stop - channels.start
    numbers = cut(x, channels, tiles, 2 * (TILE + 1), 2 * TILE, padding, planes=2)
    v = v.reshape(POINTS, PLANES, -1, tiles.number)[:, :, channels]
    np.matmul(IMAGE, numbers.reshape(PLANES, count, POINTS, -1), out=v.transpose(1, 2, 0, 3))


def _transform_grad(grad: np.ndarray, outputs: slice, tiles: Tiles, dm: np.ndarray) -> None:
    """A dL/dy Aᵀ, into dm (25, O, tiles)."""
    numbers = cut(grad, outputs, tiles, TILE, TILE, (0, 0))  # (O, 16, tiles)
    np.matmul(RESULT.T, numbers, out=dm.swapaxes(0, 1))


def cut(
    x: np.ndarray,
    channels: slice,
    tiles: Tiles,
    size: int,
    step: int,
    padding: Pair,
    planes: int = 1,
) -> np.ndarray:
    """Tiles of size x size pixels that begin every ``step``: -> (planes² · C, numbers, tiles).

    Outside of the image there are zeros. The images of a band are copied into a frame of zeros, in
    which the images come last. So what a copy to the tiles takes side by side is one pixel of all
    images, whatever the step.

    >>> x = np.arange(6, dtype=np.float32).reshape(1, 1, 1, 6)
    >>> here = slice(0, 1), Tiles(slice(0, 1), slice(0, 1), 2)
    >>> cut(x, *here, 2, 3, (0, 1))[0].tolist()
    [[0.0, 2.0], [0.0, 3.0], [0.0, 0.0], [0.0, 0.0]]
    """
    (down, across, n), c = tiles.shape, channels.stop - channels.start
    height, width = step * (down - 1) + size, step * (across - 1) + size
    frame = scratch("strided frame", (c, height, width, n), x.dtype)
    inside = []
    starts = (step * tiles.rows.start - padding[0], -padding[1])
    for start, extent, length in zip(starts, (height, width), x.shape[2:], strict=True):
        first = min(max(0, start), length)
        last = max(first, min(length, start + extent))
        inside.append((slice(first, last), slice(first - start, last - start)))
    (from_rows, to_rows), (from_columns, to_columns) = inside
    if (to_rows, to_columns) != (slice(0, height), slice(0, width)):
        frame[...] = 0
    pixels = x[tiles.images, channels, from_rows, from_columns].transpose(1, 2, 3, 0)
    for some in split(n, AT_ONCE):  # (N, C, h, w) -> (C, h, w, N)
        frame[:, to_rows, to_columns, some] = pixels[..., some]
    per_channel, per_row, per_pixel, per_image = frame.strides
    side = size // planes
    view = strided(
        frame,
        (planes, planes, c, side, side, down, across, n),
        (
            *(per_row, per_pixel, per_channel, planes * per_row, planes * per_pixel),
            *(step * per_row, step * per_pixel, per_image),
        ),
    )
    numbers = scratch("strided tiles", view.shape, x.dtype)
    numbers[...] = view
    return numbers.reshape(planes * planes * c, side * side, tiles.number)


def put_together(pixels: np.ndarray, y: np.ndarray, channels: slice, tiles: Tiles) -> None:
    """The reverse for results, which do not overlap: (A, C, tiles, 4, length) into y (N, C, H, W).

    A tile has 4·A rows, in the order of y row a of its row i comes A·i + a. The ``length`` numbers
    of a row move as one, and what reaches beyond the border is left out.

    >>> pixels, y = np.arange(8.0, dtype=np.float32).repeat(4), np.zeros((1, 1, 3, 3), np.float32)
    >>> tiles = Tiles(slice(0, 1), slice(0, 1), 1)
    >>> put_together(pixels.reshape(2, 1, 1, 4, 4), y, slice(0, 1), tiles)
    >>> y[0, 0].tolist()
    [[0.0, 0.0, 0.0], [4.0, 4.0, 4.0], [1.0, 1.0, 1.0]]
    """
    (down, across, n), (planes, c, _, _, length) = tiles.shape, pixels.shape
    height, width = down * TILE * planes, across * length
    top = tiles.rows.start * TILE * planes
    target = y[tiles.images, channels, top : top + height]
    fits = y.flags.c_contiguous and target.shape[2:] == (height, width)
    whole = target if fits else scratch("strided map", (n, c, height, width), y.dtype)
    row = np.dtype((np.void, length * y.itemsize))
    rows = pixels.view(row).reshape(planes, c, down, across, n, TILE)
    # (A, C, down, across, N, 4) -> (N, C, down, 4, A, across)
    into = whole.view(row).reshape(n, c, down, TILE, planes, across)
    into[...] = rows.transpose(4, 1, 2, 5, 0, 3)
    if not fits:
        target[...] = whole[:, :, : target.shape[2], : target.shape[3]]
