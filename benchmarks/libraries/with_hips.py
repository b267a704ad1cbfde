"""HIPS autograd: NumPy functions traced as they run."""

from __future__ import annotations

from importlib.metadata import version

import autograd
import autograd.numpy as anp
import numpy as np

from benchmarks import inputs

VERSION = version("autograd")
to_numpy = np.asarray


def tanh_chain(dtype, length, shape, backward):
    x = inputs.normal("x", tuple(shape), dtype)

    def chain(x):
        y = x
        for _ in range(length):
            y = anp.tanh(y * 1.01 + 0.01)
        return y

    if not backward:
        return lambda: [chain(x)]
    ones = np.ones(tuple(shape), dtype)
    traced = autograd.make_vjp(chain)

    def step():
        pull_back, y = traced(x)
        return [y, pull_back(ones)]

    return step
