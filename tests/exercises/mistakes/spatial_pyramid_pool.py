"""Typical wrong answers to the exercise spatial_pyramid_pool."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 2", "overlap in the middle column", "y[0, 0] is 1 but must be 9")
def bins_of_one_size(x, levels):
    batch, channels, height, width = x.shape
    parts = []
    for level in levels:
        maxima = np.zeros((batch, channels, level, level))
        for i in range(level):
            first_row, stop_row = i * (height // level), (i + 1) * (height // level)
            for j in range(level):
                first_column, stop_column = j * (width // level), (j + 1) * (width // level)
                bin = x[:, :, first_row:stop_row, first_column:stop_column]
                maxima[:, :, i, j] = bin.max(axis=(2, 3))
        parts.append(maxima.reshape(batch, channels * level**2))
    return np.concatenate(parts, axis=1)


@mistake("small case 2", "y[0, 0] is 1 but must be 9")
def bins_that_do_not_overlap(x, levels):
    batch, channels, height, width = x.shape
    parts = []
    for level in levels:
        maxima = np.zeros((batch, channels, level, level))
        for i in range(level):
            first_row, stop_row = i * height // level, (i + 1) * height // level
            for j in range(level):
                first_column, stop_column = j * width // level, (j + 1) * width // level
                bin = x[:, :, first_row:stop_row, first_column:stop_column]
                maxima[:, :, i, j] = bin.max(axis=(2, 3))
        parts.append(maxima.reshape(batch, channels * level**2))
    return np.concatenate(parts, axis=1)


@mistake("small case 2", "overlap in the middle column", "y[0, 1] is 2 but must be 9")
def bins_of_rounded_up_size(x, levels):
    batch, channels, height, width = x.shape
    parts = []
    for level in levels:
        maxima = np.zeros((batch, channels, level, level))
        for i in range(level):
            first_row, stop_row = -(-height // level) * i, -(-height // level) * (i + 1)
            for j in range(level):
                first_column, stop_column = -(-width // level) * j, -(-width // level) * (j + 1)
                bin = x[:, :, first_row:stop_row, first_column:stop_column]
                maxima[:, :, i, j] = bin.max(axis=(2, 3))
        parts.append(maxima.reshape(batch, channels * level**2))
    return np.concatenate(parts, axis=1)


@mistake("small case 4", "two channels", "y[0, 3] is 50 but must be 2")
def channels_last(x, levels):
    batch, channels, height, width = x.shape
    parts = []
    for level in levels:
        maxima = np.zeros((batch, channels, level, level))
        for i in range(level):
            first_row, stop_row = i * height // level, -(-(i + 1) * height // level)
            for j in range(level):
                first_column, stop_column = j * width // level, -(-(j + 1) * width // level)
                bin = x[:, :, first_row:stop_row, first_column:stop_column]
                maxima[:, :, i, j] = bin.max(axis=(2, 3))
        parts.append(maxima.transpose(0, 2, 3, 1).reshape(batch, channels * level**2))
    return np.concatenate(parts, axis=1)


@mistake("small case 1", "y[0, 4] is 2.5 but must be 4")
def means(x, levels):
    batch, channels, height, width = x.shape
    parts = []
    for level in levels:
        maxima = np.zeros((batch, channels, level, level))
        for i in range(level):
            first_row, stop_row = i * height // level, -(-(i + 1) * height // level)
            for j in range(level):
                first_column, stop_column = j * width // level, -(-(j + 1) * width // level)
                bin = x[:, :, first_row:stop_row, first_column:stop_column]
                maxima[:, :, i, j] = bin.mean(axis=(2, 3))
        parts.append(maxima.reshape(batch, channels * level**2))
    return np.concatenate(parts, axis=1)


@mistake("small case 1", "y[0, 0] is 4 but must be 1")
def the_coarsest_level_first(x, levels):
    batch, channels, height, width = x.shape
    parts = []
    for level in sorted(levels):
        maxima = np.zeros((batch, channels, level, level))
        for i in range(level):
            first_row, stop_row = i * height // level, -(-(i + 1) * height // level)
            for j in range(level):
                first_column, stop_column = j * width // level, -(-(j + 1) * width // level)
                bin = x[:, :, first_row:stop_row, first_column:stop_column]
                maxima[:, :, i, j] = bin.max(axis=(2, 3))
        parts.append(maxima.reshape(batch, channels * level**2))
    return np.concatenate(parts, axis=1)


@mistake("small case 5", "two images", "(1, 2)", "must have (2, 1)")
def one_image_alone(x, levels):
    batch, channels, height, width = x.shape
    parts = []
    for level in levels:
        maxima = np.zeros((batch, channels, level, level))
        for i in range(level):
            first_row, stop_row = i * height // level, -(-(i + 1) * height // level)
            for j in range(level):
                first_column, stop_column = j * width // level, -(-(j + 1) * width // level)
                bin = x[:, :, first_row:stop_row, first_column:stop_column]
                maxima[:, :, i, j] = bin.max(axis=(2, 3))
        parts.append(maxima.reshape(1, batch * channels * level**2))
    return np.concatenate(parts, axis=1)


@mistake("small case 1", "dL/dx[0, 0, 1, 0] is 5 but must be 8", of="spatial_pyramid_pool_gradient")
def gradient_of_the_last_level(grad, x, levels):
    batch, channels, height, width = x.shape
    grad_x = np.zeros(x.shape)
    n, c = np.ogrid[:batch, :channels]
    start = 0
    for level in levels:
        stop = start + channels * level**2
        of_level = grad[:, start:stop].reshape(batch, channels, level, level)
        for i in range(level):
            first_row, stop_row = i * height // level, -(-(i + 1) * height // level)
            for j in range(level):
                first_column, stop_column = j * width // level, -(-(j + 1) * width // level)
                bin = x[:, :, first_row:stop_row, first_column:stop_column]
                best = bin.reshape(batch, channels, bin[0, 0].size).argmax(axis=2)
                down, along = np.divmod(best, stop_column - first_column)
                grad_x[n, c, first_row + down, first_column + along] = of_level[:, :, i, j]
        start = stop
    return grad_x


@mistake(
    "small case 7",
    "equal numbers",
    "dL/dx[0, 0, 0, 1] is 1 but must be 0",
    of="spatial_pyramid_pool_gradient",
)
def gradient_to_all_of_equals(grad, x, levels):
    batch, channels, height, width = x.shape
    grad_x = np.zeros(x.shape)
    start = 0
    for level in levels:
        stop = start + channels * level**2
        of_level = grad[:, start:stop].reshape(batch, channels, level, level)
        for i in range(level):
            first_row, stop_row = i * height // level, -(-(i + 1) * height // level)
            for j in range(level):
                first_column, stop_column = j * width // level, -(-(j + 1) * width // level)
                bin = x[:, :, first_row:stop_row, first_column:stop_column]
                is_best = bin == bin.max(axis=(2, 3), keepdims=True)
                part = grad_x[:, :, first_row:stop_row, first_column:stop_column]
                part += is_best * of_level[:, :, i, j, None, None]
        start = stop
    return grad_x
