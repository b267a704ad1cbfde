"""Typical wrong answers to the exercise unpool_bed_of_nails."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 1", "result[0, 0, 0, 1] is 1 but must be 0", "12 of 16 cells are wrong")
def nearest_neighbour(x, scale_factor):
    return x.repeat(scale_factor, axis=2).repeat(scale_factor, axis=3)


@mistake("small case 1", "result[0, 0, 0, 0] is 0 but must be 1", "8 of 16 cells are wrong")
def the_other_corner(x, scale_factor):
    y = np.zeros((*x.shape[:2], x.shape[2] * scale_factor, x.shape[3] * scale_factor))
    y[:, :, scale_factor - 1 :: scale_factor, scale_factor - 1 :: scale_factor] = x
    return y


@mistake("small case 1", "shape (1, 1, 3, 3) but must have (1, 1, 4, 4)", "1 too few along axis 2")
def no_zeros_after_the_last(x, scale_factor):
    height, width = x.shape[2:]
    y = np.zeros((*x.shape[:2], (height - 1) * scale_factor + 1, (width - 1) * scale_factor + 1))
    y[:, :, ::scale_factor, ::scale_factor] = x
    return y


@mistake("small case 2", "at line 6", "could not broadcast")
def a_step_of_two(x, scale_factor):
    y = np.zeros((*x.shape[:2], x.shape[2] * scale_factor, x.shape[3] * scale_factor))
    y[:, :, ::2, ::2] = x
    return y


@mistake("small case 1", "result[0, 0, 0, 1]", "must be 0")
def an_array_that_is_not_cleared(x, scale_factor):
    y = np.full((*x.shape[:2], x.shape[2] * scale_factor, x.shape[3] * scale_factor), np.nan)
    y[:, :, ::scale_factor, ::scale_factor] = x
    return y


@mistake("small case 3", "result[0, 1, 0, 0]")
def the_first_channel_everywhere(x, scale_factor):
    y = np.zeros((*x.shape[:2], x.shape[2] * scale_factor, x.shape[3] * scale_factor))
    y[:, :, ::scale_factor, ::scale_factor] = x[:, :1]
    return y
