"""dL/dx of a strided convolution, phase by phase: nothing overlaps, no product with zeros.

With stride s, number the pixels of x, moved by the padding p, as s·i + a. The windows that see such
a pixel are i, i - 1, i - 2, ..., and they see it through the kernel elements a, a + s, a + 2s, ...
So the pixels of one phase a are a convolution of stride 1 of dL/dy by every s-th kernel element:

    dL/dx[c, s·i + a - p]  =  Σ over o and d of  weight[o, c, s·d + a] · dL/dy[o, i - d]

and likewise along the other axis. A phase has T = ⌈K / s⌉ elements d, or one less where s·d + a
reaches beyond the kernel: at stride 2 a 3x3 kernel falls apart into four of 2x2, 2x1, 1x2 and 1x1.

As in `convolution_shifted`, the images are spread into one long row for each channel, with zeros
between the rows and between the images, and what tap (d, d') meets is the long row, moved by d rows
and d' pixels. All phases share these columns. The taps stand in such an order that those of any
phase follow each other, so each phase is one matrix product.

Arithmetic: N·O·C·KH·KW·(OH + T - 1)·(OW + T - 1) multiply-adds. Traffic: T·T copies of dL/dy in
long runs, and one of dL/dx.

Source: Dumoulin & Visin 2016, A guide to convolution arithmetic for deep learning, section 4.6;
Shi et al. 2016, "Is the deconvolution layer the same as a convolutional layer?".
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from minicv.backend.convolution_layer import Layer
from minicv.backend.cpu.convolution_products import multiply
from minicv.backend.cpu.memory import scratch, strided
from minicv.backend.parallel import parallel_for, split, split_evenly

BLOCK_BYTES = 2 << 20  # of the columns and the phases together
Block = tuple[slice, slice]  # images, and rows of positions in each


class Group(NamedTuple):
    """Phases that have the same taps.

    Attributes:
        down, across: the phases along each axis.
        rows: of the columns, those of their taps.
        matrix: (phases down, phases across · C, taps · O), their kernel elements.
    """

    down: slice
    across: slice
    rows: slice
    matrix: np.ndarray


def grad_input(layer: Layer, grad: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """dL/dx from dL/dy. Also the forward of transposed convolution.

    >>> grad, weight = np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0, 10.0, 100.0]]]])
    >>> layer = Layer.of(grad.dtype, (1, 1, 1, 5), weight.shape, (1, 2), (0, 0), (1, 1), 1)
    >>> grad_input(layer, grad, weight).tolist()
    [[[[1.0, 10.0, 102.0, 20.0, 200.0]]]]
    """
    dtype = np.result_type(grad, weight)
    (n, c, *_), (sh, sw) = layer.x_shape, layer.stride
    height, width = positions = _positions(layer)
    groups = _groups(layer, weight.astype(dtype, copy=False))
    grad_x = np.empty(layer.x_shape, dtype)
    for axis, stride, size in zip((2, 3), layer.stride, positions, strict=True):
        seen = stride * size - layer.padding[axis - 2]  # pixels; windows do not reach the others
        grad_x[(slice(None),) * axis + (slice(max(0, seen), None),)] = 0

    def send_back(block: Block) -> None:
        images, rows = block
        shape = (images.stop - images.start, rows.stop - rows.start, width)
        columns = _columns(layer, grad, block)
        # Neither this nor im2col is ever within the other, so both share their scratch memory.
        phases = scratch("im2col product", (sh, sw, c, columns.shape[1]), dtype)
        for group in groups:
            part = phases[group.down, group.across]
            # (phases down, phases across, C, positions) -> (phases down, phases across · C, ...)
            multiply(group.matrix, columns[group.rows], part.reshape(len(part), -1, part.shape[3]))
        for a, b in itertools.product(range(sh), range(sw)):
            down, to_rows = _pixels(layer, 0, a, rows)
            across, to_columns = _pixels(layer, 1, b, slice(0, width))
            of_images = phases[a, b].reshape(c, *shape).swapaxes(0, 1)  # (images, C, rows, width)
            grad_x[images, :, to_rows, to_columns] = of_images[:, :, down, across]

    position_bytes = (c * sh * sw + groups[0].matrix.shape[2]) * dtype.itemsize
    most = max(1, BLOCK_BYTES // position_bytes)
    most_images = min(max(1, most // (height * width)), -(-n // 2))
    most_rows = min(max(1, most // width), -(-height // 2) if n == 1 else height)
    blocks = itertools.product(split_evenly(n, most_images), split_evenly(height, most_rows))
    parallel_for(send_back, blocks)
    return grad_x


def _taps(layer: Layer) -> tuple[int, int]:
    """T along each axis."""
    (kh, kw), (sh, sw) = layer.kernel, layer.stride
    return -(-kh // sh), -(-kw // sw)


def _positions(layer: Layer) -> tuple[int, int]:
    """Values of i along each axis: those of all pixels that any window sees."""
    (th, tw), (oh, ow) = _taps(layer), layer.y_shape[2:]
    return oh + th - 1, ow + tw - 1


def _ordered_taps(layer: Layer) -> list[tuple[int, int]]:
    """All (d, d'), so that those without the last d, without the last d', or without both follow
    each other.

    >>> layer = Layer.of(np.dtype("float32"), (1, 1, 4, 4), (1, 1, 3, 3), (2, 2), (1, 1), (1, 1), 1)
    >>> _ordered_taps(layer)
    [(0, 1), (0, 0), (1, 0), (1, 1)]
    """
    th, tw = _taps(layer)
    inner = list(itertools.product(range(th - 1), range(tw - 1)))
    right = [(d, tw - 1) for d in range(th - 1)]
    below = [(th - 1, d) for d in range(tw - 1)]
    return [*right, *inner, *below, (th - 1, tw - 1)]


def _groups(layer: Layer, weight: np.ndarray) -> list[Group]:
    """The phases by their taps; those with all taps first."""
    o, c, kh, kw = weight.shape
    (th, tw), (sh, sw), taps = _taps(layer), layer.stride, _ordered_taps(layer)
    # Phases before `full` have all T taps, the others one less.
    full = kh - sh * (th - 1), kw - sw * (tw - 1)
    all_down, less_down = slice(0, full[0]), slice(full[0], sh)
    all_across, less_across = slice(0, full[1]), slice(full[1], sw)
    kinds = (
        (all_down, all_across, slice(0, th * tw)),
        (all_down, less_across, slice(th - 1, th * tw - 1)),
        (less_down, all_across, slice(0, (th - 1) * tw)),
        (less_down, less_across, slice(th - 1, (th - 1) * tw)),
    )
    matrices = [
        np.empty((d.stop - d.start, a.stop - a.start, c, t.stop - t.start, o), weight.dtype)
        for d, a, t in kinds
    ]

    def pick(channels: slice) -> None:
        shape = (channels.stop - channels.start, kh, kw, o)
        turned = scratch("phases weight", shape, weight.dtype)
        turned[...] = weight[:, channels].transpose(1, 2, 3, 0)
        for (down, across, of_kind), matrix in zip(kinds, matrices, strict=True):
            for tap, (d, e) in enumerate(taps[of_kind]):
                rows = slice(sh * d + down.start, sh * d + down.stop)
                columns = slice(sw * e + across.start, sw * e + across.stop)
                # (C, phases, phases, O) -> (phases, phases, C, O)
                matrix[:, :, channels, tap] = turned[:, rows, columns].transpose(1, 2, 0, 3)

    parallel_for(pick, split(c, 64))
    return [
        Group(d, a, slice(t.start * o, t.stop * o), m.reshape(len(m), m.shape[1] * c, -1))
        for (d, a, t), m in zip(kinds, matrices, strict=True)
        if min(m.shape[:2]) > 0
    ]


def _columns(layer: Layer, grad: np.ndarray, block: Block) -> np.ndarray:
    """What each tap meets of dL/dy in a block: (T·T·O, positions)."""
    (images, rows), (oh, ow), o = block, layer.y_shape[2:], grad.shape[1]
    (th, tw), width = _taps(layer), _positions(layer)[1]
    n, down = images.stop - images.start, rows.stop - rows.start
    # A long row begins with what the last taps see: T - 1 rows, and T - 1 pixels.
    corner = (th - 1) * width + tw - 1
    spread = scratch("phases spread", (o, corner + n * down * width), grad.dtype)
    spread[...] = 0
    first, last = max(0, rows.start - (th - 1)), min(oh, rows.stop)
    per_channel, item = spread.strides
    pixels = strided(
        spread,
        (n, o, last - first, ow),
        (down * width * item, per_channel, width * item, item),
        (corner + (first - rows.start) * width) * item,
    )
    pixels[...] = grad[images, :, first:last]
    order = _ordered_taps(layer)
    columns = scratch("im2col columns", (len(order), o, n * down * width), grad.dtype)
    for tap, (d, e) in enumerate(order):
        start = corner - d * width - e
        columns[tap] = spread[:, start : start + columns.shape[2]]
    return columns.reshape(len(order) * o, -1)


def _pixels(layer: Layer, axis: int, phase: int, positions: slice) -> tuple[slice, slice]:
    """Which of these positions have a pixel of this phase in x, and those pixels.

    >>> layer = Layer.of(np.dtype("float32"), (1, 1, 4, 4), (1, 1, 3, 3), (2, 2), (1, 1), (1, 1), 1)
    >>> _pixels(layer, 0, 0, slice(0, 3)), _pixels(layer, 0, 1, slice(0, 3))
    ((slice(1, 3, None), slice(1, 4, 2)), (slice(0, 2, None), slice(0, 3, 2)))
    """
    size, stride, padding = layer.x_shape[2 + axis], layer.stride[axis], layer.padding[axis]
    first = max(positions.start, -(-(padding - phase) // stride))
    last = max(first, min(positions.stop, (size - 1 + padding - phase) // stride + 1))
    pixel = stride * first + phase - padding
    stop = pixel + stride * (last - first - 1) + 1 if last > first else pixel
    return slice(first - positions.start, last - positions.start), slice(pixel, stop, stride)
