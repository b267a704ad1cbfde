"""Typical wrong answers to the exercise roi_pool."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 1", "y[0, 0, 0, 1] is 2 but must be 3")
def half_open_boxes(x, boxes, batch_indices, output_size, spatial_scale):
    height, width = x.shape[2:]
    y = np.zeros((len(boxes), x.shape[1], *output_size))
    corners = np.floor(boxes * spatial_scale + 0.5).astype(int)
    for r, (left, top, right, bottom) in enumerate(corners):
        rows, columns = max(bottom - top, 1), max(right - left, 1)
        for i in range(output_size[0]):
            for j in range(output_size[1]):
                first_row = np.clip(top + i * rows // output_size[0], 0, height)
                stop_row = np.clip(top - (-(i + 1) * rows // output_size[0]), 0, height)
                first_column = np.clip(left + j * columns // output_size[1], 0, width)
                stop_column = np.clip(left - (-(j + 1) * columns // output_size[1]), 0, width)
                bin = x[batch_indices[r], :, first_row:stop_row, first_column:stop_column]
                if bin.size > 0:
                    y[r, :, i, j] = bin.max(axis=(1, 2))
    return y


@mistake("small case 3", "corners at halves", "y[0, 0, 0, 0] is 9 but must be 10")
def halves_to_the_even_neighbour(x, boxes, batch_indices, output_size, spatial_scale):
    height, width = x.shape[2:]
    y = np.zeros((len(boxes), x.shape[1], *output_size))
    corners = np.round(boxes * spatial_scale).astype(int)
    for r, (left, top, right, bottom) in enumerate(corners):
        rows, columns = max(bottom - top + 1, 1), max(right - left + 1, 1)
        for i in range(output_size[0]):
            for j in range(output_size[1]):
                first_row = np.clip(top + i * rows // output_size[0], 0, height)
                stop_row = np.clip(top - (-(i + 1) * rows // output_size[0]), 0, height)
                first_column = np.clip(left + j * columns // output_size[1], 0, width)
                stop_column = np.clip(left - (-(j + 1) * columns // output_size[1]), 0, width)
                bin = x[batch_indices[r], :, first_row:stop_row, first_column:stop_column]
                if bin.size > 0:
                    y[r, :, i, j] = bin.max(axis=(1, 2))
    return y


@mistake("small case 2", "which overlap", "y[0, 0, 0, 0] is 2 but must be 6")
def bins_that_do_not_overlap(x, boxes, batch_indices, output_size, spatial_scale):
    height, width = x.shape[2:]
    y = np.zeros((len(boxes), x.shape[1], *output_size))
    corners = np.floor(boxes * spatial_scale + 0.5).astype(int)
    for r, (left, top, right, bottom) in enumerate(corners):
        rows = np.linspace(top, max(bottom, top) + 1, output_size[0] + 1).astype(int)
        columns = np.linspace(left, max(right, left) + 1, output_size[1] + 1).astype(int)
        rows, columns = np.clip(rows, 0, height), np.clip(columns, 0, width)
        for i in range(output_size[0]):
            for j in range(output_size[1]):
                bin = x[batch_indices[r], :, rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
                if bin.size > 0:
                    y[r, :, i, j] = bin.max(axis=(1, 2))
    return y


@mistake("small case 5", "sticks out", "y[0, 0, 0, 0]", "must be 0")
def negative_indices(x, boxes, batch_indices, output_size, spatial_scale):
    y = np.zeros((len(boxes), x.shape[1], *output_size))
    corners = np.floor(boxes * spatial_scale + 0.5).astype(int)
    for r, (left, top, right, bottom) in enumerate(corners):
        rows, columns = max(bottom - top + 1, 1), max(right - left + 1, 1)
        for i in range(output_size[0]):
            for j in range(output_size[1]):
                first_row = max(top + i * rows // output_size[0], 0)
                stop_row = top - (-(i + 1) * rows // output_size[0])
                first_column = max(left + j * columns // output_size[1], 0)
                stop_column = left - (-(j + 1) * columns // output_size[1])
                bin = x[batch_indices[r], :, first_row:stop_row, first_column:stop_column]
                if bin.size > 0:
                    y[r, :, i, j] = bin.max(axis=(1, 2))
    return y


@mistake("small case 5", "a map of negative numbers", "y[0, 0, 0, 1] is 0 but must be -5")
def maxima_that_begin_at_0(x, boxes, batch_indices, output_size, spatial_scale):
    height, width = x.shape[2:]
    y = np.zeros((len(boxes), x.shape[1], *output_size))
    corners = np.floor(boxes * spatial_scale + 0.5).astype(int)
    for r, (left, top, right, bottom) in enumerate(corners):
        rows, columns = max(bottom - top + 1, 1), max(right - left + 1, 1)
        for i in range(output_size[0]):
            for j in range(output_size[1]):
                first_row = np.clip(top + i * rows // output_size[0], 0, height)
                stop_row = np.clip(top - (-(i + 1) * rows // output_size[0]), 0, height)
                first_column = np.clip(left + j * columns // output_size[1], 0, width)
                stop_column = np.clip(left - (-(j + 1) * columns // output_size[1]), 0, width)
                bin = x[batch_indices[r], :, first_row:stop_row, first_column:stop_column]
                y[r, :, i, j] = bin.max(axis=(1, 2), initial=0)
    return y


@mistake("small case 7", "two images", "y[0, 0, 0, 0] is 1 but must be 8")
def always_the_first_image(x, boxes, batch_indices, output_size, spatial_scale):
    height, width = x.shape[2:]
    y = np.zeros((len(boxes), x.shape[1], *output_size))
    corners = np.floor(boxes * spatial_scale + 0.5).astype(int)
    for r, (left, top, right, bottom) in enumerate(corners):
        rows, columns = max(bottom - top + 1, 1), max(right - left + 1, 1)
        for i in range(output_size[0]):
            for j in range(output_size[1]):
                first_row = np.clip(top + i * rows // output_size[0], 0, height)
                stop_row = np.clip(top - (-(i + 1) * rows // output_size[0]), 0, height)
                first_column = np.clip(left + j * columns // output_size[1], 0, width)
                stop_column = np.clip(left - (-(j + 1) * columns // output_size[1]), 0, width)
                bin = x[0, :, first_row:stop_row, first_column:stop_column]
                if bin.size > 0:
                    y[r, :, i, j] = bin.max(axis=(1, 2))
    return y


@mistake(
    "small case 2", "boxes that overlap", "dL/dx[0, 0, 2, 3]", "must be 3", of="roi_pool_gradient"
)
def gradient_of_the_last_box(grad, x, boxes, batch_indices, output_size, spatial_scale):
    channels, height, width = x.shape[1:]
    grad_x = np.zeros(x.shape)
    corners = np.floor(boxes * spatial_scale + 0.5).astype(int)
    for r, (left, top, right, bottom) in enumerate(corners):
        rows, columns = max(bottom - top + 1, 1), max(right - left + 1, 1)
        for i in range(output_size[0]):
            for j in range(output_size[1]):
                first_row = np.clip(top + i * rows // output_size[0], 0, height)
                stop_row = np.clip(top - (-(i + 1) * rows // output_size[0]), 0, height)
                first_column = np.clip(left + j * columns // output_size[1], 0, width)
                stop_column = np.clip(left - (-(j + 1) * columns // output_size[1]), 0, width)
                bin = x[batch_indices[r], :, first_row:stop_row, first_column:stop_column]
                if bin.size > 0:
                    best = bin.reshape(channels, -1).argmax(axis=1)
                    down, along = np.divmod(best, bin.shape[2])
                    row, column = first_row + down, first_column + along
                    grad_x[batch_indices[r], range(channels), row, column] = grad[r, :, i, j]
    return grad_x


@mistake(
    "small case 3", "equal numbers", "dL/dx[0, 0, 0, 1] is 1 but must be 0", of="roi_pool_gradient"
)
def gradient_to_all_of_equals(grad, x, boxes, batch_indices, output_size, spatial_scale):
    height, width = x.shape[2:]
    grad_x = np.zeros(x.shape)
    corners = np.floor(boxes * spatial_scale + 0.5).astype(int)
    for r, (left, top, right, bottom) in enumerate(corners):
        rows, columns = max(bottom - top + 1, 1), max(right - left + 1, 1)
        for i in range(output_size[0]):
            for j in range(output_size[1]):
                first_row = np.clip(top + i * rows // output_size[0], 0, height)
                stop_row = np.clip(top - (-(i + 1) * rows // output_size[0]), 0, height)
                first_column = np.clip(left + j * columns // output_size[1], 0, width)
                stop_column = np.clip(left - (-(j + 1) * columns // output_size[1]), 0, width)
                place = batch_indices[r], slice(None), slice(first_row, stop_row)
                place += (slice(first_column, stop_column),)
                if x[place].size > 0:
                    is_best = x[place] == x[place].max(axis=(1, 2), keepdims=True)
                    grad_x[place] += is_best * grad[r, :, i, j, None, None]
    return grad_x
