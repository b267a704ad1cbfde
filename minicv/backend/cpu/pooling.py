"""Max and sum pooling on the CPU: a few NumPy operations for each tap of the window.

Tap (u, v) of all windows together is a strided slice of the map, so the maxima of 3x3 windows are
the maximum of nine slices. Where the switches are wanted too, or the sum, it goes along the rows
first, three taps, and then along the columns, three more. Taps outside of the map are left out of
the slices, which is the same as padding with -inf, or with 0. Blocks of maps stay in the cache.
"""

from __future__ import annotations

import math

import numpy as np

from minicv.backend.cpu.scatter import scatter_to_maps
from minicv.backend.parallel import parallel_for, split, split_evenly
from minicv.backend.windows import Windows

BLOCK = 2**18  # numbers in a block of maps: a megabyte of float32
NARROW = 10  # columns; narrower maps are turned, so that no loop is as short as a row
NARROW_BLOCK = 2**16  # numbers in a block of narrow maps

Taps = list[tuple[slice, slice]]


def max_pool2d(x: np.ndarray, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """The maximum of each window and its switch: the number of the tap that holds it.

    Taps are numbered in reading order and the first maximum wins. A window with NaN gives NaN, and
    its switch is the first NaN.

    Args:
        x: (N, C, H, W), floating point.
        windows: each must have a tap on the map.

    Returns:
        maxima (N, C, OH, OW), and switches of the same shape, in the smallest unsigned type.

    >>> x = np.array([[[[1.0, 5.0], [7.0, 7.0]]]])
    >>> windows = Windows((2, 2), (2, 2), (0, 0), (1, 1), (1, 1))
    >>> [result.item() for result in max_pool2d(x, windows)]
    [7.0, 2]
    """
    n, c, h, w = x.shape
    maps = x.reshape(n * c, h, w)
    (oh, ow), kernel_width = windows.output, windows.kernel[1]
    switch_dtype = np.min_scalar_type(math.prod(windows.kernel) - 1)
    maxima = np.empty((n * c, oh, ow), x.dtype)
    switches = np.empty(maxima.shape, switch_dtype)
    down, across = windows.taps(0, h), windows.taps(1, w)
    is_narrow = w < NARROW

    def pool(block: slice) -> None:
        values = _turned(maps[block]) if is_narrow else maps[block]
        rows = 0 if is_narrow else 1  # the axis of the rows; that of the columns is the next
        no_numbers = np.zeros((1, 1, 1), switch_dtype)
        of_rows = _first_maximum(values, no_numbers, across, rows + 1, ow, step=1)
        if is_narrow:
            best, tap = _first_maximum(*of_rows, down, rows, oh, step=kernel_width)
            maxima[block], switches[block] = best.transpose(2, 0, 1), tap.transpose(2, 0, 1)
        else:
            into = maxima[block], switches[block]
            _first_maximum(*of_rows, down, rows, oh, step=kernel_width, into=into)
        if np.isnan(maxima[block]).any():
            taps = _taps_in_reading_order(windows, h, w)
            for number, (here, there) in reversed(list(enumerate(taps))):
                switches[block][here][np.isnan(maps[block][there])] = number

    parallel_for(pool, _blocks(n * c, h, w))
    shape = (n, c, oh, ow)
    return maxima.reshape(shape), switches.reshape(shape)


def max_pool2d_maxima(x: np.ndarray, windows: Windows) -> np.ndarray:
    """The maxima of `max_pool2d` alone, for when no gradient is needed: much less work.

    >>> x = np.array([[[[1.0, 5.0], [7.0, 7.0]]]])
    >>> max_pool2d_maxima(x, Windows((2, 2), (2, 2), (0, 0), (1, 1), (1, 1))).item()
    7.0
    """
    n, c, h, w = x.shape
    maps = x.reshape(n * c, h, w)
    taps = _taps_in_reading_order(windows, h, w)
    maxima = np.empty((n * c, *windows.output), x.dtype)

    def pool(block: slice) -> None:
        best = maxima[block]
        (here, there), *others = taps
        if best[here].shape == best.shape:
            best[...] = maps[block][there]
        else:
            best[...] = -np.inf
            others = taps
        for here, there in others:
            np.maximum(best[here], maps[block][there], out=best[here])  # also passes NaN on

    parallel_for(pool, split(n * c, BLOCK // max(h * w, 1)))
    return maxima.reshape(n, c, *windows.output)


def max_pool2d_indices(switches: np.ndarray, windows: Windows, width: int) -> np.ndarray:
    """From the tap that holds each maximum to its flat position h·W + w on the map, as int64.

    >>> windows = Windows((2, 2), (2, 2), (0, 0), (1, 1), (1, 2))
    >>> max_pool2d_indices(np.array([[3, 0]]), windows, width=4).tolist()
    [[5, 2]]
    """
    rows, columns = (
        np.arange(count, dtype=np.int64) * stride - padding
        for count, stride, padding in zip(
            windows.output, windows.stride, windows.padding, strict=True
        )
    )
    corners = rows[:, None] * width + columns  # (OH, OW)
    # Tap t is in row t // KW of its window; from the end of a row to the next one is a jump.
    kernel_width, (down, across) = windows.kernel[1], windows.dilation
    jump = down * width - kernel_width * across
    maps = switches.reshape(-1, *windows.output)
    indices = np.empty(maps.shape, np.int64)

    def locate(block: slice) -> None:
        np.multiply(maps[block] // kernel_width, jump, out=indices[block], dtype=np.int64)
        indices[block] += maps[block] if across == 1 else maps[block].astype(np.int64) * across
        indices[block] += corners

    parallel_for(locate, split(len(maps), BLOCK // max(corners.size, 1)))
    return indices.reshape(switches.shape)


def max_pool2d_backward(
    grad: np.ndarray, switches: np.ndarray, windows: Windows, x_shape: tuple[int, ...]
) -> np.ndarray:
    """Pass the gradient of each maximum to the position that held it; overlapping windows add up.

    >>> windows = Windows((1, 2), (1, 1), (0, 0), (1, 1), (1, 2))
    >>> switches = np.array([[[[1, 0]]]], np.uint8)
    >>> max_pool2d_backward(np.array([[[[1.0, 10.0]]]]), switches, windows, (1, 1, 1, 3)).tolist()
    [[[[0.0, 11.0, 0.0]]]]
    """
    n, c, h, w = x_shape
    if windows.overlap:
        flat = (n, c, windows.output[0] * windows.output[1])
        indices = max_pool2d_indices(switches, windows, w)
        maps = scatter_to_maps(grad.reshape(flat), indices.reshape(flat), h * w)
        return maps.reshape(x_shape)
    grad, switches = (a.reshape(n * c, *windows.output) for a in (grad, switches))
    grad = np.ascontiguousarray(grad)
    rows, columns = windows.taps(0, h), windows.taps(1, w)
    # Windows that lie side by side, from edge to edge, leave no position out.
    is_covered = _covered(rows) == h and _covered(columns) == w
    grad_x = (np.empty if is_covered else np.zeros)((n * c, h, w), grad.dtype)
    # A mask of its bits keeps a number or makes it 0, and does not change infinity and NaN.
    bits = f"i{grad.itemsize}"
    taps = _taps_in_reading_order(windows, h, w)

    def pass_back(block: slice) -> None:
        arriving, numbers, into = grad[block], switches[block], grad_x[block]
        axes = slice(0, None)  # of a tap's index: maps, rows, columns
        if w < NARROW:
            arriving, numbers = _turned(arriving), _turned(numbers)
            into = np.zeros((h, w, len(into)), grad.dtype)
            axes = slice(1, None)
        for number, (here, there) in enumerate(taps):
            chosen = np.equal(numbers[here[axes]], number).view(np.int8)  # 1 or 0
            mask = np.negative(chosen, out=chosen)  # all bits or none
            np.bitwise_and(arriving.view(bits)[here[axes]], mask, out=into.view(bits)[there[axes]])
        if w < NARROW:
            grad_x[block] = into.transpose(2, 0, 1)

    parallel_for(pass_back, _blocks(n * c, h, w))
    return grad_x.reshape(x_shape)


def sum_pool2d(x: np.ndarray, windows: Windows) -> np.ndarray:
    """The sum of each window: (N, C, H, W) -> (N, C, OH, OW). First along rows, then along columns.

    >>> windows = Windows((2, 2), (1, 1), (0, 0), (1, 1), (1, 2))
    >>> sum_pool2d(np.arange(6.0).reshape(1, 1, 2, 3), windows).tolist()
    [[[[8.0, 12.0]]]]
    """
    n, c, h, w = x.shape
    oh, ow = windows.output
    maps = x.reshape(n * c, h, w)
    sums = np.zeros((n * c, oh, ow), x.dtype)

    def pool(block: slice) -> None:
        rows = np.zeros((len(sums[block]), h, ow), x.dtype)
        for here, there in windows.taps(1, w):
            rows[:, :, here] += maps[block][:, :, there]
        for here, there in windows.taps(0, h):
            sums[block][:, here] += rows[:, there]

    parallel_for(pool, split(n * c, BLOCK // max(h * w, 1)))
    return sums.reshape(n, c, oh, ow)


def sum_pool2d_backward(grad: np.ndarray, windows: Windows, x_shape: tuple[int, ...]) -> np.ndarray:
    """The transpose of `sum_pool2d`: every position collects from all windows that cover it.

    >>> windows = Windows((1, 2), (1, 1), (0, 0), (1, 1), (1, 2))
    >>> sum_pool2d_backward(np.array([[[[1.0, 10.0]]]]), windows, (1, 1, 1, 3)).tolist()
    [[[[1.0, 11.0, 10.0]]]]
    """
    n, c, h, w = x_shape
    oh, ow = windows.output
    grad = grad.reshape(n * c, oh, ow)
    grad_x = np.zeros((n * c, h, w), grad.dtype)

    def spread(block: slice) -> None:
        rows = np.zeros((len(grad[block]), h, ow), grad.dtype)
        for here, there in windows.taps(0, h):
            rows[:, there] += grad[block][:, here]
        for here, there in windows.taps(1, w):
            grad_x[block][:, :, there] += rows[:, :, here]

    parallel_for(spread, split(n * c, BLOCK // max(h * w, 1)))
    return grad_x.reshape(x_shape)


def _taps_in_reading_order(windows: Windows, height: int, width: int) -> list[tuple[tuple, tuple]]:
    """For each tap (u, v), u-major: an index of the windows that have it on the map, and one of
    the positions that they look at; both for arrays (maps, rows, columns)."""
    every = slice(None)
    return [
        ((every, here_rows, here_columns), (every, there_rows, there_columns))
        for here_rows, there_rows in windows.taps(0, height)
        for here_columns, there_columns in windows.taps(1, width)
    ]


def _blocks(maps: int, height: int, width: int) -> list[slice]:
    numbers = NARROW_BLOCK if width < NARROW else BLOCK
    return split_evenly(maps, numbers // max(height * width, 1))


def _turned(maps: np.ndarray) -> np.ndarray:
    """(maps, rows, columns) -> (rows, columns, maps), in one piece: long loops over the maps."""
    return np.ascontiguousarray(maps.transpose(1, 2, 0))


def _first_maximum(
    values: np.ndarray,
    numbers: np.ndarray,
    taps: Taps,
    axis: int,
    windows: int,
    step: int,
    into: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Along one axis, the maximum of the taps of each window, and the number of the first such tap.

    Args:
        values: what the taps look at.
        numbers: those that the values have already, each below ``step``, or a single one for all;
            tap k adds k · step.
        taps: see `Windows.taps`.
        axis: of the taps.
        windows: how many there are along it.
        step: from the numbers of a tap to those of the next.
        into: arrays for the result.

    >>> taps = Windows((1, 2), (1, 2), (0, 0), (1, 1), (1, 2)).taps(1, 4)
    >>> values = np.array([[5.0, 5.0, 1.0, 3.0]])
    >>> best, number = _first_maximum(values, np.zeros((1, 1), np.uint8), taps, 1, 2, step=1)
    >>> best.tolist(), number.tolist()
    ([[5.0, 3.0]], [[0, 1]])
    """
    shape = (*values.shape[:axis], windows, *values.shape[axis + 1 :])
    best, number = into or (np.empty(shape, values.dtype), np.empty(shape, numbers.dtype))
    begun = windows  # the windows from here on have had a tap on the map
    for k, (here, there) in enumerate(taps):
        offset = numbers.dtype.type(k * step)
        if here.start < min(begun, here.stop):  # the first tap of these windows
            begins = slice(here.start, begun)
            stop = there.start + (begun - here.start) * there.step
            looks_at = slice(there.start, stop, there.step)
            best[_along(axis, begins)] = values[_along(axis, looks_at)]
            np.add(_of_tap(numbers, axis, looks_at), offset, out=number[_along(axis, begins)])
            there = slice(looks_at.stop, there.stop, there.step)
            here, begun = slice(begun, here.stop), here.start
        if here.start >= here.stop:
            continue
        value = np.ascontiguousarray(values[_along(axis, there)])  # two operations read it
        best_here, number_here = best[_along(axis, here)], number[_along(axis, here)]
        greater = value > best_here
        np.maximum(value, best_here, out=best_here)
        # Numbers grow from tap to tap, so "that of the tap where greater, else as before" is a
        # maximum as well, and NumPy computes that much faster than a masked copy.
        candidate = (_of_tap(numbers, axis, there) + offset) * greater.view(np.uint8)
        np.maximum(number_here, candidate, out=number_here)
    return best, number


def _of_tap(numbers: np.ndarray, axis: int, there: slice) -> np.ndarray:
    return numbers if numbers.size == 1 else numbers[_along(axis, there)]


def _along(axis: int, positions: slice) -> tuple[slice, ...]:
    """The index of these positions along an axis.

    >>> np.arange(6).reshape(2, 3)[_along(1, slice(0, 3, 2))].tolist()
    [[0, 2], [3, 5]]
    """
    return (slice(None),) * axis + (positions,)


def _covered(taps: Taps) -> int:
    """How many positions the taps of windows that do not overlap look at.

    >>> _covered(Windows((2, 2), (3, 3), (0, 0), (1, 1), (2, 2)).taps(0, 6))
    4
    """
    return sum(max(0, here.stop - here.start) for here, _ in taps)
