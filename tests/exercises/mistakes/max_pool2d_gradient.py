"""Typical wrong answers to the exercise max_pool2d_gradient."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 2", "dL/dx[0, 0, 0, 2] is 100 but must be 111")
def assigns_where_windows_overlap(grad, x, kernel_size, stride):
    grad_x = np.zeros_like(x)
    for n, c, i, j in np.ndindex(grad.shape):
        top, left = i * stride, j * stride
        window = x[n, c, top : top + kernel_size, left : left + kernel_size]
        u, v = divmod(window.argmax(), kernel_size)
        grad_x[n, c, top + u, left + v] = grad[n, c, i, j]
    return grad_x


@mistake("small case 2", "dL/dx[0, 0, 0, 2] is")
def adds_with_an_array_of_places(grad, x, kernel_size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel_size, kernel_size), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    best = windows.reshape(*windows.shape[:4], -1).argmax(axis=-1)
    u, v = np.divmod(best, kernel_size)
    n, c, i, j = np.indices(grad.shape)
    grad_x = np.zeros_like(x)
    grad_x[n, c, i * stride + u, j * stride + v] += grad  # counts a place once
    return grad_x


@mistake("small case 2", "dL/dx[0, 0, 1, 2] is 111 but must be 0")
def all_equal_values_get_it(grad, x, kernel_size, stride):
    grad_x = np.zeros_like(x)
    for n, c, i, j in np.ndindex(grad.shape):
        rows = slice(i * stride, i * stride + kernel_size)
        columns = slice(j * stride, j * stride + kernel_size)
        window = x[n, c, rows, columns]
        grad_x[n, c, rows, columns] += (window == window.max()) * grad[n, c, i, j]
    return grad_x


@mistake("small case 1", "dL/dx[0, 0, 0, 0] is 0.25 but must be 0")
def spreads_it_as_a_mean_does(grad, x, kernel_size, stride):
    grad_x = np.zeros_like(x)
    for n, c, i, j in np.ndindex(grad.shape):
        rows = slice(i * stride, i * stride + kernel_size)
        columns = slice(j * stride, j * stride + kernel_size)
        grad_x[n, c, rows, columns] += grad[n, c, i, j] / kernel_size**2
    return grad_x


@mistake("small case 4", "dL/dx[0, 1, 0, 0]")
def maxima_of_the_first_channel(grad, x, kernel_size, stride):
    grad_x = np.zeros_like(x)
    for n, c, i, j in np.ndindex(grad.shape):
        top, left = i * stride, j * stride
        window = x[n, 0, top : top + kernel_size, left : left + kernel_size]
        u, v = divmod(window.argmax(), kernel_size)
        grad_x[n, c, top + u, left + v] += grad[n, c, i, j]
    return grad_x


@mistake("small case 1", "dL/dx[0, 0, 0, 2] is 6 but must be 2")
def puts_the_maxima_back(grad, x, kernel_size, stride):
    grad_x = np.zeros_like(x)
    for n, c, i, j in np.ndindex(grad.shape):
        top, left = i * stride, j * stride
        window = x[n, c, top : top + kernel_size, left : left + kernel_size]
        u, v = divmod(window.argmax(), kernel_size)
        grad_x[n, c, top + u, left + v] += window[u, v]
    return grad_x
