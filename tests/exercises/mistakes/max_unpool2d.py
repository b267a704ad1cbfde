"""Typical wrong answers to the exercise max_unpool2d."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 1", "result[0, 0, 0, 2] is 0 but must be 2")
def width_of_the_small_map(x, indices, output_size):
    y = np.zeros((*x.shape[:2], *output_size))
    for n, c, h, w in np.ndindex(x.shape):
        row, column = divmod(indices[n, c, h, w], x.shape[3])
        if row < output_size[0]:
            y[n, c, row, column] += x[n, c, h, w]
    return y


@mistake("small case 2", "at line 20", "IndexError", "y[n, c, row, column] +=")
def height_in_place_of_width(x, indices, output_size):
    y = np.zeros((*x.shape[:2], *output_size))
    for n, c, h, w in np.ndindex(x.shape):
        row, column = divmod(indices[n, c, h, w], output_size[0])
        y[n, c, row, column] += x[n, c, h, w]
    return y


@mistake("small case 3", "result[0, 0, 0, 2] is 4 but must be 0")
def all_channels_into_the_first(x, indices, output_size):
    y = np.zeros((*x.shape[:2], *output_size))
    flat = y.reshape(-1)
    flat[indices] = x
    return y


@mistake("small case 4", "result[0, 0, 0, 1] is 10 but must be 11", "1 of 4 cells is wrong")
def the_last_one_wins(x, indices, output_size):
    y = np.zeros((*x.shape[:2], *output_size))
    for n, c, h, w in np.ndindex(x.shape):
        row, column = divmod(indices[n, c, h, w], output_size[1])
        y[n, c, row, column] = x[n, c, h, w]
    return y


@mistake("small case 4", "result[0, 0, 0, 1] is 10 but must be 11")
def adds_with_an_array_of_places(x, indices, output_size):
    y = np.zeros((*x.shape[:2], output_size[0] * output_size[1]))
    n, c = np.indices((*x.shape[:2],))
    y[n[..., None, None], c[..., None, None], indices] += x
    return y.reshape(*x.shape[:2], *output_size)


@mistake(
    "max_unpool2d_gradient",
    "small case 1",
    "dL/dx has the shape (1, 1, 4, 4) but must have (1, 1, 2, 2)",
    of="max_unpool2d_gradient",
)
def gradient_of_the_large_map(grad, indices):
    grad_x = np.zeros_like(grad)
    grad_x.reshape(*grad.shape[:2], -1)[..., indices.ravel()] = 1
    return grad_x * grad


@mistake("small case 3", "dL/dx[0, 0, 0, 1] is 0 but must be 2", of="max_unpool2d_gradient")
def gradient_for_the_first_of_those_that_share(grad, indices):
    flat = grad.reshape(*grad.shape[:2], -1).copy()
    grad_x = np.zeros(indices.shape)
    for n, c, h, w in np.ndindex(indices.shape):
        grad_x[n, c, h, w] = flat[n, c, indices[n, c, h, w]]
        flat[n, c, indices[n, c, h, w]] = 0
    return grad_x
