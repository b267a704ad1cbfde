"""RoIAlign on the CPU as one sparse matrix product.

Every output of RoIAlign is a weighted sum of a few positions of the map, and the weights depend on
the box alone, not on the channel. So with the map laid out as one row for each position,

    y (R·PH·PW, C) = M (R·PH·PW, N·H·W) · x (N·H·W, C)

where M is sparse; the backward pass is the product with its transpose. The weight of a position in
a bin is the weight of its row times the weight of its column, so M is made from one matrix for the
rows and one for the columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minicv.backend.parallel import parallel_for, split

if TYPE_CHECKING:
    from scipy import sparse

Pair = tuple[int, int]
CHANNELS = 64  # in a block: the rows of a 38 x 50 map are then half a megabyte of float32


def roi_align(
    x: np.ndarray,
    boxes: np.ndarray,
    batch_indices: np.ndarray,
    output_size: Pair,
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
    kept: dict[str, Any] | None = None,
) -> np.ndarray:
    """(N, C, H, W) and R boxes -> (R, C, PH, PW); see `minicv.functional.roi_align`.

    Args:
        kept: gets what the backward pass of the same arguments can use again: M.

    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> box = np.array([[0.0, 0.0, 4.0, 4.0]])
    >>> roi_align(x, box, np.array([0]), (2, 2), 1.0, 2, True).tolist()
    [[[[2.5, 4.5], [10.5, 12.5]]]]
    """
    n, c, h, w = x.shape
    if 0 in (n, c, len(boxes)):
        return np.zeros((len(boxes), c, *output_size), x.dtype)
    samples = (spatial_scale, sampling_ratio, aligned)
    weights = _weights(x.shape, x.dtype, boxes, batch_indices, output_size, *samples)
    if kept is not None:
        kept["weights"] = weights
    bins = output_size[0] * output_size[1]
    y = np.empty((len(boxes), c, bins), x.dtype)

    def pool(channels: slice) -> None:
        # (N, C, H, W) -> (N·H·W, C); the product -> (R·PH·PW, C) -> (R, C, PH·PW)
        positions = x[:, channels].transpose(0, 2, 3, 1).reshape(n * h * w, -1)
        pooled = weights @ positions
        y[:, channels] = pooled.reshape(len(boxes), bins, -1).transpose(0, 2, 1)

    parallel_for(pool, split(c, CHANNELS))
    return y.reshape(len(boxes), c, *output_size)


def roi_align_backward(
    grad: np.ndarray,
    x_shape: tuple[int, ...],
    boxes: np.ndarray,
    batch_indices: np.ndarray,
    output_size: Pair,
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
    kept: dict[str, Any] | None = None,
) -> np.ndarray:
    """(R, C, PH, PW) -> (N, C, H, W): the product with the transposed matrix, always summed in the
    same order.

    >>> box = np.array([[0.0, 0.0, 2.0, 2.0]])
    >>> grad = np.full((1, 1, 1, 1), 4.0)
    >>> roi_align_backward(grad, (1, 1, 2, 2), box, np.array([0]), (1, 1), 1.0, 2, True).tolist()
    [[[[1.0, 1.0], [1.0, 1.0]]]]
    """
    n, c, h, w = x_shape
    grad_x = np.zeros(x_shape, grad.dtype)
    if not grad.size:
        return grad_x
    samples = (spatial_scale, sampling_ratio, aligned)
    weights = None if kept is None else kept.get("weights")
    if weights is None:
        weights = _weights(x_shape, grad.dtype, boxes, batch_indices, output_size, *samples)
    transposed = weights.T
    bins = output_size[0] * output_size[1]
    grad = grad.reshape(len(boxes), c, bins)

    def spread(channels: slice) -> None:
        # (R, C, PH·PW) -> (R·PH·PW, C); the product -> (N·H·W, C) -> (N, C, H, W)
        pooled = grad[:, channels].transpose(0, 2, 1).reshape(len(boxes) * bins, -1)
        positions = transposed @ pooled
        grad_x[:, channels] = positions.reshape(n, h, w, -1).transpose(0, 3, 1, 2)

    parallel_for(spread, split(c, CHANNELS))
    return grad_x


def _weights(
    x_shape: tuple[int, ...],
    dtype: np.dtype,
    boxes: np.ndarray,
    batch_indices: np.ndarray,
    output_size: Pair,
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
) -> sparse.csr_array:
    """The matrix M (R·PH·PW, N·H·W) of one call, the same for all channels."""
    n, _, h, w = x_shape
    ph, pw = output_size
    corners = boxes.astype(np.float64) * spatial_scale - (0.5 if aligned else 0.0)
    x1, y1, x2, y2 = corners.T
    least = -np.inf if aligned else 1.0  # an aligned box keeps its size, however small
    rows = _weights_along(y1, np.maximum(y2 - y1, least), ph, sampling_ratio, h)
    columns = _weights_along(x1, np.maximum(x2 - x1, least), pw, sampling_ratio, w)
    # Output (r, i, j) combines row bin (r, i) with column bin (r, j).
    bins = np.arange(len(boxes) * ph * pw)
    row_bin, column_bin = bins // pw, bins // (ph * pw) * pw + bins % pw
    return _products(rows, columns, row_bin, column_bin, batch_indices.repeat(ph * pw), n, dtype)


def _weights_along(
    start: np.ndarray, size: np.ndarray, bins: int, sampling_ratio: int, length: int
) -> sparse.csr_array:
    """(R·bins, length): the mean, over the samples of a bin, of linear interpolation on one axis.

    Args:
        start, size: (R,), in positions of the map; position i has its centre at i.
    """
    from scipy import sparse  # slow to load, and seldom needed

    bin_size = size / bins
    samples = np.full(len(size), sampling_ratio)
    if sampling_ratio <= 0:
        samples = np.maximum(np.ceil(bin_size), 0).astype(np.int64)
    # One entry for each sample of each bin of each region, region by region.
    region = np.arange(len(size)).repeat(bins * samples)
    first = np.cumsum(bins * samples) - bins * samples
    bin_, sample = np.divmod(np.arange(len(region)) - first[region], samples[region])
    place = start[region] + (bin_ + (sample + 0.5) / samples[region]) * bin_size[region]

    # A sample more than one position outside of the map counts as 0; nearer ones as the edge.
    weight = ((place >= -1) & (place <= length)) / samples[region]
    place = np.clip(place, 0, length - 1)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, length - 1)
    fraction = place - low
    output = region * bins + bin_
    matrix = sparse.coo_array(
        (
            np.concatenate([weight * (1 - fraction), weight * fraction]),
            (np.concatenate([output, output]), np.concatenate([low, high])),
        ),
        shape=(len(size) * bins, length),
    ).tocsr()  # adds up the weights that several samples give to one position
    matrix.eliminate_zeros()
    return matrix


def _products(
    rows: sparse.csr_array,
    columns: sparse.csr_array,
    row_bin: np.ndarray,
    column_bin: np.ndarray,
    image: np.ndarray,
    images: int,
    dtype: np.dtype,
) -> sparse.csr_array:
    """The weight of position (h, w) in an output: that of h in its row bin times that of w in its
    column bin."""
    from scipy import sparse  # slow to load, and seldom needed

    height, width = rows.shape[1], columns.shape[1]
    row_count, column_count = np.diff(rows.indptr)[row_bin], np.diff(columns.indptr)[column_bin]
    end = np.cumsum(row_count.astype(np.int64) * column_count)  # of the positions of each output
    # First all pairs of an output and an entry of its row bin ...
    output = np.arange(len(end)).repeat(row_count)
    of_row = _runs(rows.indptr[row_bin], row_count)
    # ... then each of them beside every entry of the output's column bin.
    repeats = column_count[output]
    of_column = _runs(columns.indptr[column_bin][output], repeats)
    data = rows.data[of_row].repeat(repeats) * columns.data[of_column]
    row = (image[output] * height + rows.indices[of_row]) * width
    position = row.repeat(repeats) + columns.indices[of_column]
    return sparse.csr_array(
        (data.astype(dtype), position, np.concatenate([[0], end])),
        shape=(len(end), images * height * width),
    )


def _runs(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """start, start + 1, ... for each start, as many numbers as its length says.

    >>> _runs(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    before = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + (starts - before).repeat(lengths)
