"""Winograd's three small matrices, and how images are cut into tiles and put together again.

A 3-tap filter g and a signal d are polynomials, and m outputs of the filter are coefficients of
their product. A product of polynomials is known from its values at m + 2 points, and a value of a
product is a product of values:

    y = Aᵀ [ (G g) ⊙ (Bᵀ d) ]        g: 3 taps, d: m + 2 pixels, y: m outputs

G evaluates the filter at the points, Bᵀ the signal, Aᵀ goes back to coefficients: m + 2
multiplications in place of 3m. In two dimensions each of the three works on rows and on columns,
which for a flattened tile is one Kronecker product: `TRANSFORMS` holds those.

With the points 0, 1, -1 and ∞ four multiplications do for two outputs: F(2, 3). With 2 and -2 added
six do for four: F(4, 3), which saves more, but rounds worse.

Source: Lavin and Gray 2016, "Fast algorithms for convolutional neural networks", section 4.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minicv.backend.cpu.convolution_geometry import scratch

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


# Things of the size of m float32 numbers, which NumPy copies in one instruction.
RUNS = {2: np.complex64, 4: np.complex128}


class Band(NamedTuple):
    """Some images of a batch, and in each some rows of tiles with ``across`` tiles each."""

    images: slice
    rows: slice
    across: int

    @property
    def tiles(self) -> int:
        down = self.rows.stop - self.rows.start
        return (self.images.stop - self.images.start) * down * self.across


def cut(
    x: np.ndarray, channels: slice, band: Band, size: int, step: int, padding: tuple[int, int]
) -> np.ndarray:
    """Tiles of size x size pixels that begin every ``step``: -> (C, size², tiles), in scratch.

    What lies outside of the image is zero. Rows of a band are copied into a frame of zeros; all
    tiles are then a single strided view of it.

    >>> x = np.arange(6, dtype=np.float32).reshape(1, 1, 1, 6)
    >>> cut(x, slice(0, 1), Band(slice(0, 1), slice(0, 1), 2), 2, 3, (0, 1))[0].tolist()
    [[0.0, 2.0], [0.0, 3.0], [0.0, 0.0], [0.0, 0.0]]
    """
    images, rows, across = band
    n, c, down = images.stop - images.start, channels.stop - channels.start, rows.stop - rows.start
    height, width = step * (down - 1) + size, step * (across - 1) + size
    frame = scratch("winograd frame", (c, n, height, width), x.dtype)
    top, left = step * rows.start - padding[0], -padding[1]
    inside = [
        (max(0, start), min(length, start + extent), start)
        for start, extent, length in ((top, height, x.shape[2]), (left, width, x.shape[3]))
    ]
    from_rows, from_columns = (slice(first, max(first, last)) for first, last, _ in inside)
    to_rows, to_columns = (
        slice(first - start, max(first, last) - start) for first, last, start in inside
    )
    frame[...] = 0
    # (N, C, h, w) -> (C, N, h, w)
    frame[:, :, to_rows, to_columns] = x[images, channels, from_rows, from_columns].swapaxes(0, 1)
    per_channel, per_image, per_row, per_pixel = frame.strides
    view = np.lib.stride_tricks.as_strided(
        frame,
        (c, size, size, n, down, across),
        (per_channel, per_row, per_pixel, per_image, step * per_row, step * per_pixel),
    )
    tiles = scratch("winograd tiles", view.shape, x.dtype)
    tiles[...] = view
    return tiles.reshape(c, size * size, n * down * across)


def put_together(tiles: np.ndarray, y: np.ndarray, channels: slice, band: Band, m: int) -> None:
    """The reverse for results, which do not overlap: (O, tiles, m²) into y (N, O, OH, OW).

    Where no tile reaches beyond the border, one strided copy moves all of them, and the m numbers
    that stand side by side in a tile move as one.

    >>> y, tiles = np.zeros((1, 1, 1, 3), np.float32), np.arange(8, dtype=np.float32)
    >>> put_together(tiles.reshape(1, 2, 4), y, slice(0, 1), Band(slice(0, 1), slice(0, 1), 2), 2)
    >>> y.tolist()
    [[[[0.0, 1.0, 4.0]]]]
    """
    images, rows, across = band
    n, o, down = images.stop - images.start, len(tiles), rows.stop - rows.start
    target = y[images, channels, m * rows.start : m * rows.stop]
    # (O, tiles, m²) -> (N, O, down, m, across, m)
    pixels = tiles.reshape(o, n, down, across, m, m).transpose(1, 0, 2, 4, 3, 5)
    if target.shape[2:] == (m * down, m * across) and y.flags.c_contiguous:
        together = RUNS[m]
        pixels = pixels.view(together)[..., 0]
        target.view(together).reshape(n, o, down, m, across)[...] = pixels
        return
    for i in range(m):
        for j in range(m):
            every = target[:, :, i::m, j::m]
            every[...] = pixels[:, :, : every.shape[2], i, : every.shape[3], j]
