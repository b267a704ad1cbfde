"""3x3 convolution at stride 1 with a quarter of the multiplications: Winograd's F(m x m, 3x3).

*In one dimension.* A 3-tap filter g and a signal d are polynomials, and m outputs of the filter are
coefficients of their product. A product of polynomials is known from its values at m + 2 points,
and a value of a product is a product of values:

    y = Aᵀ [ (G g) ⊙ (Bᵀ d) ]        g: 3 taps, d: m + 2 pixels, y: m outputs

G evaluates the filter at the points, Bᵀ the signal, Aᵀ goes back to coefficients: m + 2
multiplications in place of 3m. With the points 0, 1, -1 and ∞ four multiplications do for two
outputs: F(2, 3). With 2 and -2 added six do for four: F(4, 3), which saves more, but rounds worse.

*In two dimensions.* Each of the three matrices works on rows and on columns, which for a flattened
tile is one Kronecker product (`TRANSFORMS`). An m x m block of outputs depends on a tile of
(m + 2) x (m + 2) pixels. At the (m + 2)² points convolution is a plain product, and the sum over
channels a matrix product for each point:

    V = Bᵀ x B        U = G w Gᵀ        M[point] (O, tiles) = U[point] (O, C) @ V[point] (C, tiles)
    y = Aᵀ M A

*Gradients.* Each step is linear, and the gradients are the same steps backwards:

    dL/dM = A dL/dy Aᵀ        dL/dU[point] = dL/dM[point] @ V[point]ᵀ        dL/dw = Gᵀ dL/dU G

For dL/dx there is a shorter way: it is a stride 1 convolution of dL/dy with the turned kernel.

Arithmetic: with m = 4, 36 multiply-adds where there were 144; with m = 2, 16 where there were 36.
The transforms are added to that: for each tile and channel 36² + 36·16 with m = 4, as matrix
products too, and 36·9 for each kernel.

Traffic: V and M hold 36/16 (m = 4) or 16/4 (m = 2) times the pixels, U 36/9 or 16/9 times the
weights. So none of them is ever stored as a whole. Where there are many tiles for few weights,
bands of tiles pass through the cache one by one, and U stays there. Where there are many weights
for few tiles, V stays, and U passes through in blocks of output channels. If the weights were the
same at the call before, and U is small or the tiles are so few that its transform is much of the
work, all of U is stored for later calls (`convolution_winograd_cache`).

Rounding: relative error about 5e-6 with m = 4, 1e-6 with m = 2, where im2col has 5e-7.

Source: Lavin and Gray 2016, "Fast algorithms for convolutional neural networks", section 4.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minicv.backend.convolution_layer import NO_EPILOGUE, Epilogue, Layer, Pair, Shape4
from minicv.backend.cpu import convolution_products as products
from minicv.backend.cpu.convolution_epilogue import apply_epilogue, apply_to_block
from minicv.backend.cpu.convolution_winograd_cache import WinogradCache
from minicv.backend.cpu.memory import add_up, scratch, strided
from minicv.backend.parallel import parallel_for, split, split_evenly

FEW_WEIGHTS = 4 << 20  # bytes of U that stay in a cache while bands of tiles pass
SHORT_ROWS = 32  # tiles; longer rows move fast without tiles of other images beside them
BAND_TILES = 112  # of a band; matrix products of much fewer columns are slow
IMAGE_BYTES = 64 << 20  # of V (and dL/dM) at most, where they stay
# For the gradient of few weights bands pay off where there are so many times more numbers in V and
# dL/dM than in dL/dU; elsewhere so many bytes of them are multiplied at once.
MANY_TILES = 24
SUMMED_BYTES = 12 << 20
CHANNELS = 64  # of a block of V or U
CACHED_TILES = 64  # from more, a stored U would save less than it is worth in memory
_cache = WinogradCache()

# By m, the outputs of a tile along one axis: (Bᵀ, G, Aᵀ).
ONE_DIMENSION = {
    2: (
        np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]]),
        np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]]) / 2,
        np.array([[1, 1, 1, 0], [0, 1, -1, -1]]),
    ),
    4: (
        np.array(
            [
                [4, 0, -5, 0, 1, 0],
                [0, -4, -4, 1, 1, 0],
                [0, 4, -4, -1, 1, 0],
                [0, -2, -1, 2, 1, 0],
                [0, 2, -1, -2, 1, 0],
                [0, 4, 0, -5, 0, 1],
            ]
        ),
        np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24,
        np.array(
            [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]
        ),
    ),
}


class Transform(NamedTuple):
    """F(m x m, 3x3) on flattened tiles, t = m + 2 points along each axis."""

    m: int
    points: int  # t²
    image: np.ndarray  # (t², t²): Bᵀ ⊗ Bᵀ
    kernel: np.ndarray  # (t², 9): G ⊗ G
    result: np.ndarray  # (m², t²): Aᵀ ⊗ Aᵀ


TRANSFORMS = {
    m: Transform(m, (m + 2) ** 2, *(np.kron(a, a).astype(np.float32) for a in matrices))
    for m, matrices in ONE_DIMENSION.items()
}


def forward(
    layer: Layer,
    x: np.ndarray,
    weight: np.ndarray,
    epilogue: Epilogue = NO_EPILOGUE,
    *,
    m: int = 4,
) -> np.ndarray:
    """(N, C, H, W), (O, C, 3, 3) -> (N, O, OH, OW), in float32, and the epilogue.

    >>> x, weight = np.ones((1, 1, 3, 3), np.float32), np.ones((1, 1, 3, 3), np.float32)
    >>> layer = Layer.of(x.dtype, x.shape, weight.shape, (1, 1), (1, 1), (1, 1), 1)
    >>> forward(layer, x, weight)[0, 0].round(4).tolist()
    [[4.0, 6.0, 4.0], [6.0, 9.0, 6.0], [4.0, 6.0, 4.0]]
    """
    f = TRANSFORMS[m]
    weight = np.ascontiguousarray(weight)
    kernels = weight.reshape(*weight.shape[:2], 9).swapaxes(1, 2)  # (O, C, 3, 3) -> (O, 9, C)
    u = _look_up(f, layer, weight, kernels)
    return _convolve(f, layer, x, kernels, f.kernel, epilogue, u)


def grad_input(layer: Layer, grad: np.ndarray, weight: np.ndarray, *, m: int = 4) -> np.ndarray:
    """The transpose of a stride 1 convolution is a convolution with the kernel turned by 180°.

    Input and output channels change places, and the padding p becomes 2 - p. Turning a flattened
    kernel reverses its 9 numbers; here the columns of its transform are reversed instead.

    >>> grad, weight = np.ones((1, 1, 1, 1), np.float32), np.arange(9.0, dtype=np.float32)
    >>> layer = Layer.of(grad.dtype, (1, 1, 1, 1), (1, 1, 3, 3), (1, 1), (1, 1), (1, 1), 1)
    >>> grad_input(layer, grad, weight.reshape(1, 1, 3, 3)).round(4).tolist()
    [[[[4.0]]]]
    """
    kernels = weight.reshape(*weight.shape[:2], 9).transpose(1, 2, 0)  # (O, C, 3, 3) -> (C, 9, O)
    f = TRANSFORMS[m]
    turned = np.ascontiguousarray(f.kernel[:, ::-1])
    return _convolve(f, layer.turned(), grad, kernels, turned, NO_EPILOGUE)


def grad_weight(layer: Layer, grad: np.ndarray, x: np.ndarray, *, m: int = 4) -> np.ndarray:
    """dL/dU = Σ over tiles of dL/dM ⊙ V, summed by the matrix products, then Gᵀ dL/dU G.

    >>> grad, x = np.ones((1, 1, 2, 2), np.float32), np.ones((1, 1, 2, 2), np.float32)
    >>> layer = Layer.of(x.dtype, x.shape, (1, 1, 3, 3), (1, 1), (1, 1), (1, 1), 1)
    >>> grad_weight(layer, grad, x)[0, 0].round(4).tolist()
    [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]
    """
    f = TRANSFORMS[m]
    o, c = layer.weight_shape[:2]
    grad_w = np.zeros(layer.weight_shape, np.float32)
    bands = _bands(f, layer.y_shape, BAND_TILES)
    few_weights = _few_weights(f, layer.weight_shape)
    # A band adds as many numbers as there are in U; without bands V and dL/dM leave the cache.
    many_tiles = sum(band.tiles for band in bands) * (o + c) > MANY_TILES * o * c
    if few_weights and many_tiles and len(bands) > 1:
        runs = split(len(bands), -(-len(bands) // 8))
        sums = np.zeros((len(runs), f.points, o, c), np.float32)

        def sum_run(run: int) -> None:
            for band in bands[runs[run]]:
                v = scratch("winograd image", (f.points, c, band.tiles), np.float32)
                dm = scratch("winograd product", (f.points, o, band.tiles), np.float32)
                _transform_image(f, x, slice(0, c), band, layer.padding, v)
                _transform_grad(f, grad, slice(0, o), band, dm)
                term = scratch("winograd kernel", (f.points, o, c), np.float32)
                products.multiply_rows(dm, v, term)
                sums[run] += term

        parallel_for(sum_run, range(len(runs)))
        _grad_of_kernels(f, add_up(sums), grad_w)
        return grad_w

    most = SUMMED_BYTES if few_weights else IMAGE_BYTES
    for band in _bands(f, layer.y_shape, most // (4 * f.points * (c + o))):
        v = scratch("winograd image", (f.points, c, band.tiles), np.float32)
        dm = scratch("winograd product", (f.points, o, band.tiles), np.float32)

        def transform(
            block: tuple[bool, slice], band: Band = band, v: np.ndarray = v, dm: np.ndarray = dm
        ) -> None:
            of_image, channels = block
            if of_image:
                _transform_image(f, x, channels, band, layer.padding, v[:, channels])
            else:
                _transform_grad(f, grad, channels, band, dm[:, channels])

        def multiply(outputs: slice, v: np.ndarray = v, dm: np.ndarray = dm) -> None:
            shape = (f.points, outputs.stop - outputs.start, c)
            du = scratch("winograd kernel", shape, np.float32)
            products.multiply_rows(dm[:, outputs], v, du)
            _grad_of_kernels(f, du, grad_w[outputs])

        both = [(True, part) for part in _parts(c)] + [(False, part) for part in _parts(o)]
        parallel_for(transform, both)
        parallel_for(multiply, _parts(o))
    return grad_w


def _convolve(
    f: Transform,
    layer: Layer,
    x: np.ndarray,
    kernels: np.ndarray,
    matrix: np.ndarray,
    epilogue: Epilogue,
    cached: np.ndarray | None = None,
) -> np.ndarray:
    """x (N, C, H, W) with kernels (O, 9, C), transformed by ``matrix`` (t², 9) unless U comes
    from the cache.
    """
    o, _, c = kernels.shape
    y = np.empty(layer.y_shape, np.float32)
    # A shortcut does not come in tiles: with one, the whole epilogue is done at the end.
    of_tiles, of_images = (
        (epilogue, NO_EPILOGUE) if epilogue.shortcut is None else (NO_EPILOGUE, epilogue)
    )

    def multiply(u: np.ndarray, v: np.ndarray, outputs: slice, band: Band) -> None:
        m = scratch("winograd product", (f.points, u.shape[1], band.tiles), np.float32)
        products.multiply(u, v, m)  # (t², O, C) @ (t², C, tiles)
        tiles = scratch("winograd result", (u.shape[1], band.tiles, f.m**2), np.float32)
        np.matmul(m.transpose(1, 2, 0), f.result.T, out=tiles)  # (O, tiles, t²) @ (t², m²)
        apply_to_block(of_tiles, tiles.reshape(u.shape[1], -1), 0, outputs)  # of all images alike
        put_together(tiles, y, outputs, band, f.m)

    bands = _bands(f, layer.y_shape, BAND_TILES)
    if _few_weights(f, (o, c)) and len(bands) > 1:
        u = cached
        if u is None:
            u = scratch("winograd kernel", (f.points, o, c), np.float32)
            _transform_kernels(matrix, kernels, u)

        def convolve_band(band: Band, u: np.ndarray = u) -> None:
            v = scratch("winograd image", (f.points, c, band.tiles), np.float32)
            _transform_image(f, x, slice(0, c), band, layer.padding, v)
            multiply(u, v, slice(0, o), band)

        parallel_for(convolve_band, bands)
        return apply_epilogue(of_images, y)

    for band in _bands(f, layer.y_shape, IMAGE_BYTES // (4 * f.points * c)):
        v = scratch("winograd image", (f.points, c, band.tiles), np.float32)

        def transform(channels: slice, band: Band = band, v: np.ndarray = v) -> None:
            _transform_image(f, x, channels, band, layer.padding, v[:, channels])

        def convolve_outputs(outputs: slice, band: Band = band, v: np.ndarray = v) -> None:
            if cached is not None:
                multiply(cached[:, outputs], v, outputs, band)
                return
            shape = (f.points, outputs.stop - outputs.start, c)
            u = scratch("winograd kernel", shape, np.float32)
            np.matmul(matrix, kernels[outputs], out=u.swapaxes(0, 1))
            multiply(u, v, outputs, band)

        parallel_for(transform, _parts(c))
        parallel_for(convolve_outputs, _parts(o))
    return apply_epilogue(of_images, y)


def _look_up(
    f: Transform, layer: Layer, weight: np.ndarray, kernels: np.ndarray
) -> np.ndarray | None:
    """U (t², O, C) from the cache, or None where it is not there yet, or not worth it.

    With 9 multiplications for each number of U the transform is to the product as 9 to the tiles.
    """
    n, _, oh, ow = layer.y_shape
    tiles = n * -(-oh // f.m) * -(-ow // f.m)
    if tiles > CACHED_TILES and not _few_weights(f, weight.shape):
        return None

    def transform() -> np.ndarray:
        u = np.empty((f.points, *weight.shape[:2]), np.float32)
        _transform_kernels(f.kernel, kernels, u)
        return u

    return _cache.look_up(f"F({f.m}x{f.m}, 3x3)", weight, transform)


def _few_weights(f: Transform, weight_shape: tuple[int, ...]) -> bool:
    """Whether U stays in a cache."""
    return f.points * 4 * weight_shape[0] * weight_shape[1] <= FEW_WEIGHTS


def _transform_kernels(matrix: np.ndarray, kernels: np.ndarray, u: np.ndarray) -> None:
    """G w Gᵀ of all kernels (O, 9, C), into u (t², O, C)."""

    def transform(outputs: slice) -> None:
        np.matmul(matrix, kernels[outputs], out=u[:, outputs].swapaxes(0, 1))

    parallel_for(transform, _parts(len(kernels)))


def _transform_image(
    f: Transform, x: np.ndarray, channels: slice, band: Band, padding: Pair, v: np.ndarray
) -> None:
    """Bᵀ x B for the tiles of a band, into v (t², C, tiles)."""
    tiles = cut(x, channels, band, f.m + 2, f.m, padding)
    np.matmul(f.image, tiles, out=v.swapaxes(0, 1))  # (C, t², tiles)


def _transform_grad(
    f: Transform, grad: np.ndarray, channels: slice, band: Band, dm: np.ndarray
) -> None:
    """A dL/dy Aᵀ for the tiles of a band, into dm (t², O, tiles)."""
    tiles = cut(grad, channels, band, f.m, f.m, (0, 0))
    np.matmul(f.result.T, tiles, out=dm.swapaxes(0, 1))


def _grad_of_kernels(f: Transform, du: np.ndarray, grad_w: np.ndarray) -> None:
    """Gᵀ dL/dU G, added to grad_w: (t², O, C) -> (O, C, 3, 3)."""
    nine = np.matmul(f.kernel.T, du.swapaxes(0, 1))  # (9, t²) @ (O, t², C) -> (O, 9, C)
    grad_w += nine.swapaxes(1, 2).reshape(grad_w.shape)


def _parts(channels: int) -> list[slice]:
    """Runs of channels, at least two for two cores to share."""
    return split(channels, min(CHANNELS, -(-channels // 2)))


class Band(NamedTuple):
    """Some images of a batch, and in each some rows of tiles with ``across`` tiles each.

    Tiles at the same place of ``together`` images stand side by side, and move as one.
    """

    images: slice
    rows: slice
    across: int
    together: int = 1

    @property
    def groups(self) -> int:
        """Of images that stand together."""
        return (self.images.stop - self.images.start) // self.together

    @property
    def tiles(self) -> int:
        """How many tiles there are in all."""
        down = self.rows.stop - self.rows.start
        return (self.images.stop - self.images.start) * down * self.across


def _bands(f: Transform, y_shape: Shape4, tiles: int) -> list[Band]:
    """Bands of at most about ``tiles`` tiles: some rows of few images, or several small images."""
    n, _, oh, ow = y_shape
    down, across = -(-oh // f.m), -(-ow // f.m)
    together = images_together(n, across)
    groups = max(1, tiles // max(1, down * across * together))
    rows = max(1, tiles // (across * together)) if groups == 1 else down
    return [
        Band(slice(g.start * together, g.stop * together), r, across, together)
        for g in split_evenly(n // together, groups)
        for r in split_evenly(down, rows)
    ]


def images_together(n: int, across: int) -> int:
    """As many images as share out a batch, where their rows of tiles are short.

    >>> [images_together(8, across) for across in (2, 8, 9, 17)], images_together(9, 2)
    ([4, 4, 2, 1], 1)
    """
    return next(k for k in (4, 2, 1) if k == 1 or (n % k == 0 and across * k <= SHORT_ROWS))


# Types of the size of so many float32 numbers, which NumPy copies in one instruction.
RUNS = {2: np.complex64, 4: np.complex128}


def cut(
    x: np.ndarray, channels: slice, band: Band, size: int, step: int, padding: Pair
) -> np.ndarray:
    """Tiles of size x size pixels that begin every ``step``: -> (C, size², tiles), in scratch.

    Outside of the image there are zeros. Rows of a band are copied into a frame of zeros, where
    pixels at the same place of images that stand together are neighbours; all tiles are then a
    single strided view of the frame.

    >>> x = np.arange(6, dtype=np.float32).reshape(1, 1, 1, 6)
    >>> cut(x, slice(0, 1), Band(slice(0, 1), slice(0, 1), 2), 2, 3, (0, 1))[0].tolist()
    [[0.0, 2.0], [0.0, 3.0], [0.0, 0.0], [0.0, 0.0]]
    """
    images, rows, across, together = band
    c, down = channels.stop - channels.start, rows.stop - rows.start
    height, width = step * (down - 1) + size, step * (across - 1) + size
    frame = scratch("winograd frame", (c, band.groups, height, width, together), x.dtype)
    top, left = step * rows.start - padding[0], -padding[1]
    inside = [
        (max(0, start), min(length, start + extent), start)
        for start, extent, length in ((top, height, x.shape[2]), (left, width, x.shape[3]))
    ]
    from_rows, from_columns = (slice(first, max(first, last)) for first, last, _ in inside)
    to_rows, to_columns = (
        slice(first - start, max(first, last) - start) for first, last, start in inside
    )
    if (to_rows, to_columns) != (slice(0, height), slice(0, width)):
        frame[...] = 0
    pixels = x[images, channels, from_rows, from_columns].swapaxes(0, 1)  # (C, N, h, w)
    for image in range(together):
        frame[:, :, to_rows, to_columns, image] = pixels[:, image::together]
    as_one = RUNS[together] if together > 1 else x.dtype
    wide = frame.view(as_one)[..., 0]
    per_channel, per_group, per_row, per_pixel = wide.strides
    view = strided(
        wide,
        (c, size, size, band.groups, down, across),
        (per_channel, per_row, per_pixel, per_group, step * per_row, step * per_pixel),
    )
    tiles = scratch("winograd tiles", view.shape, as_one)
    tiles[...] = view
    return tiles.view(x.dtype).reshape(c, size * size, band.tiles)


def put_together(tiles: np.ndarray, y: np.ndarray, channels: slice, band: Band, m: int) -> None:
    """The reverse for results, which do not overlap: (O, tiles, m²) into y (N, O, OH, OW).

    One strided copy moves all tiles, and the m numbers that stand side by side in a tile move as
    one. Where tiles reach beyond the border, they are first put together in scratch memory.

    >>> y, tiles = np.zeros((1, 1, 1, 3), np.float32), np.arange(8, dtype=np.float32)
    >>> put_together(tiles.reshape(1, 2, 4), y, slice(0, 1), Band(slice(0, 1), slice(0, 1), 2), 2)
    >>> y.tolist()
    [[[[0.0, 1.0, 4.0]]]]
    """
    images, rows, across, together = band
    n, o, down = images.stop - images.start, len(tiles), rows.stop - rows.start
    target = y[images, channels, m * rows.start : m * rows.stop]
    fits = target.shape[2:] == (m * down, m * across) and y.flags.c_contiguous
    whole = target if fits else scratch("winograd map", (n, o, m * down, m * across), y.dtype)
    as_one: np.dtype = np.dtype(RUNS[m])
    # (O, groups, down, across, together, m) -> (groups, together, O, down, m, across)
    numbers = tiles.view(as_one).reshape(o, -1, down, across, together, m)
    into = whole.view(as_one).reshape(-1, together, o, down, m, across)
    into[...] = numbers.transpose(1, 4, 0, 2, 5, 3)
    if not fits:
        target[...] = whole[:, :, : target.shape[2], : target.shape[3]]
