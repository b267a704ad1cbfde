"""Convolution as on the slide: six nested loops for each image."""

from __future__ import annotations

import numpy as np


def conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] | str = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> np.ndarray:
    """The twin of `minicv.functional.conv2d`.

    (N, C, H, W) and (O, C / groups, KH, KW) -> (N, O, OH, OW)

    The top left window covers 1, 2, 4, 5, and 1·1 + 2·2 + 4·3 + 5·4 = 37:

    >>> x = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    >>> weight = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> conv2d(x, weight).tolist()
    [[[[37.0, 47.0], [67.0, 77.0]]]]
    """
    batch, _, height, width = x.shape
    out_channels, group_channels, kernel_height, kernel_width = weight.shape
    reach = (dilation[0] * (kernel_height - 1), dilation[1] * (kernel_width - 1))
    if padding == "same":  # with stride 1; of an odd number more stands at the bottom and right
        top, left = reach[0] // 2, reach[1] // 2
        out_height, out_width = height, width
    else:
        top, left = (0, 0) if isinstance(padding, str) else padding
        out_height = (height + 2 * top - reach[0] - 1) // stride[0] + 1
        out_width = (width + 2 * left - reach[1] - 1) // stride[1] + 1
    y = np.zeros((batch, out_channels, out_height, out_width), np.result_type(x, weight))
    for n in range(batch):
        for o in range(out_channels):
            first_channel = o // (out_channels // groups) * group_channels
            for i in range(out_height):
                for j in range(out_width):
                    total = 0.0 if bias is None else bias[o]
                    for c in range(group_channels):
                        for u in range(kernel_height):
                            for v in range(kernel_width):
                                row = i * stride[0] + u * dilation[0] - top
                                column = j * stride[1] + v * dilation[1] - left
                                # Outside the image there are zeros, which add nothing.
                                if 0 <= row < height and 0 <= column < width:
                                    pixel = x[n, first_channel + c, row, column]
                                    total += weight[o, c, u, v] * pixel
                    y[n, o, i, j] = total
    return y
