"""Typical wrong answers to the exercise conv_transpose1d."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 1", "result[2] is 10 but must be 13", "1 of 5 cells is wrong")
def the_last_stamp_wins(x, weight, stride):
    y = np.zeros((len(x) - 1) * stride + len(weight))
    for i in range(len(x)):
        y[i * stride : i * stride + len(weight)] = x[i] * weight
    return y


@mistake("small case 1", "result has the shape (6,) but must have (5,)", "1 too many along axis 0")
def a_length_of_stride_times_pixels(x, weight, stride):
    y = np.zeros(max(len(x) * stride, (len(x) - 1) * stride + len(weight)) + 1)
    for i in range(len(x)):
        y[i * stride : i * stride + len(weight)] += x[i] * weight
    return y


@mistake("small case 1", "result[0] is 3 but must be 1", "of 5 cells are wrong")
def a_flipped_kernel(x, weight, stride):
    y = np.zeros((len(x) - 1) * stride + len(weight))
    for i in range(len(x)):
        y[i * stride : i * stride + len(weight)] += x[i] * weight[::-1]
    return y


@mistake("small case 1", "result has the shape (4,) but must have (5,)", "1 too few")
def forgets_the_stride(x, weight, stride):
    y = np.zeros(len(x) - 1 + len(weight))
    for i in range(len(x)):
        y[i : i + len(weight)] += x[i] * weight
    return y


@mistake("small case 1", "result[2] is 6.5 but must be 13")
def a_mean_where_stamps_overlap(x, weight, stride):
    y = np.zeros((len(x) - 1) * stride + len(weight))
    count = np.zeros(len(y))
    for i in range(len(x)):
        y[i * stride : i * stride + len(weight)] += x[i] * weight
        count[i * stride : i * stride + len(weight)] += 1
    return y / np.maximum(count, 1)


@mistake("changes its argument weight in place at line 7", "weight *= x[i]")
def scales_the_stamp_itself(x, weight, stride):
    y = np.zeros((len(x) - 1) * stride + len(weight))
    for i in range(len(x)):
        weight *= x[i]
        y[i * stride : i * stride + len(weight)] += weight
        weight /= x[i] + 1e-9
    return y
