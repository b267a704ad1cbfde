"""Typical wrong answers to the exercise unpool_nearest."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 1", "result[0, 0, 0, 1] is 2 but must be 1", "of 16 cells are wrong")
def tiles_the_map(x, scale_factor):
    return np.tile(x, (1, 1, scale_factor, scale_factor))


@mistake("small case 1", "shape (2, 2, 2, 2) but must have (1, 1, 4, 4)")
def repeats_the_first_axes(x, scale_factor):
    return x.repeat(scale_factor, axis=0).repeat(scale_factor, axis=1)


@mistake("small case 1", "shape (1, 1, 4, 2) but must have (1, 1, 4, 4)", "2 too few along axis 3")
def repeats_rows_only(x, scale_factor):
    return x.repeat(scale_factor, axis=2)


@mistake("small case 1", "result[0, 0, 0, 1] is 0 but must be 1")
def leaves_zeros_between(x, scale_factor):
    y = np.zeros((*x.shape[:2], x.shape[2] * scale_factor, x.shape[3] * scale_factor))
    y[:, :, ::scale_factor, ::scale_factor] = x
    return y


@mistake("small case 2", "result[0, 0, 0, 2] is 2 but must be 1")
def always_twice_as_large(x, scale_factor):
    rows = np.arange(x.shape[2] * scale_factor) // 2 % x.shape[2]
    columns = np.arange(x.shape[3] * scale_factor) // 2 % x.shape[3]
    return x[:, :, rows][..., columns]


@mistake("must return an array but returns None; is a `return` missing?")
def forgets_to_return(x, scale_factor):
    x.repeat(scale_factor, axis=2).repeat(scale_factor, axis=3)
