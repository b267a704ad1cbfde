"""The columns of im2col: which windows make a strip, and where their pixels lie.

Element (c, u, v, n, oh, ow) of all columns is the pixel x[n, c, s·oh + d·u, s·ow + d·v], stride s,
dilation d: six indices, but an address that is linear in each of them. So all windows are one
strided view of the padded image, and a strip of columns is one copy of a part of that.
"""

from __future__ import annotations

import math

import numpy as np

from minicv.backend.cpu.convolution_geometry import Pair, scratch
from minicv.backend.parallel import split_evenly


def strips(
    n: int, oh: int, ow: int, column_bytes: int, strip_bytes: int
) -> list[tuple[slice, slice]]:
    """(images, output rows) of each strip: some rows of one image, or several whole images.

    A strip has at most ``strip_bytes``, but at least one row. There are at least two strips where
    that is possible, for two cores to share.

    >>> strips(3, 4, 5, column_bytes=1, strip_bytes=10)[:2]
    [(slice(0, 1, None), slice(0, 2, None)), (slice(0, 1, None), slice(2, 4, None))]
    >>> strips(3, 4, 5, column_bytes=1, strip_bytes=40)
    [(slice(0, 2, None), slice(0, 4, None)), (slice(2, 3, None), slice(0, 4, None))]
    """
    fitting = max(1, strip_bytes // max(1, column_bytes))
    images = min(fitting // max(1, oh * ow), -(-n // 2))
    rows = min(fitting // ow, -(-oh // 2) if n == 1 else oh)
    return [(i, r) for i in split_evenly(n, images) for r in split_evenly(oh, rows)]


def gather(
    padded: np.ndarray,
    weight_shape: tuple[int, int, int, int],
    images: slice,
    rows: slice,
    ow: int,
    group: int,
    stride: Pair,
    dilation: Pair,
) -> np.ndarray:
    """The columns of one strip, (C/groups · KH · KW, images · rows · OW), in scratch memory."""
    cg = weight_shape[1]
    channels = padded[:, group * cg : (group + 1) * cg]
    view = windows(channels, weight_shape[2:], images, rows, ow, stride, dilation)
    columns = scratch("im2col columns", view.shape, padded.dtype)
    columns[...] = view
    return columns.reshape(math.prod(weight_shape[1:]), -1)


def windows(
    padded: np.ndarray,
    kernel: Pair,
    images: slice,
    rows: slice,
    ow: int,
    stride: Pair,
    dilation: Pair,
) -> np.ndarray:
    """Element (c, u, v, n, oh, ow) is the pixel that kernel element (u, v) meets there: a view.

    One pixel is met by many windows, so write to one (u, v) at a time.

    >>> x = np.arange(12.0).reshape(1, 1, 3, 4)
    >>> windows(x, (2, 2), slice(0, 1), slice(0, 2), 3, (1, 1), (1, 1))[0, 1, 0, 0].tolist()
    [[4.0, 5.0, 6.0], [8.0, 9.0, 10.0]]
    """
    part = padded[images, :, rows.start * stride[0] :]
    per_image, per_channel, per_row, per_pixel = part.strides
    return np.lib.stride_tricks.as_strided(
        part,
        (part.shape[1], *kernel, len(part), rows.stop - rows.start, ow),
        (
            per_channel,
            dilation[0] * per_row,
            dilation[1] * per_pixel,
            per_image,
            stride[0] * per_row,
            stride[1] * per_pixel,
        ),
    )
