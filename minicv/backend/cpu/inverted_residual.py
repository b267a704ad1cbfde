"""Inverted residual: expand, depthwise and project in one go, so that the wide map stays in cache.

    wide      (M, H, W)    =  min(max(expand (M, C) @ x (C, H, W), 0), 6)
    filtered  (M, OH, OW)  =  min(max(depthwise (M, KH, KW) * wide, 0), 6)
    y         (O, OH, OW)  =  project (O, M) @ filtered + shortcut

(scales and shifts left out). The wide map has six times the channels of x. One convolution after
the other writes it to memory and reads it again, three times over, and lays it out anew for the
depthwise convolution. Here each piece of it lives in memory that every layer uses again:

1. A matrix product gives the piece with channels last, as the depthwise sum wants it (see
   `convolution_depthwise`): BLAS reads the transposed x as fast as x. A row of ones below x meets
   the shift. ReLU6 leaves the piece in a frame of zeros, the padding.
2. `numpy.einsum` sums the windows of the frame; shift and ReLU6 in place.
3. A second matrix product takes the sum, transposed, straight to its place in y.

*Pieces.* The map of a single image is cut in two, for two cores; finer only where it is very large.
Each piece costs a dozen calls from Python, and threads wait for each other at the interpreter: on
two cores eight pieces take up to twice as long as two. A large map is cut into bands of rows. A
band expands anew the few rows that it shares with its neighbour. In a small map those would be
many. So it is cut into halves of the wide channels: every channel is expanded and filtered by
itself, and the project step is a sum over channels, so each half gives a partial sum of y. Whatever
is cut is cut by size alone, so the bits of y do not depend on the number of threads.

*Places.* The Python between two calls runs on one thread at a time. So memory, slices and strided
views are made once for each shape (`_Place`) and kept.

Arithmetic: that of the three convolutions. Traffic: x, the weights and y; the wide map only in the
cache, if that holds a piece.
"""

from __future__ import annotations

import functools
import itertools
import math
import threading
from typing import Any, NamedTuple

import numpy as np

from minicv.backend.convolution_layer import Pair, Shape4
from minicv.backend.cpu.convolution_products import packs_no_small_product
from minicv.backend.parallel import parallel_for, split, split_evenly

PIECE_ELEMENTS = 1 << 20  # of a frame
SMALL_IMAGE = 8_000_000  # multiply-adds, done before a second core wakes
FEW = 8  # a band shares few rows where they are fewer than one in FEW
RUN_ELEMENTS = 1024  # of the depthwise sum: long enough for a run to cost more than its start
# A smaller weight is transposed while it is scaled: BLAS then takes it faster. A larger one takes
# longer to transpose than that saves.
TRANSPOSED = 128  # channels of x
# What OpenBLAS multiplies without packing; see `convolution_products`. Of the expansion, a row of
# the map at a time; of the projection, so many results, but not in pieces of too few pixels.
SMALL, LONG_ROW = 1_000_000, 28
RESULTS, FEWEST_PIXELS = 1200, 24
MOST_PLACES = 64
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
    shapes = Shapes.of(x.shape, steps.depthwise.weight.shape, steps.stride, steps.padding)
    n, _, oh, ow = shapes.filtered
    matrix, scale, shift = steps.project[0][:, :, 0, 0], *(v[:, None] for v in steps.project[1:])
    bands, parts = _cut(shapes, x.shape[1], len(matrix), PIECE_ELEMENTS, SMALL_IMAGE)
    sums = np.empty((len(parts), n, len(matrix), oh * ow), x.dtype)
    if shortcut is not None:
        shortcut = shortcut.reshape(sums.shape[1:])
    pieces = _Pieces(shapes, x, steps)

    def compute(piece: tuple[int, slice, tuple[int, slice]]) -> None:
        image, rows, (part, channels) = piece
        pixels = slice(rows.start * ow, rows.stop * ow)
        y = sums[part, image, :, pixels]
        _project(matrix[:, channels], pieces.filtered(image, rows, channels), y)
        if len(parts) == 1:
            finish(y, image, pixels)

    def finish(y: np.ndarray, image: int, pixels: slice) -> None:
        np.multiply(y, scale, out=y)
        np.add(y, shift, out=y)
        if shortcut is not None:
            np.add(y, shortcut[image, :, pixels], out=y)

    parallel_for(compute, itertools.product(range(n), bands, enumerate(parts)))
    y = sums[0]
    if len(parts) > 1:
        for image, (first, second) in enumerate(zip(*sums, strict=True)):
            np.add(first, second, out=first)
            finish(first, image, slice(None))
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


@functools.lru_cache(maxsize=4096)
def _cut(shapes: Shapes, c: int, o: int, most: int, small: int) -> tuple[list[slice], list[slice]]:
    """(Bands of rows of the result, parts of the wide channels).

    Args:
        shapes: of the maps.
        c, o: channels of x and of the result.
        most: numbers of a frame.
        small: multiply-adds of an image that is not cut.

    >>> _cut(Shapes.of((1, 80, 14, 14), (480, 1, 3, 3), (1, 1), (1, 1, 1, 1)), 80, 80, 10**6, 10**6)
    ([slice(0, 14, None)], [slice(0, 240, None), slice(240, 480, None)])
    >>> _cut(Shapes.of((1, 24, 56, 56), (144, 1, 3, 3), (1, 1), (1, 1, 1, 1)), 24, 24, 10**6, 10**6)
    ([slice(0, 28, None), slice(28, 56, None)], [slice(0, 144, None)])
    """
    n, m, oh, ow = shapes.filtered
    height, of_a_row = shapes.extent(0, oh), shapes.extent(1, ow) * m
    shared = shapes.kernel[0] - shapes.stride[0]
    if height * of_a_row <= most:
        work = c * math.prod(shapes.wide[1:]) + (math.prod(shapes.kernel) + o) * m * oh * ow
        if n % 2 == 0 or work <= small:
            return [slice(0, oh)], [slice(0, m)]
        if FEW * shared >= height:
            return [slice(0, oh)], split(m, -(-m // 2))
    rows = (most // max(1, of_a_row) - shared) // shapes.stride[0]
    return split_evenly(oh, min(rows, -(-oh // 2))), [slice(0, m)]


class _Pieces:
    """The wide map, piece by piece: an image, rows of the result, and some of the channels."""

    def __init__(self, shapes: Shapes, x: np.ndarray, steps: Steps) -> None:
        self.shapes, self.expand, self.depthwise = shapes, steps.expand, steps.depthwise
        self.x, self.taken = x, 0
        if self.expand is not None:
            n, c, h, w = x.shape
            self.taken = c + 1
            self.x = np.empty((n, c + 1, h, w), x.dtype)
            self.x[:, :c] = x
            self.x[:, c] = 1  # meets the shift

    def filtered(self, image: int, rows: slice, channels: slice) -> np.ndarray:
        """The piece after the depthwise convolution: (pixels, channels), until the next piece."""
        m = channels.stop - channels.start
        place = _place(self.shapes, rows.start, rows.stop, m, self.taken)
        for margin in place.margins:
            margin[...] = 0
        x = self.x[image, :, place.rows, place.columns]
        if self.expand is None:
            place.inside[...] = x[channels].transpose(1, 2, 0)
        else:
            _widen(x, self.expand, channels, place)
        weight, scale, shift = self.depthwise
        # (M, 1, KH, KW) -> (KH, KW, joined, M)
        taps = weight[channels, 0].transpose(1, 2, 0)[:, :, None]
        np.multiply(taps, scale[channels], out=place.taps)
        np.einsum("ijuvk,uvk->ijk", place.windows, place.joined_taps, out=place.total)
        place.shifts[...] = shift[channels]
        np.add(place.total_rows, place.shifts_row, out=place.total_rows)
        place.total.clip(0, CEILING, out=place.total)
        return place.filtered


def _widen(x: np.ndarray, expand: ConvNorm, channels: slice, place: _Place) -> None:
    """Expansion, shift and ReLU6 of x (C + 1, rows, columns), into the frame."""
    weight, scale, shift = expand
    np.multiply(weight[channels, :, 0, 0].T, scale[channels], out=place.matrix[:-1])
    place.matrix[-1] = shift[channels]
    if place.wide is None:
        # (rows, columns, C + 1) @ (C + 1, M)
        np.matmul(x.transpose(1, 2, 0), place.matrix, out=place.inside)
        place.inside.clip(0, CEILING, out=place.inside)
    else:
        np.matmul(x.reshape(len(x), -1).T, place.matrix, out=place.wide)
        place.wide.reshape(place.inside.shape).clip(0, CEILING, out=place.inside)


def _project(matrix: np.ndarray, filtered: np.ndarray, y: np.ndarray) -> None:
    """y (O, pixels) = matrix (O, M) @ filtered (pixels, M), transposed."""
    (o, m), pixels = matrix.shape, len(filtered)
    at_once = RESULTS // o // 4 * 4
    if at_once < FEWEST_PIXELS or not packs_no_small_product():
        np.matmul(matrix, filtered.T, out=y)
        return
    whole = pixels - pixels % at_once
    # (some, at_once, M) -> (some, M, at_once)
    some = filtered[:whole].reshape(-1, at_once, m).swapaxes(1, 2)
    np.matmul(matrix, some, out=y[:, :whole].reshape(o, -1, at_once).swapaxes(0, 1))
    if whole < pixels:
        np.matmul(matrix, filtered[whole:].T, out=y[:, whole:])


class _Place:
    """Memory for a piece, and views of it.

    Attributes:
        rows, columns: of the map, that the piece looks at.
        inside: where they lie in the frame.
        margins: the rest of the frame.
        matrix: (C + 1, M), the scaled weight and the shift of the expansion.
        wide: (pixels, M), its result; None where that goes straight into the frame.
        taps, joined_taps: (KH, KW, joined, M) and (KH, KW, joined · M), the same numbers.
        windows: of the frame, (rows, columns / joined, KH, KW, joined · M).
        total, total_rows, filtered: the depthwise sum, (rows, columns / joined, joined · M),
            (rows, columns · M) and (pixels, M).
        shifts, shifts_row: of a row of pixels, (columns, M) and (columns · M,).
    """

    def __init__(self, shapes: Shapes, start: int, stop: int, m: int, taken: int) -> None:
        ow, (down, across) = shapes.filtered[3], shapes.stride
        left, _, top, _ = shapes.padding
        height, width = shapes.extent(0, stop - start), shapes.extent(1, ow)
        self.rows, inside_rows = _overlap(start * down - top, height, shapes.wide[2])
        self.columns, inside_columns = _overlap(-left, width, shapes.wide[3])
        h, w = (part.stop - part.start for part in (inside_rows, inside_columns))
        by_rows = w >= LONG_ROW and taken * w * m <= SMALL and packs_no_small_product()
        joined = _joined(ow, m) if across == 1 else 1
        frame, wide, matrix, self.taps, self.total, self.shifts = _arrays(
            (height, width, m),
            (0 if by_rows or taken == 0 else h * w, m),
            (taken, m) if taken <= TRANSPOSED else (m, taken),
            (*shapes.kernel, joined, m),
            (stop - start, ow // joined, joined * m),
            (ow, m),
        )
        self.inside = frame[inside_rows, inside_columns]
        margins = [frame[: inside_rows.start], frame[inside_rows.stop :]]
        margins.append(frame[inside_rows, : inside_columns.start])
        margins.append(frame[inside_rows, inside_columns.stop :])
        self.margins = [margin for margin in margins if margin.size]
        self.wide = None if by_rows else wide
        self.matrix = matrix if taken <= TRANSPOSED else matrix.T
        self.joined_taps = self.taps.reshape(*shapes.kernel, -1)
        per_row, per_column, per_number = frame.strides
        self.windows = np.lib.stride_tricks.as_strided(
            frame,
            (*self.total.shape[:2], *self.joined_taps.shape),
            (down * per_row, joined * across * per_column, per_row, per_column, per_number),
        )
        self.total_rows = self.total.reshape(stop - start, -1)
        self.filtered = self.total.reshape(-1, m)
        self.shifts_row = self.shifts.reshape(-1)


class _Memory(threading.local):
    """Of each thread: one array that all places share, since it uses one at a time."""

    def __init__(self) -> None:
        self.numbers = np.empty(0, np.float32)
        self.places: dict[tuple, _Place] = {}


_memory = _Memory()


def _place(*key: Any) -> _Place:
    place = _memory.places.get(key)
    if place is None:
        if len(_memory.places) >= MOST_PLACES:
            _memory.places.clear()
        place = _Place(*key)
        _memory.places[key] = place
    return place


def _arrays(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    """In this thread's memory, one after the other; all places are forgotten if that grows."""
    sizes = [-(-math.prod(shape) // 16) * 16 for shape in shapes]  # in whole lines of the cache
    if sum(sizes) > _memory.numbers.size:
        _memory.places.clear()
        _memory.numbers = np.empty(sum(sizes), np.float32)
    starts = itertools.accumulate(sizes, initial=0)
    return [
        _memory.numbers[start : start + math.prod(shape)].reshape(shape)
        for start, shape in zip(starts, shapes, strict=False)
    ]


def _joined(width: int, channels: int) -> int:
    """How many neighbouring pixels make up a run of the depthwise sum."""
    fits = [j for j in range(2, width + 1) if width % j == 0 and j * channels <= RUN_ELEMENTS]
    return max(fits, default=1)


def _overlap(first: int, extent: int, length: int) -> tuple[slice, slice]:
    """Where a frame that begins at ``first`` of a map lies in the map, and the map in the frame.

    >>> _overlap(-1, 5, 3)
    (slice(0, 3, None), slice(1, 4, None))
    """
    start = max(0, first)
    stop = max(start, min(length, first + extent))
    return slice(start, stop), slice(start - first, stop - first)
