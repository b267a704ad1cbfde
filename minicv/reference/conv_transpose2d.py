"""Transposed convolution as on the slide: every input pixel stamps a scaled copy of the kernel."""

from __future__ import annotations

import numpy as np


def conv_transpose2d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    output_padding: tuple[int, int] = (0, 0),
    groups: int = 1,
    dilation: tuple[int, int] = (1, 1),
) -> np.ndarray:
    """The twin of `minicv.functional.conv_transpose2d`.

    (N, C, H, W) and (C, O / groups, KH, KW) -> (N, O, OH, OW)

    The lecture's example, with (a, b) = (1, 10) and (x, y, z) = (1, 2, 3) at stride 2, gives
    (ax, ay, az + bx, by, bz):

    >>> image, kernel = np.array([[[[1.0, 10.0]]]]), np.array([[[[1.0, 2.0, 3.0]]]])
    >>> conv_transpose2d(image, kernel, stride=(1, 2)).tolist()
    [[[[1.0, 2.0, 13.0, 20.0, 30.0]]]]
    """
    batch, channels, height, width = x.shape
    _, group_outputs, kernel_height, kernel_width = weight.shape
    out_height = (
        (height - 1) * stride[0]
        - 2 * padding[0]
        + dilation[0] * (kernel_height - 1)
        + output_padding[0]
        + 1
    )
    out_width = (
        (width - 1) * stride[1]
        - 2 * padding[1]
        + dilation[1] * (kernel_width - 1)
        + output_padding[1]
        + 1
    )
    shape = (batch, group_outputs * groups, out_height, out_width)
    y = np.zeros(shape, np.result_type(x, weight))
    for n in range(batch):
        for c in range(channels):
            first_output = c // (channels // groups) * group_outputs
            for i in range(height):
                for j in range(width):
                    for o in range(group_outputs):
                        for u in range(kernel_height):
                            for v in range(kernel_width):
                                row = i * stride[0] + u * dilation[0] - padding[0]
                                column = j * stride[1] + v * dilation[1] - padding[1]
                                # What falls outside is cut off: that is what padding does here.
                                if 0 <= row < out_height and 0 <= column < out_width:
                                    stamp = weight[c, o, u, v] * x[n, c, i, j]
                                    y[n, first_output + o, row, column] += stamp
    if bias is not None:
        for o in range(group_outputs * groups):
            y[:, o] += bias[o]
    return y
