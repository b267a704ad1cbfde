"""Typical wrong answers to the exercise conv_transpose2d."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 1", "result[0, 0, 0, 2] is 10 but must be 13")
def the_last_stamp_wins(x, weight, bias, stride, padding):
    batch, _, height, width = x.shape
    _, outputs, kernel_height, kernel_width = weight.shape
    rows, columns = (height - 1) * stride + kernel_height, (width - 1) * stride + kernel_width
    y = np.zeros((batch, outputs, rows, columns))
    for n, c, i, j in np.ndindex(x.shape):
        h = slice(i * stride, i * stride + kernel_height)
        w = slice(j * stride, j * stride + kernel_width)
        y[n, :, h, w] = x[n, c, i, j] * weight[c]
    y += bias[:, None, None]
    return y[:, :, padding : rows - padding, padding : columns - padding]


@mistake("small case 3", "result has the shape (1, 1, 5, 5) but must have (1, 1, 3, 3)")
def keeps_the_padding(x, weight, bias, stride, padding):
    batch, _, height, width = x.shape
    _, outputs, kernel_height, kernel_width = weight.shape
    rows, columns = (height - 1) * stride + kernel_height, (width - 1) * stride + kernel_width
    y = np.zeros((batch, outputs, rows, columns))
    for n, c, i, j in np.ndindex(x.shape):
        h = slice(i * stride, i * stride + kernel_height)
        w = slice(j * stride, j * stride + kernel_width)
        y[n, :, h, w] += x[n, c, i, j] * weight[c]
    return y + bias[:, None, None]


@mistake("small case 1", "result has the shape (1, 1, 0, 0) but must have (1, 1, 1, 5)")
def cuts_with_a_negative_zero(x, weight, bias, stride, padding):
    batch, _, height, width = x.shape
    _, outputs, kernel_height, kernel_width = weight.shape
    rows, columns = (height - 1) * stride + kernel_height, (width - 1) * stride + kernel_width
    y = np.zeros((batch, outputs, rows, columns))
    for n, c, i, j in np.ndindex(x.shape):
        h = slice(i * stride, i * stride + kernel_height)
        w = slice(j * stride, j * stride + kernel_width)
        y[n, :, h, w] += x[n, c, i, j] * weight[c]
    y += bias[:, None, None]
    return y[:, :, padding:-padding, padding:-padding]


@mistake("small case 4", "result has the shape (1, 2, 1, 2) but must have (1, 3, 1, 2)")
def weight_as_of_a_convolution(x, weight, bias, stride, padding):
    batch, _, height, width = x.shape
    outputs, _, kernel_height, kernel_width = weight.shape
    rows, columns = (height - 1) * stride + kernel_height, (width - 1) * stride + kernel_width
    y = np.zeros((batch, outputs, rows, columns))
    for n, c, i, j in np.ndindex(x.shape):
        h = slice(i * stride, i * stride + kernel_height)
        w = slice(j * stride, j * stride + kernel_width)
        y[n, :, h, w] += x[n, c, i, j] * weight[:, c]
    y += bias[:outputs, None, None]
    return y[:, :, padding : rows - padding, padding : columns - padding]


@mistake("small case 4", "result[0, 0, 0, 0] is 211 but must be 111", "of 6 cells are wrong")
def a_bias_for_each_input_channel(x, weight, bias, stride, padding):
    batch, _, height, width = x.shape
    _, outputs, kernel_height, kernel_width = weight.shape
    rows, columns = (height - 1) * stride + kernel_height, (width - 1) * stride + kernel_width
    y = np.zeros((batch, outputs, rows, columns))
    for n, c, i, j in np.ndindex(x.shape):
        h = slice(i * stride, i * stride + kernel_height)
        w = slice(j * stride, j * stride + kernel_width)
        y[n, :, h, w] += x[n, c, i, j] * weight[c] + bias[:, None, None]
    return y[:, :, padding : rows - padding, padding : columns - padding]


@mistake("small case 2", "result[0, 0, 0, 0] is 3 but must be 1")
def flipped_kernel(x, weight, bias, stride, padding):
    batch, _, height, width = x.shape
    _, outputs, kernel_height, kernel_width = weight.shape
    rows, columns = (height - 1) * stride + kernel_height, (width - 1) * stride + kernel_width
    y = np.zeros((batch, outputs, rows, columns))
    for n, c, i, j in np.ndindex(x.shape):
        h = slice(i * stride, i * stride + kernel_height)
        w = slice(j * stride, j * stride + kernel_width)
        y[n, :, h, w] += x[n, c, i, j] * weight[c, :, ::-1]
    y += bias[:, None, None]
    return y[:, :, padding : rows - padding, padding : columns - padding]
