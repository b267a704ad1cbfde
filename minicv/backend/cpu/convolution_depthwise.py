"""Depthwise convolution: every channel has one small kernel of its own (groups = C = O).

There is nothing to sum over channels, so no matrix product helps. Forward, each output pixel is a
weighted sum of KH·KW input pixels, for all channels alike:

    y[i, j, c]  =  Σ_{u, v}  weight[u, v, c] · x[i·stride + u·dilation, j·stride + v·dilation, c]

*Channels last* (`Frames`). A processor multiplies eight neighbours in memory at a time, and wants
long runs of them. Rows of a small map are short, but its channels are many. So the pixels are laid
out as (H, W, C), in a frame of zeros for the padding. All windows are then one strided view of the
frame, any stride and dilation included, and `numpy.einsum` sums them, one run of channels after the
other, while the run of results stays in the nearest cache. Few channels would make short runs: at
stride 1 the channels of several neighbouring pixels are joined to one run, with repeated weights.

The gradients work on each channel as a whole:

    dL/dx[c]             =  Σ_{u, v}  weight[c, u, v] · dL/dy[c] shifted back by (u, v)
    dL/dweight[c, u, v]  =  <dL/dy[c], x[c] shifted by (u, v)>

*Flat planes* (`Planes`). A plane with a few columns of zeros at the right end of each row can be
laid out as one long row; a shift by (u, v) is then a shift by u·width + v, and each multiply-add
runs over the whole plane (of all images) at once. The results in the extra columns are thrown away.

*Stride.* With stride s the pixels are dealt into s·s planes by their row and column modulo s.
Within one plane the stride is 1 again; kernel element (u, v) meets plane (u mod s, v mod s),
shifted by (u div s, v div s). The elements of one kernel column that meet the same plane are
shifted by equal steps. So `numpy.einsum` takes them in one call, and sums channel by channel while
the channel's output stays in the nearest cache.

Arithmetic: N·C·OH·OW·KH·KW multiply-adds each. Traffic: each array once, and forward its transposed
copy.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np

from minicv.backend.convolution_layer import NO_EPILOGUE, Epilogue, Layer, Pair
from minicv.backend.cpu.convolution_epilogue import apply_to_block
from minicv.backend.cpu.memory import scratch, unbuffered
from minicv.backend.parallel import parallel_for, split, split_evenly

# Rows of the output are cut into bands whose frame fits the second-level cache, and not finer: each
# call from Python costs as much as a few thousand multiply-adds, and threads wait for each other.
FRAME_ELEMENTS = 1 << 18  # 1 MiB
SMALL_FRAME = 1 << 17  # of a whole image, that is done before a second core wakes
RUN_ELEMENTS = 1024  # long enough for the loop over a run to cost more than its start
# Of a plane in a block of channels. Shorter calls would keep the threads waiting for each other's
# turn at the interpreter.
PLANE_ELEMENTS = 1 << 18


def forward(
    layer: Layer, x: np.ndarray, weight: np.ndarray, epilogue: Epilogue = NO_EPILOGUE
) -> np.ndarray:
    """(N, C, H, W), (C, 1, KH, KW) -> (N, C, OH, OW), and the epilogue.

    >>> x, weight = np.array([[[[1.0, 2.0, 4.0]]]]), np.array([[[[1.0, 10.0]]]])
    >>> layer = Layer.of(x.dtype, x.shape, weight.shape, (1, 1), (0, 0), (1, 1), 1)
    >>> forward(layer, x, weight).tolist()
    [[[[21.0, 42.0]]]]
    """
    frames = Frames(layer)
    _, c, _, ow = layer.y_shape
    y = np.empty(layer.y_shape, np.result_type(x, weight))
    joined = frames.joined()
    taps = np.ascontiguousarray(weight[:, 0].transpose(1, 2, 0))  # (C, 1, KH, KW) -> (KH, KW, C)
    taps = np.tile(taps, (1, 1, joined))  # -> (KH, KW, joined · C)

    def sum_windows(block: tuple[int, slice]) -> None:
        image, rows = block
        count = rows.stop - rows.start
        frame = frames.fill(x[image], rows)
        total = scratch("depthwise sum", (count, ow // joined, joined * c), y.dtype)
        windows = frames.windows(frame, count, joined)
        np.einsum("ijuvk,uvk->ijk", windows, taps, out=total)
        total = total.reshape(count * ow, c)
        pixels = slice(rows.start * ow, rows.stop * ow)
        apply_to_block(epilogue, total.T, image, slice(0, c), pixels)
        y[image, :, rows] = total.reshape(count, ow, c).transpose(2, 0, 1)

    parallel_for(sum_windows, frames.blocks())
    return y


def grad_input(layer: Layer, grad: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Each plane of dL/dx is a weighted sum of dL/dy shifted back.

    >>> grad, weight = np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0, 10.0]]]])
    >>> layer = Layer.of(grad.dtype, (1, 1, 1, 3), weight.shape, (1, 1), (0, 0), (1, 1), 1)
    >>> grad_input(layer, grad, weight).tolist()
    [[[[1.0, 12.0, 20.0]]]]
    """
    planes = Planes(layer)
    grad_x = np.zeros(layer.x_shape, np.result_type(grad, weight))

    def sum_back(channels: slice) -> None:
        with unbuffered():
            arrived = planes.lay(grad[:, channels])
            for plane in planes.planes:
                # Backwards: the last row of the kernel shifts furthest back, so it is first.
                terms = [
                    (
                        _shifted(arrived, planes.reach - taps.last_shift, taps, planes.length),
                        weight[channels, 0, taps.rows[::-1], taps.column],
                    )
                    for taps in planes.taps
                    if taps.plane == plane
                ]
                total = planes.unfold(_weighted_sum(terms))
                pixels, (rows, columns) = planes.pixels(grad_x[:, channels], plane)
                pixels[...] = total[:, :, rows, columns].swapaxes(0, 1)

    parallel_for(sum_back, planes.blocks())
    return grad_x


def grad_weight(layer: Layer, grad: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dL/dweight[c, u, v] = <dL/dy[c], x[c] shifted by (u, v)>, a dot product of two flat planes.

    >>> grad, x = np.array([[[[1.0, 10.0]]]]), np.array([[[[1.0, 2.0, 4.0]]]])
    >>> layer = Layer.of(x.dtype, x.shape, (1, 1, 1, 2), (1, 1), (0, 0), (1, 1), 1)
    >>> grad_weight(layer, grad, x).tolist()
    [[[[21.0, 42.0]]]]
    """
    planes = Planes(layer)
    grad_w = np.empty(layer.weight_shape, np.result_type(grad, x))

    def multiply(channels: slice) -> None:
        with unbuffered():
            dealt = planes.deal(x[:, channels])
            arrived = planes.lay(grad[:, channels])[:, planes.reach :]
            for taps in planes.taps:
                met = _shifted(dealt[taps.plane], taps.shift, taps, planes.length)
                # A dot product for each channel and tap, by matmul, which rounds less than einsum:
                # (C, taps, 1, length) @ (C, 1, length, 1) -> (C, taps, 1, 1)
                products = np.matmul(met.swapaxes(0, 1)[:, :, None], arrived[:, None, :, None])
                grad_w[channels, 0, taps.rows, taps.column] = products[:, :, 0, 0]

    parallel_for(multiply, planes.blocks())
    return grad_w


class Frames:
    """Forward: bands of rows of the output, and the pixels that they look at with channels last."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer

    def extent(self, axis: int, windows: int) -> int:
        """How many rows (axis 0) or columns (axis 1) so many windows look at."""
        return (windows - 1) * self.layer.stride[axis] + self.layer.reach[axis] + 1

    def blocks(self) -> list[tuple[int, slice]]:
        """(image, rows of the output): bands that the cache can hold."""
        n, c, oh, ow = self.layer.y_shape
        per_row = self.layer.stride[0] * self.extent(1, ow) * max(1, c)
        rows = FRAME_ELEMENTS // per_row
        if n == 1 and oh * per_row > SMALL_FRAME:
            rows = min(rows, -(-oh // 2))
        return list(itertools.product(range(n), split_evenly(oh, rows)))

    def fill(self, x: np.ndarray, rows: slice) -> np.ndarray:
        """All that some rows of the output look at of image x (C, H, W): (rows, columns, C).

        Outside of the image there are zeros.
        """
        stride, padding = self.layer.stride, self.layer.padding
        height = self.extent(0, rows.stop - rows.start)
        width = self.extent(1, self.layer.y_shape[3])
        frame = scratch("depthwise frame", (height, width, len(x)), x.dtype)
        of_image, of_frame = [], []
        starts = (rows.start * stride[0] - padding[0], -padding[1])
        for start, extent, length in zip(starts, frame.shape[:2], x.shape[1:], strict=True):
            first = max(0, start)
            last = max(first, min(length, start + extent))
            of_image.append(slice(first, last))
            of_frame.append(slice(first - start, last - start))
        down, across = of_frame
        frame[: down.start] = 0
        frame[down.stop :] = 0
        frame[down, : across.start] = 0
        frame[down, across.stop :] = 0
        frame[down, across] = x[:, of_image[0], of_image[1]].transpose(1, 2, 0)
        return frame

    def windows(self, frame: np.ndarray, count: int, joined: int) -> np.ndarray:
        """All windows of ``count`` rows: (rows, columns / joined, KH, KW, joined · C), a view."""
        ow, (per_row, per_column, per_channel) = self.layer.y_shape[3], frame.strides
        stride, dilation = self.layer.stride, self.layer.dilation
        shape = (count, ow // joined, *self.layer.kernel, joined * frame.shape[2])
        strides = (
            per_row * stride[0],
            per_column * stride[1] * joined,
            per_row * dilation[0],
            per_column * dilation[1],
            per_channel,
        )
        return np.lib.stride_tricks.as_strided(frame, shape, strides)

    def joined(self) -> int:
        """How many neighbouring pixels make up a run."""
        _, c, _, ow = self.layer.y_shape
        if self.layer.stride[1] > 1:
            return 1
        return max(j for j in range(1, ow + 1) if j == 1 or (ow % j == 0 and j * c <= RUN_ELEMENTS))


class Taps(NamedTuple):
    """Elements of one kernel column that meet the same plane, and their shifts when laid flat."""

    plane: Pair
    rows: range
    column: int
    shift: int  # of the first; each next one is shifted by ``step`` more
    step: int

    @property
    def last_shift(self) -> int:
        """Of the last element."""
        return self.shift + (len(self.rows) - 1) * self.step


class Planes:
    """Backward: where pixels and kernel elements go when planes are dealt by stride and laid flat.

    The planes hold all images of a channel one after the other, each with ``height`` rows of
    ``width`` columns: those of the output, and as many zeros as the last kernel element shifts by.
    """

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        stride, dilation = layer.stride, layer.dilation
        n, _, oh, ow = layer.y_shape
        below, right = (reach // s for reach, s in zip(layer.reach, stride, strict=True))
        self.height, self.width = oh + below, ow + right
        self.length = n * self.height * self.width
        self.reach = below * self.width + right
        again = stride[0] // math.gcd(stride[0], dilation[0])  # kernel rows until the same plane
        self.taps = []
        for first_row in range(min(layer.kernel[0], again)):
            for column in range(layer.kernel[1]):
                top, left = first_row * dilation[0], column * dilation[1]
                taps = Taps(
                    plane=(top % stride[0], left % stride[1]),
                    rows=range(first_row, layer.kernel[0], again),
                    column=column,
                    shift=top // stride[0] * self.width + left // stride[1],
                    step=again * dilation[0] // stride[0] * self.width,
                )
                self.taps.append(taps)
        self.planes = sorted({taps.plane for taps in self.taps})

    def blocks(self) -> list[slice]:
        """Runs of channels, at least two for two cores to share."""
        c = self.layer.y_shape[1]
        return split(c, min(PLANE_ELEMENTS // max(1, self.length), -(-c // 2)))

    def pixels(self, x: np.ndarray, plane: Pair) -> tuple[np.ndarray, tuple[slice, slice]]:
        """The pixels of ``x`` (N, C, H, W) that belong to a plane, and where in it they lie."""
        sources, targets = [], []
        sizes = (self.height, self.width)
        for axis, s in enumerate(self.layer.stride):
            first = plane[axis] - self.layer.padding[axis]  # row of x that is row 0 of the plane
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
        oh, ow = y.shape[2:]
        self.unfold(row[:, self.reach :])[:, :, :oh, :ow] = y.swapaxes(0, 1)
        return row

    def unfold(self, flat: np.ndarray) -> np.ndarray:
        """(C, length) -> (C, N, height, width), a view."""
        strides = (
            flat.strides[0],
            *(k * flat.itemsize for k in (self.height * self.width, self.width, 1)),
        )
        shape = (flat.shape[0], self.layer.y_shape[0], self.height, self.width)
        return np.lib.stride_tricks.as_strided(flat, shape, strides)


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
