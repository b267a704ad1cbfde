"""MyGrad: a small autograd on NumPy, made for teaching."""

from __future__ import annotations

import mygrad
import numpy as np

from benchmarks import inputs

VERSION = mygrad.__version__


def to_numpy(result):
    return result.data if isinstance(result, mygrad.Tensor) else np.asarray(result)


def tanh_chain(dtype, length, shape, backward):
    x = mygrad.tensor(inputs.normal("x", tuple(shape), dtype))
    ones = np.ones(tuple(shape), dtype)

    def chain():
        y = x
        for _ in range(length):
            y = mygrad.tanh(y * 1.01 + 0.01)
        return y

    def forward_step():
        with mygrad.no_autodiff:
            return [chain()]

    def step():
        x.null_grad()
        y = chain()
        y.backward(ones)
        return [y, x.grad]

    return step if backward else forward_step
