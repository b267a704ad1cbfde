"""Inverted residual: expand, depthwise and project in one go, so that the wide map stays in cache.

    wide      (M, H, W)    =  min(max(expand (M, C) @ x (C, H, W), 0), 6)
    filtered  (M, OH, OW)  =  min(max(depthwise (M, KH, KW) * wide, 0), 6)
    y         (O, OH, OW)  =  project (O, M) @ filtered + shortcut

(scales and shifts left out). The wide map has six times the channels of x. One convolution after
the other writes it to memory and reads it again, three times over, and lays it out anew for the
depthwise convolution. Here each piece of it lives in memory that stays in the cache:

1. One matrix product gives the piece with channels last, as the depthwise sum wants it (see
   `convolution_depthwise`): BLAS reads the transposed x as fast as x.
2. Shift and ReLU6 move it into a frame of zeros, the padding.
3. `numpy.einsum` sums the windows of the frame; shift and ReLU6 in place.
4. A second matrix product takes the sum, transposed, straight to its place in y.

*Pieces.* A map is cut into two halves of the wide channels. Every channel is expanded and filtered
by itself, so nothing is computed twice; the project step is a sum over channels, so each half gives
a partial sum of y, and the sums are small. A map too large for that is cut into bands of rows. A
band expands anew the few rows that it shares with its neighbour.

Arithmetic: that of the three convolutions. Traffic: x, the weights and y; the wide map only in the
cache.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from minicv.backend.convolution_layer import Pair, Shape4
from minicv.backend.cpu.memory import scratch
from minicv.backend.parallel import parallel_for, split, split_evenly

# Of the frame of one piece. Finer pieces fit a nearer cache, but each costs a dozen calls from
# Python, and threads wait for each other at the interpreter.
PIECE_ELEMENTS = 1 << 19
BAND_ELEMENTS = 1 << 18
RUN_ELEMENTS = 512  # see `convolution_depthwise`
CEILING = 6.0  # of ReLU6
Sides = tuple[int, int, int, int]  # left, right, top, bottom


class ConvNorm(NamedTuple):
    """A convolution's weight, and the scale and shift of each output channel."""

    weight: np.ndarray
    scale: np.ndarray
    shift: np.ndarray


class Steps(NamedTuple):
    """The three convolutions.

    Attributes:
        expand: weight (M, C, 1, 1); None where x is already wide.
        depthwise: weight (M, 1, KH, KW).
        project: weight (O, M, 1, 1).
        stride, padding: of the depthwise convolution; left, right, top, bottom.
    """

    expand: ConvNorm | None
    depthwise: ConvNorm
    project: ConvNorm
    stride: Pair
    padding: Sides


def can_compute(x: np.ndarray, steps: Steps, shortcut: np.ndarray | None) -> bool:
    """Whether these are float32 arrays on the host whose shapes fit together."""
    expand, depthwise, project, stride, padding = steps
    arrays = [x, *depthwise, *project, *(expand or ()), *(() if shortcut is None else (shortcut,))]
    if not all(type(array) is np.ndarray and array.dtype == np.float32 for array in arrays):
        return False
    if x.ndim != 4:
        return False
    wide, outputs = len(depthwise.weight), len(project.weight)
    if expand is None:
        mixes = x.shape[1] == wide
    else:
        mixes = expand.weight.shape == (wide, x.shape[1], 1, 1)
    mixes = mixes and project.weight.shape == (outputs, wide, 1, 1)
    if not mixes or depthwise.weight.shape[1] != 1:
        return False
    n, _, oh, ow = Shapes.of(x.shape, depthwise.weight.shape, stride, padding).filtered
    return min(oh, ow) > 0 and (shortcut is None or shortcut.shape == (n, outputs, oh, ow))


def forward(x: np.ndarray, steps: Steps, shortcut: np.ndarray | None = None) -> np.ndarray:
    """(N, C, H, W) -> (N, O, OH, OW); ``shortcut``, of the result's shape, is added at the end.

    >>> one = np.ones(1, np.float32)
    >>> mix, taps = (ConvNorm(np.ones(shape, np.float32), one, 0 * one)
    ...              for shape in ((1, 1, 1, 1), (1, 1, 1, 3)))
    >>> x = np.array([[[[1.0, -5.0, 9.0]]]], np.float32)
    >>> forward(x, Steps(mix, taps, mix, (1, 1), (1, 1, 0, 0)), x).tolist()
    [[[[2.0, 1.0, 15.0]]]]
    """
    project = steps.project
    shapes = Shapes.of(x.shape, steps.depthwise.weight.shape, steps.stride, steps.padding)
    n, _, oh, ow = shapes.filtered
    bands, parts = shapes.cut()
    sums = np.empty((len(parts), n, len(project.weight), oh * ow), x.dtype)
    pieces = _Pieces(shapes, x, steps)
    matrix = project.weight[:, :, 0, 0]

    def compute(piece: tuple[int, slice, tuple[int, slice]]) -> None:
        image, rows, (part, channels) = piece
        pixels = slice(rows.start * ow, rows.stop * ow)
        filtered = pieces.filtered(image, rows, channels)  # -> (pixels, channels)
        np.matmul(matrix[:, channels], filtered.T, out=sums[part, image, :, pixels])

    parallel_for(compute, itertools.product(range(n), bands, enumerate(parts)))
    y = sums[0]
    for partial in sums[1:]:
        y += partial
    y *= project.scale[:, None]
    y += project.shift[:, None]
    if shortcut is not None:
        y += shortcut.reshape(y.shape)
    return y.reshape(n, -1, oh, ow)


class Shapes(NamedTuple):
    """Of the maps of an inverted residual.

    Attributes:
        wide: (N, M, H, W), after the expansion.
        kernel, stride: of the depthwise convolution.
        padding: of the depthwise convolution: left, right, top, bottom.
        filtered: (N, M, OH, OW), after the depthwise convolution.
    """

    wide: Shape4
    kernel: Pair
    stride: Pair
    padding: Sides
    filtered: Shape4

    @classmethod
    def of(cls, x_shape: Shape4, taps_shape: Shape4, stride: Pair, padding: Sides) -> Shapes:
        """From (N, C, H, W) and (M, 1, KH, KW)."""
        n, _, h, w = x_shape
        m, _, *kernel = taps_shape
        left, right, top, bottom = padding
        oh = (h + top + bottom - kernel[0]) // stride[0] + 1
        ow = (w + left + right - kernel[1]) // stride[1] + 1
        return cls((n, m, h, w), (kernel[0], kernel[1]), stride, padding, (n, m, oh, ow))

    def extent(self, axis: int, windows: int) -> int:
        """How many rows (axis 0) or columns (axis 1) so many windows look at."""
        return (windows - 1) * self.stride[axis] + self.kernel[axis]

    def cut(self) -> tuple[list[slice], list[slice]]:
        """(bands of rows of the result, parts of the wide channels).

        >>> Shapes.of((1, 80, 14, 14), (480, 1, 3, 3), (1, 1), (1, 1, 1, 1)).cut()
        ([slice(0, 14, None)], [slice(0, 240, None), slice(240, 480, None)])
        """
        _, m, oh, ow = self.filtered
        of_a_row = self.extent(1, ow) * m
        if self.extent(0, oh) * of_a_row <= 2 * PIECE_ELEMENTS:
            return [slice(0, oh)], split(m, -(-m // 2))
        shared = self.kernel[0] - self.stride[0]
        rows = (BAND_ELEMENTS // max(1, of_a_row) - shared) // self.stride[0]
        return split_evenly(oh, rows), [slice(0, m)]


class _Pieces:
    """The wide map, piece by piece: an image, rows of the result, and some of the channels."""

    def __init__(self, shapes: Shapes, x: np.ndarray, steps: Steps) -> None:
        self.shapes, self.x, self.expand = shapes, x, steps.expand
        weight, scale, self.shift = steps.depthwise
        # (M, 1, KH, KW) -> (KH, KW, M)
        self.taps = (weight[:, 0] * scale[:, None, None]).transpose(1, 2, 0)

    def filtered(self, image: int, rows: slice, channels: slice) -> np.ndarray:
        """The piece after the depthwise convolution: (pixels, channels)."""
        frame = self._frame(image, rows, channels)
        (step_down, step), ow, m = self.shapes.stride, self.shapes.filtered[3], frame.shape[2]
        joined = self._joined(m)
        shape = (rows.stop - rows.start, ow // joined, joined * m)
        per_row, per_column, per_channel = frame.strides
        windows = np.lib.stride_tricks.as_strided(
            frame,
            (*shape[:2], *self.shapes.kernel, shape[2]),
            (step_down * per_row, joined * step * per_column, per_row, per_column, per_channel),
        )
        taps = np.tile(np.ascontiguousarray(self.taps[:, :, channels]), (1, 1, joined))
        total = scratch("inverted residual, filtered", shape, frame.dtype)
        np.einsum("ijuvk,uvk->ijk", windows, taps, out=total)
        total += np.tile(self.shift[channels], joined)
        np.clip(total, 0, CEILING, out=total)
        return total.reshape(-1, m)

    def _frame(self, image: int, rows: slice, channels: slice) -> np.ndarray:
        """What the windows of some rows of the result look at: (rows, columns, channels)."""
        left, _, top, _ = self.shapes.padding
        height = self.shapes.extent(0, rows.stop - rows.start)
        width = self.shapes.extent(1, self.shapes.filtered[3])
        m = channels.stop - channels.start
        frame = scratch("inverted residual, frame", (height, width, m), self.x.dtype)
        first = rows.start * self.shapes.stride[0] - top
        of_map, down = _overlap(first, height, self.shapes.wide[2])
        columns, across = _overlap(-left, width, self.shapes.wide[3])
        frame[: down.start] = 0
        frame[down.stop :] = 0
        frame[down, : across.start] = 0
        frame[down, across.stop :] = 0
        if self.expand is None:
            frame[down, across] = self.x[image, channels, of_map, columns].transpose(1, 2, 0)
        else:
            wide = self._wide(self.expand, image, of_map, channels)
            np.clip(wide[:, columns], 0, CEILING, out=frame[down, across])
        return frame

    def _wide(self, expand: ConvNorm, image: int, rows: slice, channels: slice) -> np.ndarray:
        """Some rows of some channels of the wide map, before ReLU6: (rows, W, channels)."""
        _, c, _, w = self.x.shape
        matrix, scale = expand.weight[channels, :, 0, 0], expand.scale[channels]
        pixels = self.x[image, :, rows].reshape(c, -1)
        wide = scratch("inverted residual, wide", (pixels.shape[1], len(matrix)), self.x.dtype)
        if c < len(wide):  # scale whichever is smaller
            np.matmul(pixels.T, (matrix * scale[:, None]).T, out=wide)
        else:
            np.matmul(pixels.T, matrix.T, out=wide)
            wide *= scale
        wide = wide.reshape(-1, w * len(matrix))
        wide += np.tile(expand.shift[channels], w)  # long runs
        return wide.reshape(-1, w, len(matrix))

    def _joined(self, channels: int) -> int:
        """How many neighbouring pixels make up a run of the depthwise sum."""
        ow = self.shapes.filtered[3]
        if self.shapes.stride[1] > 1:
            return 1
        fits = [j for j in range(2, ow + 1) if ow % j == 0 and j * channels <= RUN_ELEMENTS]
        return max(fits, default=1)


def _overlap(first: int, extent: int, length: int) -> tuple[slice, slice]:
    """Where a frame that begins at ``first`` of a map lies in the map, and the map in the frame.

    >>> _overlap(-1, 5, 3)
    (slice(0, 3, None), slice(1, 4, None))
    """
    start = max(0, first)
    stop = max(start, min(length, first + extent))
    return slice(start, stop), slice(start - first, stop - first)
