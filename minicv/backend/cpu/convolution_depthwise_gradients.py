"""The two gradients of a depthwise convolution (groups = C = O), by planes laid flat.

    dL/dx[c]             =  Σ_{u, v}  weight[c, u, v] · dL/dy[c] shifted back by (u, v)
    dL/dweight[c, u, v]  =  <dL/dy[c], x[c] shifted by (u, v)>

*Flat planes.* A plane with a few columns of zeros at the right end of each row can be laid out as
one long row; a shift by (u, v) is then a shift by u·width + v, and each multiply-add runs over the
whole plane (of all images) at once. What is computed in the extra columns is thrown away.

*Stride.* With stride s the pixels are dealt into s·s planes by their row and column modulo s.
Within one plane the stride is 1 again; kernel element (u, v) meets plane (u mod s, v mod s),
shifted by (u div s, v div s).

*One pass.* The elements of one kernel column that meet the same plane are shifted by equal steps.
`numpy.einsum` therefore takes them in one call, and sums channel by channel, one multiply-add at a
time, while the channel's output stays in the nearest cache.

Arithmetic: N·C·OH·OW·KH·KW multiply-adds. Traffic: each array once.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from minicv.backend.cpu.convolution_geometry import Pair, scratch
from minicv.backend.cpu.unbuffered import unbuffered
from minicv.backend.parallel import parallel_for, split

# Of a plane in a block of channels. Shorter calls would keep the threads waiting for each other's
# turn at the interpreter.
BLOCK_ELEMENTS = 1 << 20


class Taps(NamedTuple):
    """Elements of one kernel column that meet the same plane, and their shifts when laid flat."""

    plane: Pair
    rows: range
    column: int
    shift: int  # of the first; each next one is shifted by ``step`` more
    step: int

    @property
    def last_shift(self) -> int:
        return self.shift + (len(self.rows) - 1) * self.step


class Layout:
    """Where pixels and kernel elements go when planes are dealt out by stride and laid flat."""

    def __init__(
        self, n: int, oh: int, ow: int, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
    ) -> None:
        self.n, self.oh, self.ow = n, oh, ow
        self.stride, self.padding = stride, padding
        # How far the last kernel element shifts its plane: that many rows and columns of zeros.
        below, right = (d * (k - 1) // s for d, k, s in zip(dilation, kernel, stride, strict=True))
        self.height, self.width = oh + below, ow + right
        self.length = n * self.height * self.width
        self.reach = below * self.width + right
        again = stride[0] // math.gcd(stride[0], dilation[0])  # kernel rows until the same plane
        self.taps = []
        for first_row in range(min(kernel[0], again)):
            for column in range(kernel[1]):
                top, left = first_row * dilation[0], column * dilation[1]
                taps = Taps(
                    plane=(top % stride[0], left % stride[1]),
                    rows=range(first_row, kernel[0], again),
                    column=column,
                    shift=top // stride[0] * self.width + left // stride[1],
                    step=again * dilation[0] // stride[0] * self.width,
                )
                self.taps.append(taps)
        self.planes = sorted({taps.plane for taps in self.taps})

    def blocks(self, channels: int) -> list[slice]:
        """Runs of channels, at least two for two cores to share."""
        return split(channels, min(BLOCK_ELEMENTS // max(1, self.length), -(-channels // 2)))

    def pixels(self, x: np.ndarray, plane: Pair) -> tuple[np.ndarray, tuple[slice, slice]]:
        """The pixels of ``x`` (N, C, H, W) that belong to a plane, and where in it they lie."""
        sources, targets = [], []
        sizes = (self.height, self.width)
        for axis, s in enumerate(self.stride):
            first = plane[axis] - self.padding[axis]  # the row of x that is row 0 of the plane
            skipped = max(0, -(first // s))  # rows of the plane that lie in the padding above
            start = first + skipped * s
            count = max(0, min(sizes[axis] - skipped, -(-(x.shape[axis + 2] - start) // s)))
            sources.append(slice(start, start + count * s, s))
            targets.append(slice(skipped, skipped + count))
        return x[:, :, sources[0], sources[1]], (targets[0], targets[1])

    def deal(self, x: np.ndarray) -> dict[Pair, np.ndarray]:
        """The planes of a block of channels, flat, zeros behind: {plane: (C, length + reach)}."""
        c = x.shape[1]
        flat = {}
        for plane in self.planes:
            row = scratch(f"depthwise plane {plane}", (c, self.length + self.reach), x.dtype)
            row[...] = 0
            pixels, (rows, columns) = self.pixels(x, plane)
            # (N, C, h, w) -> (C, N, h, w): all images of a channel in one row
            self.unfold(row[:, : self.length])[:, :, rows, columns] = pixels.swapaxes(0, 1)
            flat[plane] = row
        return flat

    def lay(self, y: np.ndarray) -> np.ndarray:
        """An output-sized block (N, C, OH, OW), flat, with zeros in front: (C, reach + length)."""
        row = scratch("depthwise output", (y.shape[1], self.reach + self.length), y.dtype)
        row[...] = 0
        self.unfold(row[:, self.reach :])[:, :, : self.oh, : self.ow] = y.swapaxes(0, 1)
        return row

    def unfold(self, flat: np.ndarray) -> np.ndarray:
        """(C, length) -> (C, N, height, width), a view."""
        strides = (
            flat.strides[0],
            *(k * flat.itemsize for k in (self.height * self.width, self.width, 1)),
        )
        shape = (flat.shape[0], self.n, self.height, self.width)
        return np.lib.stride_tricks.as_strided(flat, shape, strides)


def grad_input(
    grad: np.ndarray,
    weight: np.ndarray,
    x_shape: tuple[int, int, int, int],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> np.ndarray:
    """Each plane of dL/dx is a weighted sum of dL/dy shifted the other way.

    >>> grad, weight = np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0, 10.0]]]])
    >>> grad_input(grad, weight, (1, 1, 1, 3), (1, 1), (0, 0), (1, 1)).tolist()
    [[[[1.0, 12.0, 20.0]]]]
    """
    n, c, oh, ow = grad.shape
    layout = Layout(n, oh, ow, weight.shape[2:], stride, padding, dilation)
    grad_x = np.zeros(x_shape, np.result_type(grad, weight))

    def one_block(channels: slice) -> None:
        with unbuffered():
            arrived = layout.lay(grad[:, channels])
            for plane in layout.planes:
                # The other way: the last row of the kernel reaches back furthest, so it is first.
                terms = [
                    (
                        _shifted(arrived, layout.reach - taps.last_shift, taps, layout.length),
                        weight[channels, 0, taps.rows[::-1], taps.column],
                    )
                    for taps in layout.taps
                    if taps.plane == plane
                ]
                total = layout.unfold(_weighted_sum(terms))
                pixels, (rows, columns) = layout.pixels(grad_x[:, channels], plane)
                pixels[...] = total[:, :, rows, columns].swapaxes(0, 1)

    parallel_for(one_block, layout.blocks(c))
    return grad_x


def grad_weight(
    grad: np.ndarray,
    x: np.ndarray,
    weight_shape: tuple[int, int, int, int],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> np.ndarray:
    """dL/dweight[c, u, v] = <dL/dy[c], x[c] shifted by (u, v)>, a dot product of two flat planes.

    >>> grad, x = np.array([[[[1.0, 10.0]]]]), np.array([[[[1.0, 2.0, 4.0]]]])
    >>> grad_weight(grad, x, (1, 1, 1, 2), (1, 1), (0, 0), (1, 1)).tolist()
    [[[[21.0, 42.0]]]]
    """
    n, c, oh, ow = grad.shape
    layout = Layout(n, oh, ow, weight_shape[2:], stride, padding, dilation)
    grad_w = np.empty(weight_shape, np.result_type(grad, x))

    def one_block(channels: slice) -> None:
        with unbuffered():
            planes = layout.deal(x[:, channels])
            arrived = layout.lay(grad[:, channels])[:, layout.reach :]
            for taps in layout.taps:
                met = _shifted(planes[taps.plane], taps.shift, taps, layout.length)
                # A dot product for each channel and tap, by matmul, which rounds less than einsum:
                # (C, taps, 1, length) @ (C, 1, length, 1) -> (C, taps, 1, 1)
                products = np.matmul(met.swapaxes(0, 1)[:, :, None], arrived[:, None, :, None])
                grad_w[channels, 0, taps.rows, taps.column] = products[:, :, 0, 0]

    parallel_for(one_block, layout.blocks(c))
    return grad_w


def _shifted(flat: np.ndarray, start: int, taps: Taps, length: int) -> np.ndarray:
    """``length`` pixels of each channel, for each tap: (C, ...) -> (taps, C, length), a view."""
    strides = (taps.step * flat.itemsize, *flat.strides)
    shape = (len(taps.rows), flat.shape[0], length)
    return np.lib.stride_tricks.as_strided(flat[:, start:], shape, strides)


def _weighted_sum(terms: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Σ of pixels (taps, C, length) times numbers (C, taps) -> (C, length), in scratch memory."""
    shape, dtype = terms[0][0].shape[1:], terms[0][0].dtype
    total = scratch("depthwise sum", shape, dtype)
    term = scratch("depthwise term", shape, dtype)
    for index, (pixels, numbers) in enumerate(terms):
        np.einsum("kcl,ck->cl", pixels, numbers, out=term if index else total)
        if index:
            np.add(total, term, out=total)
    return total
