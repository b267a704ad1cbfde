"""3x3 convolution at stride 1 with a quarter of the multiplications: Winograd's F(m x m, 3x3).

An m x m block of outputs depends on a tile of (m + 2) x (m + 2) pixels. Both the tile and the
kernel are transformed to values at (m + 2)² points (`convolution_winograd_tiles` says how). There,
convolution is a plain product, and the sum over channels a matrix product for each point:

    V = Bᵀ x B        U = G w Gᵀ        M[point] (O, tiles) = U[point] (O, C) @ V[point] (C, tiles)
    y = Aᵀ M A

Each step is linear, and the gradients are the same steps backwards:

    dL/dM = A dL/dy Aᵀ        dL/dU[point] = dL/dM[point] @ V[point]ᵀ        dL/dw = Gᵀ dL/dU G

For dL/dx there is a shorter way: it is a stride 1 convolution of dL/dy with the turned kernel.

Arithmetic: with m = 4, 36 multiply-adds where there were 144; with m = 2, 16 where there were 36.
On top of it come the transforms: for each tile and channel 36² + 36·16 with m = 4, as matrix
products too, and 36·9 for each kernel.

Traffic: V and M hold 36/16 (m = 4) or 16/4 (m = 2) times the pixels, U 36/9 or 16/9 times the
weights. So none is ever stored as a whole. Where there are many tiles for few weights, bands of
tiles pass through the cache one by one, and U stays there. Where there are many weights for few
tiles, V is kept, and U passes through in blocks of output channels; and if the weights were the
same at the call before, all of U is stored for the calls to come (`convolution_winograd_kept`).

Rounding: relative error about 5e-6 with m = 4, 1e-6 with m = 2, where im2col has 5e-7.

Source: Lavin and Gray 2016, "Fast algorithms for convolutional neural networks", section 4.
"""

from __future__ import annotations

import numpy as np

from minicv.backend.cpu.convolution_finish import NOTHING, Finish
from minicv.backend.cpu.convolution_geometry import Pair, add_up, scratch
from minicv.backend.cpu.convolution_winograd_kept import KeptKernels
from minicv.backend.cpu.convolution_winograd_tiles import (
    TRANSFORMS,
    Band,
    Transform,
    cut,
    put_together,
)
from minicv.backend.parallel import parallel_for, split

FEW_WEIGHTS = 4 << 20  # bytes of U that stay in a cache while bands of tiles pass
BAND_TILES = 112  # of a band; matrix products of much fewer columns are slow
KEPT_BYTES = 64 << 20  # of V (and dL/dM) at most, where they are kept
CHANNELS = 64  # of a block of V or U
_kept_kernels = KeptKernels()


def forward(
    x: np.ndarray,
    weight: np.ndarray,
    padding: Pair,
    output_shape: tuple[int, int, int, int],
    m: int = 4,
    finish: Finish = NOTHING,
) -> np.ndarray:
    """(N, C, H, W), (O, C, 3, 3) -> (N, O, OH, OW), in float32, and what follows.

    >>> x, weight = np.ones((1, 1, 3, 3), np.float32), np.ones((1, 1, 3, 3), np.float32)
    >>> forward(x, weight, (1, 1), (1, 1, 3, 3))[0, 0].round(4).tolist()
    [[4.0, 6.0, 4.0], [6.0, 9.0, 6.0], [4.0, 6.0, 4.0]]
    """
    f = TRANSFORMS[m]
    weight = np.ascontiguousarray(weight)
    kernels = weight.reshape(*weight.shape[:2], 9).swapaxes(1, 2)  # (O, C, 3, 3) -> (O, 9, C)
    kept = None if _few_weights(f, weight.shape) else _find_kept(f, weight, kernels)
    return _convolve(f, x, kernels, f.kernel, padding, output_shape, finish, kept)


def grad_input(
    grad: np.ndarray,
    weight: np.ndarray,
    x_shape: tuple[int, int, int, int],
    padding: Pair,
    m: int = 4,
) -> np.ndarray:
    """The transpose of a stride 1 convolution is a convolution with the kernel turned by 180°.

    Input and output channels change places, and the padding p becomes 2 - p. Turning a flattened
    kernel reverses its 9 numbers; here the columns of its transform are reversed instead.

    >>> grad, weight = np.ones((1, 1, 1, 1), np.float32), np.arange(9.0, dtype=np.float32)
    >>> grad_input(grad, weight.reshape(1, 1, 3, 3), (1, 1, 1, 1), (1, 1)).round(4).tolist()
    [[[[4.0]]]]
    """
    kernels = weight.reshape(*weight.shape[:2], 9).transpose(1, 2, 0)  # (O, C, 3, 3) -> (C, 9, O)
    f = TRANSFORMS[m]
    turned = np.ascontiguousarray(f.kernel[:, ::-1])
    turned_padding = (2 - padding[0], 2 - padding[1])
    return _convolve(f, grad, kernels, turned, turned_padding, x_shape, NOTHING)


def grad_weight(
    grad: np.ndarray,
    x: np.ndarray,
    weight_shape: tuple[int, int, int, int],
    padding: Pair,
    m: int = 4,
) -> np.ndarray:
    """dL/dU = Σ over tiles of dL/dM ⊙ V, summed by the matrix products, then Gᵀ dL/dU G.

    >>> grad, x = np.ones((1, 1, 2, 2), np.float32), np.ones((1, 1, 2, 2), np.float32)
    >>> grad_weight(grad, x, (1, 1, 3, 3), (1, 1))[0, 0].round(4).tolist()
    [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]
    """
    f = TRANSFORMS[m]
    o, c = weight_shape[:2]
    grad_w = np.zeros(weight_shape, np.float32)
    if _few_weights(f, weight_shape):
        bands = _bands(f, grad.shape, BAND_TILES)
        runs = split(len(bands), -(-len(bands) // 8))
        sums = np.zeros((len(runs), f.points, o, c), np.float32)

        def one_run(run: int) -> None:
            for band in bands[runs[run]]:
                v = scratch("winograd image", (f.points, c, band.tiles), np.float32)
                dm = scratch("winograd product", (f.points, o, band.tiles), np.float32)
                _transform_image(f, x, slice(0, c), band, padding, v)
                _transform_grad(f, grad, slice(0, o), band, dm)
                term = scratch("winograd kernel", (f.points, o, c), np.float32)
                sums[run] += np.matmul(dm, v.swapaxes(1, 2), out=term)

        parallel_for(one_run, range(len(runs)))
        _grad_of_kernels(f, add_up(sums), grad_w)
        return grad_w

    for band in _bands(f, grad.shape, KEPT_BYTES // (4 * f.points * (c + o))):
        v = scratch("winograd kept image", (f.points, c, band.tiles), np.float32)
        dm = scratch("winograd kept grad", (f.points, o, band.tiles), np.float32)

        def transform(block: tuple[bool, slice], band: Band = band, v=v, dm=dm) -> None:
            of_image, channels = block
            if of_image:
                _transform_image(f, x, channels, band, padding, v[:, channels])
            else:
                _transform_grad(f, grad, channels, band, dm[:, channels])

        def multiply(outputs: slice, v=v, dm=dm) -> None:
            shape = (f.points, outputs.stop - outputs.start, c)
            du = scratch("winograd kernel", shape, np.float32)
            np.matmul(dm[:, outputs], v.swapaxes(1, 2), out=du)
            _grad_of_kernels(f, du, grad_w[outputs])

        both = [(True, part) for part in _parts(c)] + [(False, part) for part in _parts(o)]
        parallel_for(transform, both)
        parallel_for(multiply, _parts(o))
    return grad_w


def _convolve(
    f: Transform,
    x: np.ndarray,
    kernels: np.ndarray,
    matrix: np.ndarray,
    padding: Pair,
    output_shape: tuple[int, int, int, int],
    finish: Finish,
    kept: np.ndarray | None = None,
) -> np.ndarray:
    """x (N, C, H, W) with kernels (O, 9, C), transformed by ``matrix`` (t², 9) unless U is given
    as ``kept``.
    """
    o, _, c = kernels.shape
    y = np.empty(output_shape, np.float32)
    # A shortcut does not come in tiles: then all that follows is done at the end.
    at_once, later = (finish, NOTHING) if finish.shortcut is None else (NOTHING, finish)

    def multiply(u: np.ndarray, v: np.ndarray, outputs: slice, band: Band) -> None:
        m = scratch("winograd product", (f.points, u.shape[1], band.tiles), np.float32)
        np.matmul(u, v, out=m)  # (t², O, C) @ (t², C, tiles)
        tiles = scratch("winograd result", (u.shape[1], band.tiles, f.m**2), np.float32)
        np.matmul(m.transpose(1, 2, 0), f.result.T, out=tiles)  # (O, tiles, t²) @ (t², m²)
        at_once.apply_to_block(tiles.reshape(u.shape[1], -1), 0, outputs)  # of all images alike
        put_together(tiles, y, outputs, band, f.m)

    bands = _bands(f, output_shape, BAND_TILES)
    if _few_weights(f, (o, c)) and len(bands) > 1:
        u = scratch("winograd all kernels", (f.points, o, c), np.float32)
        _transform_kernels(matrix, kernels, u)

        def one_band(band: Band) -> None:
            v = scratch("winograd image", (f.points, c, band.tiles), np.float32)
            _transform_image(f, x, slice(0, c), band, padding, v)
            multiply(u, v, slice(0, o), band)

        parallel_for(one_band, bands)
        return later.apply(y)

    for band in _bands(f, output_shape, KEPT_BYTES // (4 * f.points * c)):
        v = scratch("winograd kept image", (f.points, c, band.tiles), np.float32)

        def transform(channels: slice, band: Band = band, v=v) -> None:
            _transform_image(f, x, channels, band, padding, v[:, channels])

        def one_block(outputs: slice, band: Band = band, v=v) -> None:
            if kept is not None:
                multiply(kept[:, outputs], v, outputs, band)
                return
            shape = (f.points, outputs.stop - outputs.start, c)
            u = scratch("winograd kernel", shape, np.float32)
            np.matmul(matrix, kernels[outputs], out=u.swapaxes(0, 1))
            multiply(u, v, outputs, band)

        parallel_for(transform, _parts(c))
        parallel_for(one_block, _parts(o))
    return later.apply(y)


def _find_kept(f: Transform, weight: np.ndarray, kernels: np.ndarray) -> np.ndarray | None:
    """U (t², O, C), if it was kept or is from now on; see `KeptKernels`."""

    def transform() -> np.ndarray:
        u = np.empty((f.points, *weight.shape[:2]), np.float32)
        _transform_kernels(f.kernel, kernels, u)
        return u

    return _kept_kernels.find(f"F({f.m}x{f.m}, 3x3)", weight, transform)


def _few_weights(f: Transform, weight_shape: tuple[int, ...]) -> bool:
    """Whether U stays in a cache."""
    return f.points * 4 * weight_shape[0] * weight_shape[1] <= FEW_WEIGHTS


def _transform_kernels(matrix: np.ndarray, kernels: np.ndarray, u: np.ndarray) -> None:
    """G w Gᵀ of all kernels (O, 9, C), into u (t², O, C)."""

    def one_part(outputs: slice) -> None:
        np.matmul(matrix, kernels[outputs], out=u[:, outputs].swapaxes(0, 1))

    parallel_for(one_part, _parts(len(kernels)))


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


def _bands(f: Transform, y_shape: tuple[int, int, int, int], tiles: int) -> list[Band]:
    """Bands of at most about ``tiles`` tiles: some rows of one image, or several small images."""
    n, _, oh, ow = y_shape
    down, across = -(-oh // f.m), -(-ow // f.m)
    images = max(1, tiles // max(1, down * across))
    rows = max(1, tiles // across) if images == 1 else down
    return [Band(i, r, across) for i in split(n, images) for r in split(down, rows)]


def _parts(channels: int) -> list[slice]:
    """Runs of channels, at least two for two cores to share."""
    return split(channels, min(CHANNELS, -(-channels // 2)))
