"""Strided convolution with a large kernel by space-to-depth: the stride becomes 1.

With stride s, windows start every s pixels. Cut the padded image into cells of s·s pixels: a window
then starts at the corner of a cell, and a kernel of K·K covers T·T cells, T = ⌈K / s⌉. Let the
pixels of a cell be channels (space-to-depth), and what is left is a convolution of stride 1 with a
T x T kernel:

    y[o, i, j] = Σ over du, dv and c, a, b of
                 weight[o, c, s·du + a, s·dv + b] · cell[c, a, b, i + du, j + dv]

FCN's upsampling, transposed, has K = 2s: a sum over 2·2 cells instead of one over 4·4 or 64·64
pixels. Each of the three kernels is one matrix product of

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

from minicv.backend.convolution_layer import NO_EPILOGUE, Epilogue, Layer
from minicv.backend.cpu import convolution_phases as phases
from minicv.backend.cpu.convolution_epilogue import apply_epilogue
from minicv.backend.cpu.memory import add_up, scratch, unbuffered
from minicv.backend.parallel import parallel_for, split, split_evenly

STRIP_BYTES = 2 << 20  # of cells and columns together
MOST_SUMS = 8  # of a gradient of the weight, that stay apart until the end
LONG_RUN = 8  # pixels; from here on rows of a cell are copied as wholes


def forward(
    layer: Layer, x: np.ndarray, weight: np.ndarray, epilogue: Epilogue = NO_EPILOGUE
) -> np.ndarray:
    """y collects from T·T columns of weight @ cells; then the epilogue.

    >>> x, weight = np.array([[[[1.0, 2.0, 3.0, 4.0]]]]), np.array([[[[1.0, 10.0]]]])
    >>> layer = Layer.of(x.dtype, x.shape, weight.shape, (1, 2), (0, 0), (1, 1), 1)
    >>> forward(layer, x, weight).tolist()
    [[[[21.0, 43.0]]]]
    """
    grid = CellGrid(layer)
    y = np.empty(layer.y_shape, np.result_type(x, weight))
    matrix = grid.matrix(weight)
    th, tw = grid.taps
    oh, ow = layer.y_shape[2:]

    def convolve(block: tuple[slice, slice]) -> None:
        images, rows = block  # rows of y; they need th - 1 more rows of cells
        seen = slice(rows.start, rows.stop + th - 1)
        n, down = images.stop - images.start, rows.stop - rows.start
        cells = grid.empty_cells(n * (down + th - 1) * grid.across, y.dtype)
        grid.move(cells, x, images, seen, into_cells=True)
        columns = scratch("space-to-depth columns", (grid.sums, cells.shape[1]), y.dtype)
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
    parallel_for(convolve, [(i, r) for i, r in blocks if r.start < r.stop])
    return apply_epilogue(epilogue, y)


def grad_input(layer: Layer, grad: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """dL/dcells = weightᵀ @ columns of dL/dy. Also the forward of transposed convolution.

    Short strides make short runs, and more zeros in the last cells: they go phase by phase.

    >>> grad, weight = np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0, 10.0, 100.0]]]])
    >>> layer = Layer.of(grad.dtype, (1, 1, 1, 5), weight.shape, (1, 2), (0, 0), (1, 1), 1)
    >>> grad_input(layer, grad, weight).tolist()
    [[[[1.0, 10.0, 102.0, 20.0, 200.0]]]]
    """
    if layer.stride[1] < LONG_RUN:
        return phases.grad_input(layer, grad, weight)
    grid = CellGrid(layer)
    dtype = np.result_type(grad, weight)
    grad_x = grid.empty_image(dtype)
    matrix = grid.matrix(weight)

    def send_back(block: tuple[slice, slice]) -> None:
        columns = grid.columns(grad, *block)
        cells = grid.empty_cells(columns.shape[1], dtype)
        np.matmul(matrix.T, columns, out=cells)
        grid.move(cells, grad_x, *block, into_cells=False)

    parallel_for(send_back, grid.blocks(dtype.itemsize))
    return grad_x


def grad_weight(layer: Layer, grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dL/dweight = columns of dL/dy @ cellsᵀ, each run of blocks summed on its own.

    >>> grad, x = np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0, 2.0, 3.0, 4.0]]]])
    >>> layer = Layer.of(x.dtype, x.shape, (1, 1, 1, 2), (1, 2), (0, 0), (1, 1), 1)
    >>> grad_weight(layer, grad, x).tolist()
    [[[[7.0, 10.0]]]]
    """
    grid = CellGrid(layer)
    dtype = np.result_type(grad, x)
    blocks = grid.blocks(dtype.itemsize)
    runs = split(len(blocks), -(-len(blocks) // MOST_SUMS))
    sums = np.zeros((len(runs), grid.sums, grid.pixels), dtype)

    def sum_run(run: int) -> None:
        for step, block in enumerate(blocks[runs[run]]):
            columns = grid.columns(grad, *block)
            cells = grid.empty_cells(columns.shape[1], dtype)
            grid.move(cells, x, *block, into_cells=True)
            if step == 0:
                np.matmul(columns, cells.T, out=sums[run])
            else:
                term = scratch("space-to-depth term", sums.shape[1:], dtype)
                sums[run] += np.matmul(columns, cells.T, out=term)

    parallel_for(sum_run, range(len(runs)))
    return grid.weight(add_up(sums))


class CellGrid:
    """The cells of an image, and their blocks: (images, rows of cells)."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        (sh, sw), (kh, kw), (oh, ow) = layer.stride, layer.kernel, layer.y_shape[2:]
        self.taps = (-(-kh // sh), -(-kw // sw))  # T, T
        self.down, self.across = oh + self.taps[0] - 1, ow + self.taps[1] - 1
        self.pixels = layer.x_shape[1] * sh * sw  # C·s·s
        self.sums = layer.y_shape[1] * self.taps[0] * self.taps[1]  # O·T·T

    def blocks(self, itemsize: int) -> list[tuple[slice, slice]]:
        """Some rows of one image, or several whole images; an even number where possible."""
        n = self.layer.x_shape[0]
        # Each block meets the whole weight, and so should not be smaller than that.
        room = STRIP_BYTES + 2 * itemsize * self.pixels * self.sums
        fitting = room // (itemsize * (self.pixels + self.sums) * self.across)  # rows
        images = max(1, min(-(-n // 2), fitting // self.down))
        rows = min(max(1, fitting), -(-self.down // 2)) if n == 1 or images == 1 else self.down
        return list(itertools.product(split_evenly(n, images), split_evenly(self.down, rows)))

    def matrix(self, weight: np.ndarray) -> np.ndarray:
        """(O, C, KH, KW) -> (O·T·T, C·s·s), with zeros where the last cells outreach the kernel."""
        matrix = np.zeros((self.sums, self.pixels), weight.dtype)
        for in_matrix, in_weight in self._elements():
            self._unfold(matrix)[in_matrix] = weight[in_weight]
        return matrix

    def weight(self, matrix: np.ndarray) -> np.ndarray:
        """The reverse of `matrix`."""
        weight = np.empty(self.layer.weight_shape, matrix.dtype)
        for in_matrix, in_weight in self._elements():
            weight[in_weight] = self._unfold(matrix)[in_matrix]
        return weight

    def _unfold(self, matrix: np.ndarray) -> np.ndarray:
        """(O·T·T, C·s·s) -> (O, C, T, s, T, s), a view."""
        (th, tw), (sh, sw) = self.taps, self.layer.stride
        as_cells = matrix.reshape(-1, th, tw, self.layer.x_shape[1], sh, sw)
        return as_cells.transpose(0, 3, 1, 4, 2, 5)

    def _elements(self) -> Iterator[tuple[tuple, tuple]]:
        """For each kernel row, and run of columns in one cell: its places in matrix and weight."""
        kh, kw = self.layer.kernel
        sh, sw = self.layer.stride
        run = sw if sw >= LONG_RUN else 1  # single columns copy faster than very short runs
        for u, v in itertools.product(range(kh), range(0, kw, run)):
            stop = min(v + run, kw)
            columns = slice(v % sw, v % sw + stop - v)
            yield (..., u // sh, u % sh, v // sw, columns), (..., u, slice(v, stop))

    def empty_image(self, dtype: np.dtype) -> np.ndarray:
        """Memory for dL/dx: zero where no window reaches the last rows or columns."""
        layer = self.layer
        sizes = zip(
            layer.x_shape[2:], layer.padding, layer.stride, (self.down, self.across), strict=True
        )
        covered = all(size + padding <= s * cells for size, padding, s, cells in sizes)
        return (np.empty if covered else np.zeros)(layer.x_shape, dtype)

    def empty_cells(self, count: int, dtype: np.dtype) -> np.ndarray:
        """Room for (C·s·s, cells), in the order of memory in which pixels move in long runs."""
        if self.layer.stride[1] >= LONG_RUN:
            return scratch("space-to-depth cells", (count, self.pixels), dtype).T
        return scratch("space-to-depth cells", (self.pixels, count), dtype)

    def move(
        self, cells: np.ndarray, x: np.ndarray, images: slice, rows: slice, into_cells: bool
    ) -> None:
        """Pixels of x into cells, or back: a strip of cells, and the part of x under it."""
        n, c, down = images.stop - images.start, self.layer.x_shape[1], rows.stop - rows.start
        (sh, sw), (h, w) = self.layer.stride, self.layer.x_shape[2:]
        padding = self.layer.padding
        strip = scratch("space-to-depth strip", (n, c, down * sh, self.across * sw), x.dtype)
        top, left = rows.start * sh - padding[0], -padding[1]
        first, last = max(0, top), max(0, min(h, top + down * sh))
        right = min(w, left + self.across * sw)
        inside = strip[:, :, first - top : max(first, last) - top, padding[1] : right - left]
        under = x[images, :, first : max(first, last), :right]
        # (C, s, s, images, down, across) and (images, C, down, s, across, s), one order of axes
        as_cells = cells.reshape(c, sh, sw, n, down, self.across)
        as_strip = strip.reshape(n, c, down, sh, self.across, sw).transpose(1, 3, 5, 0, 2, 4)
        if into_cells:
            if inside.shape != strip.shape:
                strip[...] = 0
            inside[...] = under
            self._copy_pixels(as_strip, as_cells)
        else:
            self._copy_pixels(as_cells, as_strip)
            under[...] = inside

    def _copy_pixels(self, source: np.ndarray, target: np.ndarray) -> None:
        """Copy, in as few calls as keep the inner loops long."""
        if self.layer.stride[1] >= LONG_RUN:
            target[...] = source
            return
        for a, b in itertools.product(*map(range, self.layer.stride)):
            target[:, a, b] = source[:, a, b]

    def columns(self, y: np.ndarray, images: slice, rows: slice) -> np.ndarray:
        """y as a strip of cells sees it: (O·T·T, cells). Tap (du, dv) sees y[i - du, j - dv]."""
        n, o, down = images.stop - images.start, y.shape[1], rows.stop - rows.start
        th, tw = self.taps
        shape = (o, n, down + th - 1, self.across + tw - 1)
        frame = scratch("space-to-depth frame", shape, y.dtype)
        frame[...] = 0
        top = rows.start - (th - 1)  # the row of y that is row 0 of the frame
        first, last = max(0, top), min(y.shape[2], rows.stop)
        # (images, O, rows, OW) -> (O, images, rows, OW)
        inside = frame[:, :, first - top : last - top, tw - 1 : tw - 1 + y.shape[3]]
        inside[...] = y[images, :, first:last].swapaxes(0, 1)
        corner = frame[:, :, th - 1 :, tw - 1 :]
        per_channel, per_image, per_row, per_pixel = frame.strides
        view = np.lib.stride_tricks.as_strided(
            corner,
            (o, th, tw, n, down, self.across),
            (per_channel, -per_row, -per_pixel, per_image, per_row, per_pixel),
        )
        columns = scratch("space-to-depth columns", view.shape, y.dtype)
        columns[...] = view
        return columns.reshape(self.sums, -1)
