"""The steps of the optimizers on CUDA: optimizer_step.cu; `minicv.backend.cpu.optimizer_step`
documents them. All arrays are contiguous.
"""

from __future__ import annotations

import math

import numpy as np

from minicv.backend.cuda.launcher import CudaFile, index_type, one_thread_each
from minicv.backend.device import Array

OPTIMIZER_STEP = CudaFile("optimizer_step.cu")


def sgd_step(
    data: Array,
    grad: Array,
    velocity: Array | None,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
) -> None:
    """v ← momentum v + (1 - dampening) g, then p ← p - lr v."""
    if velocity is None:
        _launch("sgd_step", (data, grad), lr, weight_decay)
        return
    share = 1 - dampening
    numbers = (lr, momentum, share, weight_decay, nesterov)
    _launch("sgd_step_with_momentum", (data, grad, velocity), *numbers)


def adam_step(
    data: Array,
    grad: Array,
    mean: Array,
    mean_of_square: Array,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    step: int,
) -> None:
    """Move p along its mean gradient, by the size of its usual gradient."""
    beta1, beta2 = betas
    corrected_lr = lr / (1 - beta1**step)
    root = math.sqrt(1 - beta2**step)
    largest = float(np.finfo(data.dtype).max)
    numbers = (corrected_lr, beta1, 1 - beta1, beta2, 1 - beta2, root, eps, weight_decay)
    arrays = (data, grad, mean, mean_of_square)
    _launch("adam_step", arrays, *numbers, largest, math.sqrt(largest))


def _launch(kernel: str, arrays: tuple[Array, ...], *numbers: float) -> None:
    count, dtype = arrays[0].size, arrays[0].dtype
    OPTIMIZER_STEP.launch(
        kernel,
        one_thread_each(count),
        *arrays,
        *(count, *numbers),
        real=dtype,
        index_t=index_type(count),
    )
