"""Patch nets of several strides, with random weights, for the tests of dense evaluation."""

import numpy as np

from minicv.nn import (
    Conv2d,
    Dropout,
    Flatten,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
    Tanh,
)

K = 4  # numbers that each net gives for a patch


def stride_1(rng):
    """7 -> 5 -> 3 -> fully connected."""
    return 7, Sequential(
        Conv2d(3, 4, 3, rng=rng), Tanh(), Conv2d(4, 5, 3, rng=rng), ReLU(), Flatten(),
        Linear(5 * 9, 6, rng=rng), ReLU(), Dropout(0.5, rng=rng), Linear(6, K, rng=rng),
    )  # fmt: skip


def stride_2(rng):
    """8 -> 6 -> 3 -> fully connected."""
    return 8, Sequential(
        Conv2d(3, 4, 3, rng=rng), ReLU(), MaxPool2d(2), Flatten(), Linear(4 * 9, K, rng=rng)
    )


def stride_4(rng):
    """16 -> 14 -> 7 -> 6 -> 3 -> fully connected: two poolings, as Farabet's."""
    return 16, Sequential(
        Conv2d(3, 4, 3, rng=rng), ReLU(), MaxPool2d(2, 2), Conv2d(4, 6, 2, rng=rng), LeakyReLU(0.1),
        MaxPool2d(2), Flatten(), Linear(6 * 9, 7, bias=False, rng=rng), ReLU(),
        Linear(7, K, rng=rng),
    )  # fmt: skip


def stride_6(rng):
    """15 -> 5 -> 2: a convolution with stride, dilation and groups; poolings that overlap."""
    return 15, Sequential(
        Conv2d(3, 6, 2, stride=3, dilation=2, groups=3, bias=False, rng=rng), ReLU(),
        MaxPool2d(3, stride=2), Flatten(), Linear(6 * 4, K, rng=rng),
    )  # fmt: skip


PATCH_NETS = {1: stride_1, 2: stride_2, 4: stride_4, 6: stride_6}


def make_patch_net(stride, dtype):
    """(P, net) in evaluation mode."""
    size, net = PATCH_NETS[stride](np.random.default_rng(stride))
    return size, net.astype(dtype).eval()
