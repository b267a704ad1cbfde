"""RoIPool on the CPU: the maximum over many rectangles of the same map.

Two ideas make this fast without a loop over regions.

*Keys.* Each value is replaced by a whole number of 64 bits: the bits of the value above, changed so
that they are in order as whole numbers, and its position below, counted from the end. Equal values
thus have keys of which the first in reading order is the largest. The largest key in a rectangle
tells the maximum and where it is. Only float32 leaves room for the position; values of other types
are sorted once and replaced by their ranks.

*Doubling.* A table of the maxima of all windows of 2^a x 2^b positions is made from the table of
half the size. Four such windows, one in each corner, cover a rectangle between one and two times
their size; that they overlap does not change the maximum. So each bin takes four look-ups, whatever
its size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from minicv.backend.parallel import parallel_for, split

Pair = tuple[int, int]
CHANNELS = 32  # in a block: the ranks of a 38 x 50 map are then a quarter of a megabyte
CHANNELS_OF_KEYS = 64
REGIONS = 64  # in a block, so that what is computed for them stays in the cache


def roi_pool(
    x: np.ndarray,
    boxes: np.ndarray,
    batch_indices: np.ndarray,
    output_size: Pair,
    spatial_scale: float,
) -> tuple[np.ndarray, np.ndarray]:
    """(N, C, H, W) and R boxes -> maxima and their flat positions, both (R, C, PH, PW).

    An empty bin has the maximum 0 and the position -1. See `minicv.functional.roi_pool`.

    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> box = np.array([[0.0, 0.0, 2.0, 2.0]])
    >>> maxima, positions = roi_pool(x, box, np.array([0]), (2, 2), 1.0)
    >>> maxima.tolist(), positions.tolist()
    ([[[[5.0, 6.0], [9.0, 10.0]]]], [[[[5, 6], [9, 10]]]])
    """
    n, c, h, w = x.shape
    regions, bins = len(boxes), output_size[0] * output_size[1]
    maxima = np.zeros((regions, c, bins), x.dtype)
    positions = np.full((regions, c, bins), -1, np.int32)
    filled, windows = _filled_bins(boxes, batch_indices, output_size, spatial_scale, (h, w))

    def pool_keys(channels: slice) -> None:
        keys = _keys(x[:, channels].reshape(n, -1, h * w)).transpose(0, 2, 1)
        best = _maxima_of_bins(keys.reshape(n, h, w, -1), windows, regions * bins)
        best = best.reshape(regions, bins, -1).transpose(0, 2, 1)  # (R, PH·PW, B) -> (R, B, PH·PW)
        maxima[:, channels] = _in_order((best >> 32).astype(np.int32)).view(np.float32)
        positions[:, channels] = h * w - 1 - best.astype(np.int32)  # of the lower 32 bits

    def pool_ranks(channels: slice) -> None:
        values = x[:, channels].reshape(n, -1, h * w)
        block = values.shape[1]
        order, flat_ranks = _rank(values)
        ranks = flat_ranks.transpose(0, 2, 1).reshape(n, h, w, block)
        best = _maxima_of_bins(ranks, windows, regions * bins).reshape(regions, bins, block)
        # From the largest rank in map (n_r, c) to the position and the value that it stands for.
        map_start = _map_starts(batch_indices, block, h * w)
        order, ascending = order.reshape(-1), np.take_along_axis(values, order, axis=2).reshape(-1)
        for some in split(regions, REGIONS):
            # (R, PH·PW, B) -> (R, B, PH·PW)
            place = best[some].transpose(0, 2, 1) + map_start[some]
            positions[some, channels] = order.take(place)
            maxima[some, channels] = ascending.take(place)

    if filled.any():
        if x.dtype == np.float32:
            parallel_for(pool_keys, split(c, min(CHANNELS_OF_KEYS, -(-c // 2))))
        else:
            parallel_for(pool_ranks, split(c, CHANNELS))
        region, bin_ = np.divmod(np.nonzero(~filled)[0], bins)
        positions[region, :, bin_] = -1
        maxima[region, :, bin_] = 0
    shape = (regions, c, *output_size)
    return maxima.reshape(shape), positions.reshape(shape)


def roi_pool_maxima(
    x: np.ndarray,
    boxes: np.ndarray,
    batch_indices: np.ndarray,
    output_size: Pair,
    spatial_scale: float,
) -> np.ndarray:
    """The maxima of `roi_pool` alone, for when no gradient is needed: nothing has to be ranked.

    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> box = np.array([[0.0, 0.0, 2.0, 2.0]])
    >>> roi_pool_maxima(x, box, np.array([0]), (2, 2), 1.0).tolist()
    [[[[5.0, 6.0], [9.0, 10.0]]]]
    """
    c, h, w = x.shape[1:]
    regions, bins = len(boxes), output_size[0] * output_size[1]
    maxima = np.zeros((regions, c, bins), x.dtype)
    filled, windows = _filled_bins(boxes, batch_indices, output_size, spatial_scale, (h, w))

    def pool(channels: slice) -> None:
        values = np.ascontiguousarray(x[:, channels].transpose(0, 2, 3, 1))  # (N, H, W, B)
        best = _maxima_of_bins(values, windows, regions * bins).reshape(regions, bins, -1)
        maxima[:, channels] = best.transpose(0, 2, 1)

    if filled.any():
        parallel_for(pool, split(c, CHANNELS))
    return maxima.reshape(regions, c, *output_size)


def roi_pool_backward(
    grad: np.ndarray, positions: np.ndarray, batch_indices: np.ndarray, x_shape: tuple[int, ...]
) -> np.ndarray:
    """Pass the gradient of each maximum to its position; (R, C, PH, PW) -> (N, C, H, W).

    >>> positions = np.array([[[[1, -1]]]])
    >>> grad = np.array([[[[5.0, 7.0]]]])
    >>> roi_pool_backward(grad, positions, np.array([0]), (1, 1, 1, 3)).tolist()
    [[[[0.0, 5.0, 0.0]]]]
    """
    n, c, h, w = x_shape
    regions, bins = len(grad), grad.shape[2] * grad.shape[3]
    grad, positions = grad.reshape(regions, c, bins), positions.reshape(regions, c, bins)
    grad_x = np.zeros((n, c, h * w), grad.dtype)

    def pass_back(channels: slice) -> None:
        position, share = positions[:, channels], grad[:, channels]
        block = share.shape[1]
        target = position + _map_starts(batch_indices, block, h * w)
        filled = position >= 0
        sums = np.bincount(target[filled], share[filled], n * block * h * w)
        grad_x[:, channels] = sums.reshape(n, block, h * w)

    parallel_for(pass_back, split(c, CHANNELS))
    return grad_x.reshape(x_shape)


def _filled_bins(
    boxes: np.ndarray,
    batch_indices: np.ndarray,
    output_size: Pair,
    spatial_scale: float,
    map_size: Pair,
) -> tuple[np.ndarray, dict[Pair, list[np.ndarray]]]:
    """Whether each of the R · PH · PW bins has a position, and the windows that cover those."""
    (ph, pw), (h, w) = output_size, map_size
    corners = np.floor(boxes.astype(np.float64) * spatial_scale + 0.5)
    top, bottom = _bin_edges(corners[:, 1], corners[:, 3], ph, h)  # (R, PH) each
    left, right = _bin_edges(corners[:, 0], corners[:, 2], pw, w)  # (R, PW) each
    edges = top[:, :, None], bottom[:, :, None], left[:, None, :], right[:, None, :]
    top, bottom, left, right = (e.reshape(-1) for e in np.broadcast_arrays(*edges))
    windows = _corner_windows(batch_indices.repeat(ph * pw), top, bottom, left, right, h, w)
    return (bottom > top) & (right > left), windows


def _maxima_of_bins(
    maps: np.ndarray, windows: dict[Pair, list[np.ndarray]], bins: int
) -> np.ndarray:
    """(N, H, W, B) -> the maximum of each bin, (bins, B); 0 for an empty one."""
    best = np.zeros((bins, maps.shape[3]), maps.dtype)
    for size, table in _tables_of_maxima(maps, windows):
        which, first_corner, *other_corners = windows[size]
        largest = table.take(first_corner, axis=0)
        for corner in other_corners:
            np.maximum(largest, table.take(corner, axis=0), out=largest)
        best[which] = largest
    return best


def _bin_edges(
    first: np.ndarray, last: np.ndarray, bins: int, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """(R,) rounded corners, both included -> (R, bins) start and stop of each bin on the map."""
    # Corners far outside are moved nearer, where the bins are the same: integers would overflow.
    reach = 2.0**30
    first, last = (np.clip(edge, -reach, reach).astype(np.int64) for edge in (first, last))
    size = np.maximum(last - first + 1, 1)[:, None]
    number = np.arange(bins)
    start = number * size // bins + first[:, None]
    stop = -(-(number + 1) * size // bins) + first[:, None]
    return np.clip(start, 0, length), np.clip(stop, 0, length)


def _keys(values: np.ndarray) -> np.ndarray:
    """(N, B, H·W) in float32 -> whole numbers, the larger the greater the value, or the sooner.

    NaN comes above all, as in a NumPy maximum.

    >>> keys = _keys(np.array([[[-1.0, -0.0, 0.0, -2.0, np.nan]]], np.float32))
    >>> np.argsort(keys[0, 0]).tolist()
    [3, 0, 2, 1, 4]
    """
    size = values.shape[2]
    bits = (values + np.float32(0)).view(np.int32)  # -0 + 0 = 0
    keys = _in_order(bits).astype(np.int64)
    keys[np.isnan(values)] = np.iinfo(np.int32).max  # which are bits of NaN
    keys <<= 32
    keys |= np.arange(size - 1, -1, -1)
    return keys


def _in_order(bits: np.ndarray) -> np.ndarray:
    """The bits of float32 as whole numbers in the same order, and back again.

    The first bit is the sign; the others tell the size, so of negative values they are turned.

    >>> _in_order(_in_order(np.array([-1.5, 2.0], np.float32).view(np.int32))).view(np.float32)
    array([-1.5,  2. ], dtype=float32)
    """
    return bits ^ (bits >> 31 & np.iinfo(np.int32).max)


def _rank(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, B, H·W) -> the positions in ascending order of value, and the rank of each position.

    NaN ranks highest, as in a NumPy maximum.
    """
    size = values.shape[2]
    # Sorted from the back, stably: of equal values the first in reading order comes last.
    order = size - 1 - np.argsort(values[:, :, ::-1], axis=2, kind="stable").astype(np.int32)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(size, dtype=np.int32)[None, None], axis=2)
    return order, ranks


def _map_starts(batch_indices: np.ndarray, block: int, size: int) -> np.ndarray:
    """(R, B, 1): where the map of each region and channel begins in an array (N, B, size)."""
    return ((batch_indices[:, None] * block + np.arange(block)) * size)[:, :, None]


def _corner_windows(
    image: np.ndarray,
    top: np.ndarray,
    bottom: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    height: int,
    width: int,
) -> dict[Pair, list[np.ndarray]]:
    """For each window size (2^a, 2^b) that some bin needs: [those bins, and where the windows in
    their upper left, upper right, lower left and lower right corner stand in the table]."""
    # frexp(v) has the exponent a + 1 where 2^a <= v < 2^(a + 1); an empty bin gets 0.
    tall = 2 ** np.frexp(np.maximum(bottom - top, 0))[1] // 2
    wide = 2 ** np.frexp(np.maximum(right - left, 0))[1] // 2
    sizes = [(a, b) for a in np.unique(tall).tolist() for b in np.unique(wide[tall == a]).tolist()]
    windows = {}
    for size in sizes:
        if 0 in size:
            continue
        (which,) = np.nonzero((tall == size[0]) & (wide == size[1]))
        # A table of windows of this size has so many rows and columns:
        rows, columns = height - size[0] + 1, width - size[1] + 1
        upper = (image[which] * rows + top[which]) * columns
        lower = (image[which] * rows + bottom[which] - size[0]) * columns
        first, last = left[which], right[which] - size[1]
        windows[size] = [which, upper + first, upper + last, lower + first, lower + last]
    return windows


def _tables_of_maxima(
    maps: np.ndarray, sizes: Collection[Pair]
) -> Iterator[tuple[Pair, np.ndarray]]:
    """For each size: the maxima of all windows of that size in maps (N, H, W, B), as rows of B."""
    tall, rows = 1, maps
    for height in sorted({size[0] for size in sizes}):
        while tall < height:
            rows = np.maximum(rows[:, :-tall], rows[:, tall:])
            tall *= 2
        wide, table = 1, rows
        for width in sorted(size[1] for size in sizes if size[0] == height):
            while wide < width:
                table = np.maximum(table[:, :, :-wide], table[:, :, wide:])
                wide *= 2
            yield (height, width), table.reshape(-1, maps.shape[3])
