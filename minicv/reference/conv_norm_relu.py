"""Convolution, frozen normalisation, shortcut and ReLU, one result at a time."""

from __future__ import annotations

import numpy as np

from minicv.reference.conv2d import conv2d


def conv_norm_relu(
    x: np.ndarray,
    weight: np.ndarray,
    scale: np.ndarray | None = None,
    shift: np.ndarray | None = None,
    shortcut: np.ndarray | None = None,
    activation: str | None = None,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> np.ndarray:
    """The twin of `minicv.functional.conv_norm_relu`.

    >>> x, weight = np.array([[[[-1.0, 1.0, 4.0]]]]), np.array([[[[2.0]]]])
    >>> conv_norm_relu(x, weight, shift=np.array([-1.0]), activation="relu6").tolist()
    [[[[0.0, 1.0, 6.0]]]]
    """
    y = conv2d(x, weight, None, stride, padding, dilation, groups)
    for position in np.ndindex(y.shape):
        channel = position[1]
        if scale is not None:
            y[position] *= scale[channel]
        if shift is not None:
            y[position] += shift[channel]
        if shortcut is not None:
            y[position] += shortcut[position]
        if activation is not None:
            y[position] = max(y[position], 0)
        if activation == "relu6":
            y[position] = min(y[position], 6)
    return y
