"""Strided convolution with a large kernel, by cutting the image into cells of stride x stride.

With stride s, windows start every s pixels. Cut the padded image into cells of s·s pixels: a window
then starts at the corner of a cell, and a kernel of K·K covers T·T cells, T = ⌈K / s⌉. Let the
pixels of a cell be channels, and what is left is a convolution of stride 1 with a T x T kernel:

    y[o, i, j] = Σ over du, dv and c, a, b of
                 weight[o, c, s·du + a, s·dv + b] · cell[c, a, b, i + du, j + dv]

FCN's upsampling, transposed, has K = 2s: a sum over 2·2 cells instead of one over 4·4 or 64·64
pixels. All three kernels are one matrix product between

    cells    (C·s·s, cells)      the fine image x (or dL/dx), each pixel once
    columns  (O·T·T, cells)      the coarse y (or dL/dy) as seen from each cell, T·T times

in their three roles:  columns = weight @ cells,  cells = weightᵀ @ columns,  dL/dweight =
columns @ cellsᵀ. Columns are gathered from y, or added up to y, where im2col moves K·K pixels.

Arithmetic: N·O·C·(OH + T - 1)·(OW + T - 1)·(T·s)² multiply-adds each. Traffic: a copy of x and T·T
copies of y, in strips that fit the cache.

Source: Shi et al. 2016, "Is the deconvolution layer the same as a convolutional layer?".
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from minicv.backend.cpu.convolution_geometry import Pair, add_up, scratch
from minicv.backend.cpu.unbuffered import unbuffered
from minicv.backend.parallel import parallel_for, split, split_evenly

Shape4 = tuple[int, int, int, int]
STRIP_BYTES = 2 << 20  # of cells and columns together
MOST_SUMS = 8  # of a gradient of the weight, kept apart until the end
LONG_RUN = 8  # pixels; from here on rows of a cell are copied as wholes


class Grid:
    """The cells of an image, and their blocks: (images, rows of cells)."""

    def __init__(
        self, x_shape: Shape4, weight_shape: Shape4, y_shape: Shape4, stride: Pair, padding: Pair
    ) -> None:
        self.x_shape, self.y_shape, self.weight_shape = x_shape, y_shape, weight_shape
        self.stride, self.padding = stride, padding
        self.taps = tuple(-(-k // s) for k, s in zip(weight_shape[2:], stride, strict=True))  # T, T
        self.down, self.across = (
            out + t - 1 for out, t in zip(y_shape[2:], self.taps, strict=True)
        )
        self.pixels = x_shape[1] * stride[0] * stride[1]  # C·s·s
        self.sums = y_shape[1] * self.taps[0] * self.taps[1]  # O·T·T

    def blocks(self, itemsize: int) -> list[tuple[slice, slice]]:
        """Some rows of one image, or several whole images; an even number where possible."""
        n = self.x_shape[0]
        # Each block meets the whole weight, and so should not be smaller than that.
        room = STRIP_BYTES + 2 * itemsize * self.pixels * self.sums
        fitting = room // (itemsize * (self.pixels + self.sums) * self.across)  # rows
        images = max(1, min(-(-n // 2), fitting // self.down))
        rows = min(max(1, fitting), -(-self.down // 2)) if n == 1 or images == 1 else self.down
        parts = [split_evenly(n, images), split_evenly(self.down, rows)]
        return list(itertools.product(*parts))

    def matrix(self, weight: np.ndarray) -> np.ndarray:
        """(O, C, KH, KW) -> (O·T·T, C·s·s), with zeros where the last cells outreach the kernel."""
        matrix = np.zeros((self.sums, self.pixels), weight.dtype)
        for in_matrix, in_weight in self._elements():
            self._unfold(matrix)[in_matrix] = weight[in_weight]
        return matrix

    def weight(self, matrix: np.ndarray) -> np.ndarray:
        """The reverse of `matrix`."""
        weight = np.empty(self.weight_shape, matrix.dtype)
        for in_matrix, in_weight in self._elements():
            weight[in_weight] = self._unfold(matrix)[in_matrix]
        return weight

    def _unfold(self, matrix: np.ndarray) -> np.ndarray:
        """(O·T·T, C·s·s) -> (O, C, T, s, T, s), a view."""
        (th, tw), (sh, sw) = self.taps, self.stride
        return matrix.reshape(-1, th, tw, self.x_shape[1], sh, sw).transpose(0, 3, 1, 4, 2, 5)

    def _elements(self) -> Iterator[tuple[tuple, tuple]]:
        """For each kernel row, and run of columns in one cell: its places in matrix and weight."""
        kh, kw = self.weight_shape[2:]
        sh, sw = self.stride
        run = sw if sw >= LONG_RUN else 1  # single columns copy faster than very short runs
        for u, v in itertools.product(range(kh), range(0, kw, run)):
            stop = min(v + run, kw)
            columns = slice(v % sw, v % sw + stop - v)
            yield (..., u // sh, u % sh, v // sw, columns), (..., u, slice(v, stop))

    def empty_image(self, dtype: np.dtype) -> np.ndarray:
        """Memory for dL/dx: zero where windows leave rows or columns at the end unseen."""
        sizes = zip(
            self.x_shape[2:], self.padding, self.stride, (self.down, self.across), strict=True
        )
        covered = all(size + padding <= s * cells for size, padding, s, cells in sizes)
        return (np.empty if covered else np.zeros)(self.x_shape, dtype)

    def cells(self, count: int, dtype: np.dtype) -> np.ndarray:
        """Room for (C·s·s, cells), in the order of memory in which pixels move in long runs."""
        if self.stride[1] >= LONG_RUN:
            return scratch("cells", (count, self.pixels), dtype).T
        return scratch("cells", (self.pixels, count), dtype)

    def move(
        self, cells: np.ndarray, x: np.ndarray, images: slice, rows: slice, into_cells: bool
    ) -> None:
        """Pixels of x into cells, or back: a strip of cells, and the part of x under it."""
        n, c, down = images.stop - images.start, self.x_shape[1], rows.stop - rows.start
        (sh, sw), (h, w) = self.stride, self.x_shape[2:]
        strip = scratch("cells strip", (n, c, down * sh, self.across * sw), x.dtype)
        top, left = rows.start * sh - self.padding[0], -self.padding[1]
        first, last = max(0, top), max(0, min(h, top + down * sh))
        right = min(w, left + self.across * sw)
        inside = strip[:, :, first - top : max(first, last) - top, self.padding[1] : right - left]
        under = x[images, :, first : max(first, last), :right]
        # (C, s, s, images, down, across) and (images, C, down, s, across, s), one order of axes
        as_cells = cells.reshape(c, sh, sw, n, down, self.across)
        as_strip = strip.reshape(n, c, down, sh, self.across, sw).transpose(1, 3, 5, 0, 2, 4)
        if into_cells:
            if inside.shape != strip.shape:
                strip[...] = 0
            inside[...] = under
            self._each_pixel(as_strip, as_cells)
        else:
            self._each_pixel(as_cells, as_strip)
            under[...] = inside

    def _each_pixel(self, source: np.ndarray, target: np.ndarray) -> None:
        """Copy, in as few calls as keep the inner loops long."""
        if self.stride[1] >= LONG_RUN:
            target[...] = source
            return
        for a, b in itertools.product(range(self.stride[0]), range(self.stride[1])):
            target[:, a, b] = source[:, a, b]

    def columns(self, y: np.ndarray, images: slice, rows: slice) -> np.ndarray:
        """y as a strip of cells sees it: (O·T·T, cells). Tap (du, dv) sees y[i - du, j - dv]."""
        n, o, down = images.stop - images.start, y.shape[1], rows.stop - rows.start
        th, tw = self.taps
        frame = scratch("cells frame", (o, n, down + th - 1, self.across + tw - 1), y.dtype)
        frame[...] = 0
        top = rows.start - (th - 1)  # the row of y that is row 0 of the frame
        first, last = max(0, top), min(y.shape[2], rows.stop)
        # (images, O, rows, OW) -> (O, images, rows, OW)
        frame[:, :, first - top : last - top, tw - 1 : tw - 1 + y.shape[3]] = y[
            images, :, first:last
        ].swapaxes(0, 1)
        corner = frame[:, :, th - 1 :, tw - 1 :]
        per_channel, per_image, per_row, per_pixel = frame.strides
        view = np.lib.stride_tricks.as_strided(
            corner,
            (o, th, tw, n, down, self.across),
            (per_channel, -per_row, -per_pixel, per_image, per_row, per_pixel),
        )
        columns = scratch("cells columns", view.shape, y.dtype)
        columns[...] = view
        return columns.reshape(self.sums, -1)


def forward(
    x: np.ndarray, weight: np.ndarray, y_shape: Shape4, stride: Pair, padding: Pair
) -> np.ndarray:
    """y collects from T·T columns of weight @ cells.

    >>> x, weight = np.array([[[[1.0, 2.0, 3.0, 4.0]]]]), np.array([[[[1.0, 10.0]]]])
    >>> forward(x, weight, (1, 1, 1, 2), (1, 2), (0, 0)).tolist()
    [[[[21.0, 43.0]]]]
    """
    grid = Grid(x.shape, weight.shape, y_shape, stride, padding)
    y = np.empty(y_shape, np.result_type(x, weight))
    matrix = grid.matrix(weight)
    th, tw = grid.taps
    oh, ow = y_shape[2:]

    def one_block(block: tuple[slice, slice]) -> None:
        images, rows = block  # rows of y; they need th - 1 more rows of cells
        seen = slice(rows.start, rows.stop + th - 1)
        n, down = images.stop - images.start, rows.stop - rows.start
        cells = grid.cells(n * (down + th - 1) * grid.across, y.dtype)
        grid.move(cells, x, images, seen, into_cells=True)
        columns = scratch("cells columns", (grid.sums, cells.shape[1]), y.dtype)
        np.matmul(matrix, cells, out=columns)
        columns = columns.reshape(-1, th, tw, n, down + th - 1, grid.across)
        target = y[images, :, rows].swapaxes(0, 1)
        with unbuffered():
            for du, dv in itertools.product(range(th), range(tw)):
                part = columns[:, du, dv, :, du : du + down, dv : dv + ow]
                if (du, dv) == (0, 0):
                    target[...] = part
                else:
                    target += part

    blocks = [(i, slice(r.start, min(r.stop, oh))) for i, r in grid.blocks(y.itemsize)]
    parallel_for(one_block, [(i, r) for i, r in blocks if r.start < r.stop])
    return y


def grad_input(
    grad: np.ndarray, weight: np.ndarray, x_shape: Shape4, stride: Pair, padding: Pair
) -> np.ndarray:
    """dL/dcells = weightᵀ @ columns of dL/dy. Also the forward of transposed convolution.

    >>> grad, weight = np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0, 10.0, 100.0]]]])
    >>> grad_input(grad, weight, (1, 1, 1, 5), (1, 2), (0, 0)).tolist()
    [[[[1.0, 10.0, 102.0, 20.0, 200.0]]]]
    """
    grid = Grid(x_shape, weight.shape, grad.shape, stride, padding)
    dtype = np.result_type(grad, weight)
    grad_x = grid.empty_image(dtype)
    matrix = grid.matrix(weight)

    def one_block(block: tuple[slice, slice]) -> None:
        columns = grid.columns(grad, *block)
        cells = grid.cells(columns.shape[1], dtype)
        np.matmul(matrix.T, columns, out=cells)
        grid.move(cells, grad_x, *block, into_cells=False)

    parallel_for(one_block, grid.blocks(dtype.itemsize))
    return grad_x


def grad_weight(
    grad: np.ndarray, x: np.ndarray, weight_shape: Shape4, stride: Pair, padding: Pair
) -> np.ndarray:
    """dL/dweight = columns of dL/dy @ cellsᵀ, each run of blocks summed on its own.

    >>> grad, x = np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0, 2.0, 3.0, 4.0]]]])
    >>> grad_weight(grad, x, (1, 1, 1, 2), (1, 2), (0, 0)).tolist()
    [[[[7.0, 10.0]]]]
    """
    grid = Grid(x.shape, weight_shape, grad.shape, stride, padding)
    dtype = np.result_type(grad, x)
    blocks = grid.blocks(dtype.itemsize)
    runs = split(len(blocks), -(-len(blocks) // MOST_SUMS))
    sums = np.zeros((len(runs), grid.sums, grid.pixels), dtype)

    def one_run(run: int) -> None:
        for step, block in enumerate(blocks[runs[run]]):
            columns = grid.columns(grad, *block)
            cells = grid.cells(columns.shape[1], dtype)
            grid.move(cells, x, *block, into_cells=True)
            if step == 0:
                np.matmul(columns, cells.T, out=sums[run])
            else:
                term = scratch("cells term", sums.shape[1:], dtype)
                sums[run] += np.matmul(columns, cells.T, out=term)

    parallel_for(one_run, range(len(runs)))
    return grid.weight(add_up(sums))
