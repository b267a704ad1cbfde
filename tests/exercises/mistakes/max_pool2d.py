"""Typical wrong answers to the exercise max_pool2d."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 1", "indices[0, 0, 0, 0] is 3 but must be 5")
def positions_within_the_window(x, kernel_size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel_size, kernel_size), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    taps = windows.reshape(*windows.shape[:4], -1)
    return taps.max(axis=-1), taps.argmax(axis=-1)


@mistake("small case 1", "indices[0, 0, 0, 0] is 3 but must be 5")
def positions_with_the_width_of_the_result(x, kernel_size, stride):
    batch, channels, height, width = x.shape
    rows, columns = (height - kernel_size) // stride + 1, (width - kernel_size) // stride + 1
    y = np.zeros((batch, channels, rows, columns))
    indices = np.zeros(y.shape, int)
    for n, c, i, j in np.ndindex(y.shape):
        top, left = i * stride, j * stride
        window = x[n, c, top : top + kernel_size, left : left + kernel_size]
        u, v = divmod(window.argmax(), kernel_size)
        y[n, c, i, j] = window[u, v]
        indices[n, c, i, j] = (top + u) * columns + left + v
    return y, indices


@mistake("small case 2", "result[0, 0, 0, 0] is 0 but must be -1")
def begins_with_zero(x, kernel_size, stride):
    batch, channels, height, width = x.shape
    rows, columns = (height - kernel_size) // stride + 1, (width - kernel_size) // stride + 1
    y = np.zeros((batch, channels, rows, columns))
    indices = np.zeros(y.shape, int)
    for n, c, i, j in np.ndindex(y.shape):
        for u, v in np.ndindex(kernel_size, kernel_size):
            h, w = i * stride + u, j * stride + v
            if x[n, c, h, w] > y[n, c, i, j]:
                y[n, c, i, j] = x[n, c, h, w]
                indices[n, c, i, j] = h * width + w
    return y, indices


@mistake("small case 3", "indices[0, 0, 0, 0] is 4 but must be 0")
def the_last_of_equal_values(x, kernel_size, stride):
    batch, channels, height, width = x.shape
    rows, columns = (height - kernel_size) // stride + 1, (width - kernel_size) // stride + 1
    y = np.full((batch, channels, rows, columns), -np.inf)
    indices = np.zeros(y.shape, int)
    for n, c, i, j in np.ndindex(y.shape):
        for u, v in np.ndindex(kernel_size, kernel_size):
            h, w = i * stride + u, j * stride + v
            if x[n, c, h, w] >= y[n, c, i, j]:
                y[n, c, i, j] = x[n, c, h, w]
                indices[n, c, i, j] = h * width + w
    return y, indices


@mistake("small case 4", "result has the shape (1, 1, 1, 3) but must have (1, 1, 1, 2)")
def one_window_too_many(x, kernel_size, stride):
    batch, channels, height, width = x.shape
    rows, columns = (
        -(-(height - kernel_size) // stride) + 1,
        -(-(width - kernel_size) // stride) + 1,
    )
    y = np.zeros((batch, channels, rows, columns))
    indices = np.zeros(y.shape, int)
    for n, c, i, j in np.ndindex(y.shape):
        top, left = i * stride, j * stride
        window = x[n, c, top : top + kernel_size, left : left + kernel_size]
        u, v = divmod(window.argmax(), window.shape[1])
        y[n, c, i, j] = window[u, v]
        indices[n, c, i, j] = (top + u) * width + left + v
    return y, indices


@mistake("small case 1", "indices has the dtype float64, which is floating numbers")
def positions_are_floating_numbers(x, kernel_size, stride):
    batch, channels, height, width = x.shape
    rows, columns = (height - kernel_size) // stride + 1, (width - kernel_size) // stride + 1
    y = np.zeros((batch, channels, rows, columns))
    indices = np.zeros(y.shape)
    for n, c, i, j in np.ndindex(y.shape):
        top, left = i * stride, j * stride
        window = x[n, c, top : top + kernel_size, left : left + kernel_size]
        u, v = divmod(window.argmax(), kernel_size)
        y[n, c, i, j] = window[u, v]
        indices[n, c, i, j] = (top + u) * width + left + v
    return y, indices
