"""Typical wrong answers to the exercise conv2d."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 1", "result[0, 0, 0, 0] is 23 but must be 37", "4 of 4 cells are wrong")
def flipped_kernel(x, weight, bias, stride, padding):
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return np.einsum("ncijuv,ocuv->noij", windows, weight[:, :, ::-1, ::-1]) + bias[:, None, None]


@mistake("small case 2", "shape (1, 1, 1, 1) but must have (1, 1, 3, 3)", "2 too few along axis 2")
def forgets_the_padding(x, weight, bias, stride, padding):
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return np.einsum("ncijuv,ocuv->noij", windows, weight) + bias[:, None, None]


@mistake("small case 3", "shape (1, 1, 2, 4) but must have (1, 1, 2, 2)", "along axis 3")
def stride_of_the_rows_only(x, weight, bias, stride, padding):
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride]
    return np.einsum("ncijuv,ocuv->noij", windows, weight) + bias[:, None, None]


@mistake("small case 4", "at line 8", "could not be broadcast")
def bias_along_the_columns(x, weight, bias, stride, padding):
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return np.einsum("ncijuv,ocuv->noij", windows, weight) + bias


@mistake("small case 4", "result[0, 0, 0, 0]")
def channels_are_not_summed(x, weight, bias, stride, padding):
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], axis=(2, 3))
    windows = windows[:, 0, ::stride, ::stride]
    return np.einsum("nijuv,ouv->noij", windows, weight[:, 0]) + bias[:, None, None]


@mistake("result has the dtype int64, which is whole numbers, but must be float64")
def an_array_of_whole_numbers(x, weight, bias, stride, padding):
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    y = np.zeros((len(x), len(weight), *windows.shape[2:4]), dtype=int)
    y[:] = np.einsum("ncijuv,ocuv->noij", windows, weight) + bias[:, None, None]
    return y
