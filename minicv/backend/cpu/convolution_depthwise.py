"""Depthwise convolution: every channel has one small kernel of its own (groups = C = O).

There is nothing to sum over channels, so no matrix product helps. Each output pixel is a weighted
sum of KH·KW input pixels, for all channels alike:

    y[i, j, c]  =  Σ_{u, v}  weight[u, v, c] · x[i·stride + u·dilation, j·stride + v·dilation, c]

*Channels last.* A processor multiplies eight neighbours in memory at a time, and wants long runs of
them. Rows of a small map are short, but its channels are many. So the pixels are laid out as
(H, W, C), in a frame of zeros for the padding. All windows are then one strided view of the frame,
any stride and dilation included, and `numpy.einsum` sums them, one run of channels after the other,
while the run of results stays in the nearest cache. Few channels make short runs: at stride 1
neighbouring pixels join theirs to one, with the weights repeated.

Rows of the output are cut into bands whose frame fits the second-level cache, and not finer: each
call from Python costs as much as a few thousand multiply-adds, and threads wait for each other in
between.

Arithmetic: N·C·OH·OW·KH·KW multiply-adds. Traffic: each array once, and its transposed copy. The
gradients are in `convolution_depthwise_gradients`.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from minicv.backend.cpu.convolution_finish import NOTHING, Finish
from minicv.backend.cpu.convolution_geometry import Pair, scratch
from minicv.backend.parallel import parallel_for, split

FRAME_ELEMENTS = 1 << 17  # 512 KiB
RUN_ELEMENTS = 512  # long enough for the loop over it to cost more than its start


class Layout(NamedTuple):
    """Where the pixels of a layer lie."""

    x_shape: tuple[int, int, int, int]
    y_shape: tuple[int, int, int, int]
    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair

    def extent(self, axis: int, windows: int) -> int:
        """How many rows (axis 0) or columns (axis 1) so many windows look at."""
        return (windows - 1) * self.stride[axis] + self.dilation[axis] * (self.kernel[axis] - 1) + 1

    def blocks(self) -> list[tuple[int, slice]]:
        """(image, rows of the output): bands that the cache can hold."""
        n, c, oh, ow = self.y_shape
        per_row = self.stride[0] * self.extent(1, ow) * max(1, c)
        return list(itertools.product(range(n), split(oh, FRAME_ELEMENTS // per_row)))

    def frame(self, x: np.ndarray, rows: slice) -> np.ndarray:
        """All that some rows of the output look at of image x (C, H, W): (rows, columns, C).

        What lies outside of the image is zero.
        """
        height, width = self.extent(0, rows.stop - rows.start), self.extent(1, self.y_shape[3])
        frame = scratch("depthwise frame", (height, width, len(x)), x.dtype)
        of_image, of_frame = [], []
        starts = (rows.start * self.stride[0] - self.padding[0], -self.padding[1])
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
        """All windows, a view: (rows, columns / joined, KH, KW, joined · C)."""
        ow, (per_row, per_column, per_channel) = self.y_shape[3], frame.strides
        shape = (count, ow // joined, *self.kernel, joined * frame.shape[2])
        strides = (
            per_row * self.stride[0],
            per_column * self.stride[1] * joined,
            per_row * self.dilation[0],
            per_column * self.dilation[1],
            per_channel,
        )
        return np.lib.stride_tricks.as_strided(frame, shape, strides)

    def joined(self) -> int:
        """How many neighbouring pixels make up a run."""
        _, c, _, ow = self.y_shape
        if self.stride[1] > 1:
            return 1
        return max(j for j in range(1, ow + 1) if j == 1 or (ow % j == 0 and j * c <= RUN_ELEMENTS))


def forward(
    x: np.ndarray,
    weight: np.ndarray,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    output_shape: tuple[int, int, int, int],
    finish: Finish = NOTHING,
) -> np.ndarray:
    """(N, C, H, W), (C, 1, KH, KW) -> (N, C, OH, OW), and what follows at once.

    >>> x, weight = np.array([[[[1.0, 2.0, 4.0]]]]), np.array([[[[1.0, 10.0]]]])
    >>> forward(x, weight, (1, 1), (0, 0), (1, 1), (1, 1, 1, 2)).tolist()
    [[[[21.0, 42.0]]]]
    """
    layout = Layout(x.shape, output_shape, weight.shape[2:], stride, padding, dilation)
    _, c, _, ow = output_shape
    y = np.empty(output_shape, np.result_type(x, weight))
    joined = layout.joined()
    taps = np.ascontiguousarray(weight[:, 0].transpose(1, 2, 0))  # (C, 1, KH, KW) -> (KH, KW, C)
    taps = np.tile(taps, (1, 1, joined))  # -> (KH, KW, joined · C)

    def one_block(block: tuple[int, slice]) -> None:
        image, rows = block
        count = rows.stop - rows.start
        frame = layout.frame(x[image], rows)
        total = scratch("depthwise sum", (count, ow // joined, joined * c), y.dtype)
        windows = layout.windows(frame, count, joined)
        np.einsum("ijuvk,uvk->ijk", windows, taps, out=total)
        total = total.reshape(count * ow, c)
        finish.apply_to_block(total.T, image, slice(0, c), slice(rows.start * ow, rows.stop * ow))
        y[image, :, rows] = total.reshape(count, ow, c).transpose(2, 0, 1)

    parallel_for(one_block, layout.blocks())
    return y
