"""Running statistics on CUDA: running_statistics.cu; `minicv.backend.cpu.running_statistics`
documents them.
"""

from __future__ import annotations

import numpy as np

from minicv.backend.cuda.launcher import CudaFile, one_thread_each
from minicv.backend.device import Array, xp_of

RUNNING_STATISTICS = CudaFile("running_statistics.cu")


def follow_statistics(
    running_mean: Array,
    running_var: Array,
    batches: Array,
    mean: Array,
    variance: Array,
    momentum: float,
    values: int,
) -> tuple[Array, Array, Array]:
    """New running mean, running variance and number of batches."""
    xp, real, channels = xp_of(running_mean), running_mean.dtype, len(running_mean)
    new = (*(xp.empty(channels, real) for _ in range(2)), xp.empty((), np.int64))
    statistics = (
        xp.ascontiguousarray(array, real) for array in (running_mean, running_var, mean, variance)
    )
    running_mean, running_var, mean, variance = statistics
    RUNNING_STATISTICS.launch(
        "follow",
        one_thread_each(max(channels, 1)),
        *(running_mean, running_var, xp.ascontiguousarray(batches, np.int64), mean, variance, *new),
        *(channels, momentum, values / (values - 1)),
        real=real,
    )
    return new[0], new[1].astype(running_var.dtype, copy=False), new[2]


def fold_statistics(
    running_mean: Array, running_var: Array, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array]:
    """(scale, shift), each (C,): one launch, where array mathematics has seven."""
    given = [array for array in (running_mean, running_var, weight, bias) if array is not None]
    xp = xp_of(*given)
    real, channels = xp.result_type(*given), len(running_mean)
    scale, shift = xp.empty(channels, real), xp.empty(channels, real)
    arrays = (
        scale if array is None else xp.ascontiguousarray(array, real)
        for array in (running_mean, running_var, weight, bias)
    )
    RUNNING_STATISTICS.launch(
        "fold",
        one_thread_each(channels),
        *(*arrays, scale, shift),
        *(channels, weight is not None, bias is not None, eps),
        real=real,
    )
    return scale, shift
